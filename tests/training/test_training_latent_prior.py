"""A prior that is fitted to latents foresees what can be foreseen, and costs what training believed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_corpus import make_corpus

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.assembly import payload_tables  # noqa: E402
from dred.bitstream import DredHeader, PayloadTables, SymbolTables, parse_payload, quantise, write_payload  # noqa: E402
from dred.bitstream.version import own_version  # noqa: E402
from dred.cli import main  # noqa: E402
from dred.errors import UsageError  # noqa: E402
from dred.training.export import with_prior  # noqa: E402
from dred.training.latent_prior import PriorConfig, fit_prior  # noqa: E402
from dred.training.symbol_statistics import count_symbols  # noqa: E402
from dred.weights import available, read_safetensors  # noqa: E402

NUM_DIMS = 6
CONFIG = PriorConfig(num_hidden=16, num_steps=400, batch=512)


def speak(rng: np.random.Generator, num_latents: int) -> np.ndarray:
    """Latents that keep half of themselves, with a loudness that all dimensions share and that lasts."""
    latents = np.zeros((num_latents, NUM_DIMS), np.float32)
    loudness = 1.0
    for n in range(1, num_latents):
        loudness = np.exp(0.9 * np.log(loudness) + 0.5 * rng.standard_normal())
        latents[n] = 0.6 * latents[n - 1] + loudness * rng.standard_normal(NUM_DIMS)
    return latents


def tables_of(latents: np.ndarray) -> tuple[PayloadTables, np.ndarray]:
    scales = np.geomspace(0.9, 0.15, 16)[:, None].repeat(NUM_DIMS, axis=1).astype(np.float32)
    counted = count_symbols(latents, scales, np.full_like(scales, 0.1))
    state = SymbolTables(**dict.fromkeys(("scale_q8", "dead_zone_q8", "r_q8", "p0_q8"), np.full((16, 2), 9, np.uint8)))
    return PayloadTables(version=own_version("00" * 32), latent=counted.tables, state=state), counted.gains


def payload_bytes(latents: np.ndarray, level: int, tables: PayloadTables) -> int:
    total = 0
    for end in range(25, len(latents), 26):
        symbols = quantise(latents[end::-1][:26].copy(), level, tables.latent)
        header = DredHeader(q0=level, dq=0, qmax=15, offset_ticks=0)
        written = write_payload(header, np.zeros(2, np.int32), symbols, tables)
        parsed = parse_payload(written.data + bytes(26), tables, max_latents=26)
        assert np.array_equal(parsed.latent_symbols, symbols)
        total += len(written.data)
    return total


def test_what_neighbours_tell_is_saved(rng: np.random.Generator) -> None:
    spoken = speak(rng, 8000)
    tables, gains = tables_of(spoken)
    shares: list[float] = []
    prior = fit_prior(np.split(spoken * gains, 8), tables.latent, CONFIG, report=lambda _, share: shares.append(share))
    other = speak(rng, 26 * 40) * gains
    with_prior = replace(tables, prior=prior)
    ratios = [payload_bytes(other, level, with_prior) / payload_bytes(other, level, tables) for level in (0, 5, 10)]
    assert max(ratios) < 0.93
    # What training believed is what the range coder needs, but for the header, the state and whole bytes.
    assert np.mean(ratios) == pytest.approx(np.mean(shares[-3:]), abs=0.06)


def test_equal_seeds_make_equal_priors(rng: np.random.Generator) -> None:
    spoken = speak(rng, 400)
    tables, gains = tables_of(spoken)
    few = replace(CONFIG, num_steps=5)
    first, second = (fit_prior([spoken * gains], tables.latent, few).tobytes() for _ in range(2))
    assert first == second
    assert first != fit_prior([spoken * gains], tables.latent, replace(few, seed=1)).tobytes()


def test_what_cannot_be_fitted_is_refused(rng: np.random.Generator) -> None:
    spoken = speak(rng, 400)
    tables, _ = tables_of(spoken)
    with pytest.raises(UsageError, match="no clip holds two latents"):
        fit_prior([spoken[:1], spoken[:1]], tables.latent, CONFIG)
    with pytest.raises(UsageError, match="shares lie in 0 to 1"):
        PriorConfig(first_share=1.5)
    with pytest.raises(UsageError, match="at least 1"):
        PriorConfig(num_hidden=0)


def test_a_set_of_our_own_gets_a_prior_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rng: np.random.Generator
) -> None:
    corpus = make_corpus(rng)
    folder = tmp_path / "corpus"
    folder.mkdir()
    np.save(folder / "samples.npy", corpus.samples)
    np.save(folder / "features.npy", corpus.features)
    (folder / "clips.json").write_text(json.dumps({"clips": list(corpus.clips)}))
    out = tmp_path / "own.safetensors"
    [built_in] = [entry.path for entry in available() if entry.is_built_in]
    main(["weights", "prior", str(built_in), str(out), "--corpus", str(folder), "--steps", "3"])
    assert "% of the bits that tables need" in capsys.readouterr().out
    found, before = read_safetensors(out), read_safetensors(built_in)
    assert found.name == "own"
    assert payload_tables(found).sha256 == found.tables_sha256 != before.tables_sha256
    assert found.tensors_sha256 == before.tensors_sha256
    published = replace(before, card=replace(before.card, bitstream_version=12), prior={})
    with pytest.raises(UsageError, match="version 12: coded without a prior"):
        with_prior(published, corpus, PriorConfig(num_steps=1))

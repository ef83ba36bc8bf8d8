"""Trained networks beside the published ones, on speech that no training has seen.

    python benchmarks/trained.py vocoder --speech DIR [--split test] [--clips N] SET.safetensors ...
    python benchmarks/trained.py vocoder-cost --speech DIR [--split test] SET.safetensors ...
    python benchmarks/trained.py gaps --speech DIR [--split test] [--clips N] SET.safetensors ...
    python benchmarks/trained.py redundancy --speech DIR [--split test] [--clips N] SET.safetensors ...
    python benchmarks/trained.py prior --speech DIR [--split test] [--clips N] SET.safetensors ...
    python benchmarks/trained.py rdovae-cost --speech DIR [--split test] [--clips N] SET.safetensors ...
    python benchmarks/trained.py pitch --speech DIR [--split test] [--clips N] SET.safetensors ...
    python benchmarks/trained.py plc --speech DIR [--split test] [--clips N] SET.safetensors ...

The folder holds a manifest.jsonl with splits; the published set is the installed `opus-1.6.1`, whose features all
sets get. `vocoder` speaks each clip from its features (copy synthesis) and tells what that costs, which
`vocoder-cost` tells alone; recordings are rated with their whole band and up to 7.4 kHz, too. `gaps` sends each clip
with redundancy of the published set through the built-in loss model at 20 % loss; only the receiver's vocoder
differs. `redundancy` cuts each clip into stretches of up to 26 latents, each with a state of its own, at each of the
16 levels: bits by the integer tables, distortion as it is trained on, the conformance comparison's errors, and what
the published vocoder makes of some levels. `prior` writes payloads of one second with a set's prior and by its tables
alone. `rdovae-cost` times the RDO-VAE and counts what it stores. `prior`, the costs, `pitch` and `plc` have modules
of their own, `trained_*.py`. Needs the extra `eval`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from trained_pitch import rate_pitch
from trained_plc import rate_plc
from trained_prior import rate_prior, report_prior
from trained_rdovae_cost import rate_rdovae_cost
from trained_speech import LOOKAHEAD_SAMPLES, PUBLISHED, published_but, rate, read_speech, speak, weights_of
from trained_vocoder_cost import report_vocoder_cost

import dred
from dred.bitstream import NUM_LEVELS, SymbolTables, dequantise, quantise
from dred.evaluation import compare_audio, compare_features
from dred.evaluation.metrics.dnsmos import DNSMOS_SIG
from dred.evaluation.metrics.f0 import F0_ERROR, VOICING_ERROR
from dred.evaluation.metrics.plcmos import PLCMOS
from dred.evaluation.networks import Network
from dred.features import NUM_CEPSTRA, PITCH, VOICING
from dred.features.reference.bands import DCT
from dred.rdovae import CompiledDecoder, CompiledEncoder
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data import find_clips
from dred.weights import WeightSet

MAX_LATENTS = 26
# Levels that are spoken, too.
SPOKEN_LEVELS = (4, 9)
# What a vocoder could do at best that leaves out the top of the band, as the published one does.
BAND_LIMITED = "the recording up to 7.4 kHz"
TOP_HZ, SLOPE_HZ = 7400, 300


def rate_vocoder(task: tuple[str, Path]) -> dict[str, float]:
    name, path = task
    samples, features = read_speech(path)
    if name == BAND_LIMITED:
        said, spoken = samples, limit_band(samples)
    else:
        said, spoken = speak(name, samples, features) if name else (samples, samples)
    figures = rate(said, spoken, (PLCMOS, DNSMOS_SIG, F0_ERROR, VOICING_ERROR))
    return figures | {"pitch": compare_audio(said * 32768, spoken * 32768).pitch}


def limit_band(samples: np.ndarray) -> np.ndarray:
    share = np.clip((TOP_HZ + SLOPE_HZ - np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)) / SLOPE_HZ, 0, 1)
    return np.fft.irfft(np.fft.rfft(samples) * share, len(samples)).astype(np.float32)


def rate_gaps(task: tuple[str, Path]) -> dict[str, float]:
    name, path = task
    samples, _ = read_speech(path)
    sender = dred.Sender(dred.SenderConfig(rate_hz=SAMPLE_RATE_HZ, bandwidth="wide"), weights_of(PUBLISHED))
    packets = [packet.payload for packet in [*sender.push(samples), *sender.finish()]]
    lost = np.zeros(len(packets), bool)
    if name:
        network = Network(name="20 %", model="generative", loss_percent=20)
        lost = network.draw(path.stem, 0, len(packets), seed=20, traces=None)
    survived = [None if is_lost else packet for packet, is_lost in zip(packets, lost)]
    config = dred.ReceiverConfig(rate_hz=SAMPLE_RATE_HZ)
    # A set of another bitstream version would not understand the redundancy.
    weights = published_but("FARGAN vocoder", name) if name else weights_of(PUBLISHED)
    played, _ = dred.recover(survived, config=config, weights=[weights])
    heard = played[LOOKAHEAD_SAMPLES:, 0]
    length = min(len(heard), len(samples))
    return rate(samples[:length], heard[:length], (PLCMOS, F0_ERROR, VOICING_ERROR))


def symbols_of(weights: WeightSet, vector: str) -> SymbolTables:
    fields = {"scale_q8": "quant_scales", "dead_zone_q8": "dead_zone", "r_q8": "r", "p0_q8": "p0"}
    return SymbolTables(**{field: weights.tables[f"{vector}_{role}_q8"] for field, role in fields.items()})


def bits(symbols: np.ndarray, level: int, tables: SymbolTables) -> np.ndarray:
    """Return what each vector of symbols costs by the coder's integer tables."""
    total = np.zeros(len(symbols))
    for d in np.flatnonzero(tables.model.is_coded[level]):
        icdf = tables.model.icdf[level, d].astype(float) / 32768
        signs, sizes = (-np.diff(np.concatenate([[1.0], part])) for part in (icdf[:3], icdf[3:]))
        beyond = np.abs(symbols[:, d]) - 1
        is_zero = beyond < 0
        beyond = np.maximum(beyond, 0)
        size_bits = -np.log2(sizes[beyond % 7]) - beyond // 7 * np.log2(sizes[7])
        total += np.where(is_zero, -np.log2(signs[0]), -np.log2(signs[1]) + size_bits)
    return total


def distortion(decoded: np.ndarray, original: np.ndarray) -> np.ndarray:
    """As dred.training.distortion, per frame, without torch."""
    ours, theirs = (part[:, :NUM_CEPSTRA] @ DCT.T + 4 / NUM_CEPSTRA**0.5 for part in (decoded, original))
    loud, loud_original = 10 ** (np.minimum(ours, 8) / 4), 10 ** (theirs / 4)
    size = (loud_original**2).mean(-1, keepdims=True) + 1e-3
    band = ((loud - loud_original) ** 2 / size * (1.15 - np.arange(NUM_CEPSTRA) / 36)).mean(-1)
    spectral = 0.05 * ((ours - theirs) ** 2).mean(-1) + band + np.minimum(20 * band, 25 * band**2)
    voiced = np.maximum(original[:, VOICING] + 0.5, 0) ** 2
    pitch = 2 * np.abs(decoded[:, PITCH] - original[:, PITCH]) * voiced
    return spectral + 14 / 18 * pitch + 2 / 18 * (decoded[:, VOICING] - original[:, VOICING]) ** 2


def stretches(num_steps: int) -> Iterator[tuple[int, int]]:
    """Cut a clip of double frames into stretches: each one's newest step, and its number of latents."""
    for first in range(0, num_steps - 1, 2 * MAX_LATENTS):
        num_latents = min(MAX_LATENTS, (num_steps - first) // 2)
        yield first + 2 * num_latents - 1, num_latents


def rate_redundancy(task: tuple[str, Path]) -> dict[int, dict[str, float]]:
    name, path = task
    weights = weights_of(name)
    dims = {"latent_dim": weights.latent_dim, "state_dim": weights.state_dim}
    encoder = CompiledEncoder.from_tensors(weights.tensors, **dims)
    decoder = CompiledDecoder.from_tensors(weights.tensors, **dims)
    latent_tables, state_tables = symbols_of(weights, "latent"), symbols_of(weights, "state")
    samples, features = read_speech(path)
    latents, states = encoder.encode_steps(encoder.initial_state(), features.reshape(-1, 2, 20))
    rows = {}
    for level in range(NUM_LEVELS):
        decoded = np.zeros_like(features)
        latent_bits, state_bits, end = [], [], 0
        for newest, num_latents in stretches(len(latents)):
            taken = latents[newest::-1][: 2 * num_latents : 2].copy()
            symbols, state = quantise(taken, level, latent_tables), quantise(states[newest], level, state_tables)
            latent_bits.append(bits(symbols, level, latent_tables))
            state_bits.append(bits(state[None], level, state_tables))
            levels = np.full(num_latents, level, np.int64)
            values = (dequantise(state, level, state_tables), dequantise(symbols, level, latent_tables))
            end = 2 * newest + 2
            decoded[end - 4 * num_latents : end] = decoder.decode(*values, levels)[::-1]
        compared = compare_features(features[:end], decoded[:end])
        rows[level] = {
            "bits": float(np.concatenate(latent_bits).mean()),
            "state": float(np.concatenate(state_bits).mean()),
            "distortion": float(distortion(decoded[:end], features[:end]).mean()),
            "total": compared.total,
            "pitch": compared.pitch,
            "dims": latent_tables.num_coded(level),
            "state_dims": state_tables.num_coded(level),
        }
        if level in SPOKEN_LEVELS:
            rows[level] |= rate(*speak(PUBLISHED, samples[: end * 160], decoded[:end]), [PLCMOS])
    return rows


def label(name: str) -> str:
    return Path(name).name.removesuffix(".safetensors")


def mean_and_error(values: Sequence[float]) -> str:
    known = np.array([value for value in values if value == value])
    error = known.std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else float("nan")
    return f"{known.mean():.3f} +- {error:.3f}"


def for_each_clip(rate: Callable, names: Sequence[str], paths: Sequence[Path], jobs: int) -> dict[str, list]:
    with ProcessPoolExecutor(jobs) as executor:
        return {name: list(executor.map(rate, [(name, path) for path in paths])) for name in names}


def report_means(
    rate_clip: Callable, what: str, unspoken: str, names: Sequence[str], paths: Sequence[Path], jobs: int
) -> None:
    found = for_each_clip(rate_clip, [*([""] if unspoken else []), *names], paths, jobs)
    keys = list(found[names[0]][0])
    print(f"{len(paths)} clips; mean +- standard error over clips\n\n| {what} | {' | '.join(keys)} |")
    print("|---" * (1 + len(keys)) + "|")
    for name, rows in found.items():
        cells = " | ".join(mean_and_error([row[key] for row in rows]) for key in keys)
        print(f"| {label(name) if name else unspoken} | {cells} |")


def report_redundancy(names: Sequence[str], paths: Sequence[Path], jobs: int) -> None:
    found = for_each_clip(rate_redundancy, names, paths, jobs)
    print(f"{len(paths)} clips, means over clips\n")
    heads = "bits per 40 ms | bits of a state | distortion | total | pitch | dims | PLCMOS"
    print(f"| set | level | {heads} |\n" + "|---" * 9 + "|")
    means: dict[str, list[dict[str, float]]] = {}
    for name, clips in found.items():
        for level in range(NUM_LEVELS):
            rows = [clip[level] for clip in clips]
            mean = {key: float(np.nanmean([row[key] for row in rows])) for key in rows[0]}
            means.setdefault(name, []).append(mean)
            opinion = mean_and_error([row["plcmos"] for row in rows]) if "plcmos" in mean else ""
            print(
                f"| {label(name)} | {level} | {mean['bits']:.2f} | {mean['state']:.1f} | {mean['distortion']:.4f} "
                f"| {mean['total']:.3f} | {mean['pitch']:.4f} | {mean['dims']:.0f} + {mean['state_dims']:.0f} "
                f"| {opinion} |"
            )
    for name in names:
        if name != PUBLISHED:
            report_at_equal_bits(means[PUBLISHED], means[name], label(name))


def report_at_equal_bits(published: list[dict[str, float]], ours: list[dict[str, float]], name: str) -> None:
    """Compare at the published set's bits per latent, between our levels by the logarithm of their bits."""
    kinds = ("distortion", "total", "pitch", "state")
    print(f"\n| level | bits per 40 ms | {' | '.join(f'{kind}, published / {name}' for kind in kinds)} |")
    print("|---" * (2 + len(kinds)) + "|")
    our_bits = np.log([row["bits"] for row in reversed(ours)])
    for level, theirs in enumerate(published):
        cells = []
        for kind in kinds:
            found = float(np.interp(np.log(theirs["bits"]), our_bits, [row[kind] for row in reversed(ours)]))
            cells.append(f"{theirs[kind]:.3g} / {found:.3g} ({100 * (found / theirs[kind] - 1):+.0f} %)")
        print(f"| {level} | {theirs['bits']:.1f} | {' | '.join(cells)} |")


# What rates a clip, what differs, and what a clip without it is called.
MEASURED = {
    "vocoder": (rate_vocoder, "vocoder", "the recording itself"),
    "gaps": (rate_gaps, "vocoder", "no losses"),
    "rdovae-cost": (rate_rdovae_cost, "RDO-VAE", ""),
    "pitch": (rate_pitch, "pitch network", ""),
    "plc": (rate_plc, "predictor", "no losses"),
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("redundancy", "prior", "vocoder-cost", *MEASURED))
    parser.add_argument("sets", nargs="*", help="weight sets beside the published one")
    parser.add_argument("--speech", type=Path, required=True, help="a folder with a manifest")
    parser.add_argument("--split", default="test")
    parser.add_argument("--clips", type=int, help="take only the first so many clips")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_intermixed_args()
    paths = [clip.path for clip in find_clips([arguments.speech], [arguments.split])][: arguments.clips]
    names = [PUBLISHED, *arguments.sets]
    if arguments.what == "redundancy":
        report_redundancy(names, paths, arguments.jobs)
        return
    if arguments.what == "prior":
        for name, clips in for_each_clip(rate_prior, arguments.sets, paths, arguments.jobs).items():
            report_prior(name, clips)
        return
    if arguments.what in MEASURED:
        rate_clip, what, unspoken = MEASURED[arguments.what]
        rated = [BAND_LIMITED, *names] if rate_clip is rate_vocoder else names
        report_means(rate_clip, what, unspoken, rated, paths, arguments.jobs)
    if arguments.what in ("vocoder", "vocoder-cost"):
        report_vocoder_cost(names, paths[0], label)


if __name__ == "__main__":
    main()

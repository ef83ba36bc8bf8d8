"""The parts of a simulation: losses, measuring, scores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_simulation import LOSS, short_clip, small_simulation

from dred.channel import loss_statistics, write_trace
from dred.errors import FileFormatError, UsageError
from dred.evaluation.losses import LossConfig
from dred.evaluation.metrics import METRICS
from dred.evaluation.score import NO_SCORE, Score
from dred.evaluation.simulate import SCORED_BY, SimulationConfig, simulate
from dred.evaluation.streams import arrivals, encode, measure_rates, repeat
from dred.evaluation.summary import summarise
from dred.opus import OpusDecoder, has_lbrr, strip_extensions
from dred.rtp import RedBlock
from dred.sender import SenderConfig
from dred.weights import WeightSet, load

FEC = SenderConfig(rate_hz=16_000, bitrate_bps=40_000, in_band_fec=True, expected_loss_percent=20, dred=None)


@pytest.fixture(scope="module")
def weights(installed_weights: Path) -> WeightSet:
    return load(directory=installed_weights)


def test_a_seed_gives_the_same_losses_again_and_another_seed_others() -> None:
    config = LossConfig(loss_percent=20, mean_burst=5, seed=1)
    assert np.array_equal(config.draw(500), LossConfig(seed=1).draw(500))
    assert not np.array_equal(config.draw(500), LossConfig(seed=2).draw(500))
    assert np.array_equal(config.draw(500)[:100], config.draw(100))


def test_losses_have_the_share_and_the_bursts_that_were_asked_for() -> None:
    bursty = loss_statistics(LossConfig(loss_percent=20, mean_burst=5, seed=1).draw(50_000))
    assert bursty.loss_rate == pytest.approx(0.2, abs=0.01)
    assert bursty.mean_burst == pytest.approx(5, rel=0.05)
    uniform = loss_statistics(LossConfig(loss_percent=20, mean_burst=1, seed=1).draw(50_000))
    assert uniform.loss_rate == pytest.approx(0.2, abs=0.01)
    assert uniform.mean_burst == pytest.approx(1 / 0.8, rel=0.03)


def test_a_trace_counts_instead_of_the_model_and_is_repeated(tmp_path: Path) -> None:
    write_trace(tmp_path / "call.txt", np.array([0, 1, 1], bool))
    config = LossConfig(trace=tmp_path / "call.txt", loss_percent=0)
    assert config.draw(7).tolist() == [False, True, True, False, True, True, False]
    assert config.describe() == "trace call.txt"


def test_a_named_network_counts_instead_of_the_model_and_follows_the_seed() -> None:
    config = LossConfig(network="train", loss_percent=99)
    lost = config.draw(15_000)
    assert 0.06 < lost.mean() < 0.12
    assert np.array_equal(config.draw(100), lost[:100])
    assert not np.array_equal(LossConfig(network="train", seed=2).draw(15_000), lost)
    assert config.describe() == "the network train, seed 1"


@pytest.mark.parametrize(
    "settings",
    [
        {"loss_percent": -1},
        {"loss_percent": 100},
        {"loss_percent": np.nan},
        {"mean_burst": 0.5},
        {"seed": -1},
        {"network": "moon"},
        {"network": "train", "trace": Path("call.txt")},
    ],
    ids=str,
)
def test_impossible_losses_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        LossConfig(**settings)


def test_a_broken_trace_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.txt").write_text("0\n2\n")
    with pytest.raises(FileFormatError):
        LossConfig(trace=tmp_path / "broken.txt").draw(1)


def test_the_measured_lbrr_is_what_a_decoder_needs_and_no_byte_less(weights: WeightSet) -> None:
    def decode_lbrr(data: bytes) -> np.ndarray:
        return OpusDecoder(16_000, 1).decode_fec(data, 320)

    num_checked = 0
    for sent in encode(short_clip().samples, FEC, weights):
        rates = measure_rates(repeat([sent], 0))
        # One packet of 20 ms: 2.5 bytes are 1 kb/s.
        lbrr_bytes = round(rates.lbrr * 2.5)
        assert lbrr_bytes == pytest.approx(rates.lbrr * 2.5)
        assert round((rates.main + rates.lbrr) * 2.5) == len(sent.payload)
        if not has_lbrr(sent.payload):
            assert lbrr_bytes == 0
            continue
        whole = decode_lbrr(sent.payload)
        np.testing.assert_array_equal(decode_lbrr(sent.payload[: 1 + lbrr_bytes]), whole)
        assert not np.array_equal(decode_lbrr(sent.payload[:lbrr_bytes]), whole)
        num_checked += 1
    assert num_checked > 50


def test_lbrr_is_measured_alike_with_deep_redundancy_behind_it(weights: WeightSet) -> None:
    (packet, *_) = [sent for sent in encode(short_clip().samples, FEC, weights) if has_lbrr(sent.payload)]
    assert strip_extensions(packet.payload) == packet.payload
    assert measure_rates(repeat([packet], 0)).lbrr > 0


def test_red_copies_arrive_with_the_packets_that_survive(weights: WeightSet) -> None:
    sent = encode(short_clip().samples[:4800], SenderConfig(rate_hz=16_000, dred=None), weights)
    packets = repeat(sent, 2)
    lost = np.zeros(len(packets), bool)
    lost[[3, 4]] = True
    arrived = arrivals(packets, lost)
    assert [packet.sequence for packet in arrived] == [n for n in range(len(packets)) if n not in (3, 4)]
    assert arrived[0].copies == ()
    after_gap = next(packet for packet in arrived if packet.sequence == 5)
    assert after_gap.copies == tuple(
        RedBlock(payload_type=111, timestamp_offset=960 * back, payload=sent[5 - back].payload) for back in (2, 1)
    )


def test_the_summary_agrees_with_the_results(installed_weights: Path) -> None:
    simulation = small_simulation(installed_weights)
    summary = summarise(simulation, input_name="speech.wav")
    assert summary["input"] == "speech.wav"
    assert summary["seconds"] == 2.5
    assert summary["weights"] == "opus-1.6.1"
    assert summary["dred"]["version"] == "12"
    assert summary["loss"] == {"trace": None, "network": None, "loss_percent": 25, "mean_burst": 3, "seed": 6}
    assert {"dred", "libopus"} <= set(summary["versions"])
    for result in simulation.results:
        scheme = summary["schemes"][result.scheme.name]
        assert scheme["wav"] == f"{result.scheme.name}.wav"
        assert scheme["frames"] == {"total": len(result.sources), "lost": result.num_lost}
        kbps = dict(scheme["kbps"])
        assert kbps.pop("total") == pytest.approx(sum(kbps.values()), abs=0.01)
        shares = scheme["repaired"].values()
        assert sum(share["count"] for share in shares) == result.num_lost
        if result.num_lost:
            assert sum(share["percent"] for share in shares) == pytest.approx(100, abs=0.01)
        assert "scores" not in scheme


def test_scores_prefer_clean_speech_and_are_in_the_summary(weights: WeightSet) -> None:
    for name in SCORED_BY:
        for package in METRICS[name].packages:
            pytest.importorskip(package, reason="needs the extra eval")
    config = SimulationConfig(loss=LOSS, schemes=("clean", "zero"), scores=True)
    simulation = simulate(short_clip(), config, weights=weights)
    clean, zero = (result.scores for result in simulation.results)
    assert list(clean) == list(zero) == list(SCORED_BY)
    summary = summarise(simulation, input_name="speech.wav")["schemes"]["zero"]["scores"]
    for name in SCORED_BY:
        assert clean[name].value > zero[name].value
        assert summary[name] == pytest.approx(zero[name].value, abs=6e-4)


def test_a_score_that_there_is_not_is_null_in_the_summary(installed_weights: Path) -> None:
    simulation = small_simulation(installed_weights)
    scored = replace(simulation.results[0], scores={"plcmos": Score(4.56789), "pesq": NO_SCORE})
    summary = summarise(replace(simulation, results=(scored,)), input_name="speech.wav")
    assert summary["schemes"]["clean"]["scores"] == {"plcmos": 4.568, "pesq": None}


def test_scores_without_their_packages_say_what_to_install(monkeypatch: pytest.MonkeyPatch, weights: WeightSet) -> None:
    monkeypatch.setattr(
        "dred.evaluation.metrics.catalogue.find_spec", lambda name: None if name == "pesq" else object()
    )
    with pytest.raises(UsageError, match=r"pesq needs pesq: pip install 'dred\[eval\]'"):
        simulate(short_clip(), SimulationConfig(scores=True), weights=weights)

"""All schemes over the same losses, block by block, in virtual time."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from dred.audio import read_audio, resample
from dred.data import bundled_clip
from dred.errors import UsageError
from dred.receiver import Source
from dred.studio import NetworkSettings, StudioConfig, StudioPipeline, StudioStep
from dred.weights import WeightSet

pytestmark = pytest.mark.reference

PERFECT = NetworkSettings(loss_percent=0.0)
LOSSY = NetworkSettings(loss_percent=20.0, mean_burst=3.0)
SCHEMES = ("clean", "plc", "neural-plc", "red", "lbrr", "dred", "dred+lbrr")


@pytest.fixture(scope="module")
def blocks() -> np.ndarray:
    """Four seconds of speech."""
    clip = read_audio(bundled_clip())
    speech = resample(clip.samples[:, 0], from_hz=clip.rate_hz, to_hz=48_000)
    return speech[: 220 * 960].reshape(-1, 960)


Build = Callable[..., StudioPipeline]


@pytest.fixture(scope="module")
def build(weights_v12: WeightSet) -> Build:
    def build(network: NetworkSettings, *, seed: int = 1, schemes: Iterable[str] = SCHEMES) -> StudioPipeline:
        config = StudioConfig(schemes=tuple(schemes))
        return StudioPipeline(config, network, np.random.default_rng(seed), weights_v12)

    return build


def run(pipeline: StudioPipeline, blocks: np.ndarray) -> list[StudioStep]:
    return [pipeline.step(block, 20.0 * number) for number, block in enumerate(blocks)]


def sources(steps: list[StudioStep], scheme: str) -> dict[int, Source]:
    return {number: source for step in steps for number, source in step.schemes[scheme].sources}


@pytest.fixture(scope="module")
def lossy(build: Build, blocks: np.ndarray) -> list[StudioStep]:
    return run(build(LOSSY), blocks)


def test_nothing_is_missing_on_a_perfect_network(build: Build, blocks: np.ndarray) -> None:
    steps = run(build(PERFECT), blocks[:100])
    assert not any(step.is_lost for step in steps)
    for scheme in SCHEMES:
        assert set(sources(steps, scheme).values()) == {Source.RECEIVED}


def test_all_schemes_meet_the_same_losses_but_the_one_without(lossy: list[StudioStep]) -> None:
    lost = {step.number for step in lossy if step.is_lost}
    assert len(lost) > 20
    for scheme in SCHEMES[1:]:
        played = sources(lossy, scheme)
        assert {number for number, source in played.items() if source is not Source.RECEIVED} == lost & set(played)
    assert set(sources(lossy, "clean").values()) == {Source.RECEIVED}


def test_each_scheme_repairs_by_its_own_means(lossy: list[StudioStep]) -> None:
    lost = {step.number for step in lossy if step.is_lost}

    def repairs(scheme: str) -> dict[Source, int]:
        played = [source for number, source in sources(lossy, scheme).items() if number in lost]
        return {source: played.count(source) for source in set(played)}

    assert set(repairs("plc")) == set(repairs("neural-plc")) == {Source.PLC}
    assert set(repairs("red")) == {Source.RED, Source.PLC}
    assert set(repairs("lbrr")) == {Source.LBRR, Source.PLC}
    assert repairs("dred")[Source.DRED] > 0.8 * len(lost)
    both = repairs("dred+lbrr")
    assert both[Source.DRED] + both[Source.LBRR] > 0.8 * len(lost)
    assert both[Source.LBRR] > 0


def test_rates_are_those_of_what_is_sent(lossy: list[StudioStep]) -> None:
    def kbps(scheme: str) -> np.ndarray:
        parts = [step.schemes[scheme] for step in lossy]
        return np.mean([[part.opus_bytes, part.red_bytes, part.dred_bytes] for part in parts], axis=0) * 8 / 20

    plain, lbrr = kbps("plc"), kbps("lbrr")
    assert plain[0] == pytest.approx(24, rel=0.15)
    assert lbrr[0] == pytest.approx(40, rel=0.15)
    # One copy, five bytes of headers in 20 ms.
    assert kbps("red") == pytest.approx([plain[0], plain[0] + 2, 0], rel=0.05)
    assert kbps("dred")[0] == plain[0]
    assert kbps("dred+lbrr")[0] == lbrr[0]
    assert 10 < kbps("dred")[2] < 35


def test_the_same_seed_gives_the_same_samples_and_another_other_losses(build: Build, blocks: np.ndarray) -> None:
    first, again, other = (run(build(LOSSY, seed=seed, schemes=["dred"]), blocks[:100]) for seed in (1, 1, 2))
    assert all(np.array_equal(one.heard, two.heard) for one, two in zip(first, again, strict=True))
    assert [step.is_lost for step in first] != [step.is_lost for step in other]


@pytest.mark.parametrize("jitter_ms", [0.0, 60.0])
def test_the_delay_is_the_lag_that_a_listener_would_measure(build: Build, blocks: np.ndarray, jitter_ms: float) -> None:
    network = NetworkSettings(loss_percent=0.0, jitter_ms=jitter_ms)
    steps = run(build(network, schemes=["clean", "plc"]), blocks)
    spoken = blocks.ravel()
    heard = np.concatenate([step.schemes["plc"].samples for step in steps])
    # Where the delay has been steady for a second.
    delays = [step.schemes["plc"].delay_ms for step in steps]
    last = next(number for number in range(219, 50, -1) if len(set(delays[number - 50 : number])) == 1)
    said, played = spoken[(last - 75) * 960 : last * 960], heard[(last - 50) * 960 : last * 960]
    likeness = np.fft.irfft(np.fft.rfft(said) * np.conj(np.fft.rfft(played, len(said))))
    lag = len(said) - len(played) - int(np.argmax(likeness[: len(said) - len(played)]))
    # A block's first sample is handed in 20 ms after it was said.
    assert delays[last - 1] == pytest.approx(20 + lag / 48, abs=1)


def test_a_switch_takes_effect_at_once_and_fades(build: Build, blocks: np.ndarray) -> None:
    pipeline = build(LOSSY, schemes=["plc", "dred"])
    assert pipeline.chosen == "dred"
    run_until = 60
    for number in range(run_until):
        step = pipeline.step(blocks[number], 20.0 * number)
        assert np.array_equal(step.heard, step.schemes["dred"].samples)
    pipeline.choose("plc")
    step = pipeline.step(blocks[run_until], 20.0 * run_until)
    assert step.heard[0] == step.schemes["dred"].samples[0]
    assert np.array_equal(step.heard[120:], step.schemes["plc"].samples[120:])
    step = pipeline.step(blocks[run_until + 1], 20.0 * (run_until + 1))
    assert np.array_equal(step.heard, step.schemes["plc"].samples)


def test_the_network_changes_while_it_runs(build: Build, blocks: np.ndarray) -> None:
    pipeline = build(PERFECT, schemes=["plc"])
    first = run(pipeline, blocks[:50])
    pipeline.change_network(NetworkSettings(loss_percent=50.0, mean_burst=2.0))
    then = [pipeline.step(block, 20.0 * number) for number, block in enumerate(blocks[50:150], start=50)]
    assert not any(step.is_lost for step in first)
    assert sum(step.is_lost for step in then) > 20


def test_an_unknown_scheme_is_refused_with_those_there_are(build: Build) -> None:
    with pytest.raises(UsageError, match="plc, dred, got red"):
        build(PERFECT, schemes=["plc", "dred"]).choose("red")


@pytest.mark.parametrize(
    "wrong", [{"schemes": ("none",)}, {"expected_loss_percent": 101}, {"start_delay_ms": 5.0}, {"bitrate_bps": 10}]
)
def test_a_studio_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        StudioConfig(**wrong)

"""One recording through every scheme, over the same losses.

audio -> codec's rate -> encode (once per kind of stream) -> run_trial -> input's rate, aligned
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float32

from dred.audio import Audio, resample
from dred.channel import LossStatistics, loss_statistics
from dred.evaluation.hearing import hear
from dred.evaluation.losses import LossConfig
from dred.evaluation.metrics import find_metrics, require_metrics
from dred.evaluation.schemes import SCHEME_NAMES, Scheme, expected_loss_percent, find_schemes, standard_schemes
from dred.evaluation.score import Score
from dred.evaluation.streams import Coverage, Rates, encode
from dred.evaluation.trial import delay_samples, num_packets, run_trial
from dred.receiver import Source
from dred.sender import DredConfig, SenderConfig, SentPacket
from dred.timebase import OPUS_RATES_HZ
from dred.weights import WeightSet, load

__all__ = ["SCORED_BY", "SchemeResult", "Simulation", "SimulationConfig", "simulate"]

SCORED_BY = ("plcmos", "pesq", "estoi")
"""Names of the metrics that rate the results, if they are rated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """What to compare, over which losses.

    Attributes:
        loss: The network.
        bitrate_bps: Rate of the main Opus stream, 6000 to 300000; redundancy comes on top.
        dred: Deep redundancy; its version follows the weights.
        num_red_copies: Packets repeated by RED, 1 to 9.
        schemes: Some of `SCHEME_NAMES`.
        scores: Whether to rate each result by the metrics `SCORED_BY`, of the extra `eval`.
    """

    loss: LossConfig = field(default_factory=LossConfig)
    bitrate_bps: int = 24_000
    dred: DredConfig = field(default_factory=DredConfig)
    num_red_copies: int = 1
    schemes: tuple[str, ...] = SCHEME_NAMES
    scores: bool = False

    def __post_init__(self) -> None:
        self.chosen_schemes()

    def chosen_schemes(self) -> tuple[Scheme, ...]:
        """Return the schemes, in the order of `standard_schemes`.

        Raises:
            UsageError: A name is unknown, or a number outside its range.
        """
        every = standard_schemes(bitrate_bps=self.bitrate_bps, dred=self.dred, num_red_copies=self.num_red_copies)
        return find_schemes(self.schemes, every)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SchemeResult:
    """What became of the recording under one scheme.

    Attributes:
        scheme: The scheme.
        samples: As long as the input, at its rate and aligned with it.
        sources: For each packet, where its 20 ms came from.
        lost: Whether each packet was lost.
        rates: What was sent.
        coverage: Of deep redundancy; None without it.
        scores: By name of the metric; empty if none were asked for.
    """

    scheme: Scheme
    samples: Float32[np.ndarray, "samples channels"]
    sources: tuple[Source, ...]
    lost: Bool[np.ndarray, " packets"]
    rates: Rates
    coverage: Coverage | None
    scores: Mapping[str, Score]

    @property
    def num_lost(self) -> int:
        """Number of lost packets."""
        return int(self.lost.sum())

    @property
    def repairs(self) -> Mapping[Source, int]:
        """How many lost packets each mechanism replaced."""
        repairing = [source for source, is_lost in zip(self.sources, self.lost, strict=True) if is_lost]
        return {source: repairing.count(source) for source in Source if source is not Source.RECEIVED}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulation:
    """All results, with what they depend on.

    Attributes:
        audio: The input.
        config: What was asked for, with the version of the weights.
        weights: The networks.
        network: The losses that the lossy schemes met.
        expected_loss_percent: What every sender was told to expect.
        delay_ms: The codec's delay, taken out of the samples: packet n starts at n * 20 - delay_ms.
        results: In the order of `standard_schemes`.
    """

    audio: Audio
    config: SimulationConfig
    weights: WeightSet
    network: LossStatistics
    expected_loss_percent: int
    delay_ms: float
    results: tuple[SchemeResult, ...]


def simulate(
    audio: Audio,
    config: SimulationConfig | None = None,
    *,
    weights: WeightSet | None = None,
    report: Callable[[float], None] = lambda share: None,
) -> Simulation:
    """Send a recording through each scheme.

    Args:
        audio: One or two channels, at any rate; one that Opus lacks is resampled to 48 kHz and back.
        config: By default all schemes, 24 kb/s, one second of redundancy, 20 % loss in bursts of 5 packets.
        weights: The networks; by default the best at hand.
        report: Called with the share that is done, 0 to 1.

    Raises:
        UsageError: The audio has more than two channels, a setting is out of range, or a metric's package is missing.
        FileFormatError: The trace breaks its format.
        ModelError: There are no weights.
        LibopusError: There is no libopus.
    """
    config = config or SimulationConfig()
    metrics = find_metrics(SCORED_BY) if config.scores else ()
    require_metrics(metrics)
    weights = weights or load()
    config = replace(config, dred=replace(config.dred, version=str(weights.card.bitstream_version)))
    pcm, rate_hz = _at_codec_rate(audio)
    schemes = config.chosen_schemes()
    plain = schemes[0].sender_config(rate_hz=rate_hz, channels=pcm.shape[1], loss_rate=0.0)
    losses = config.loss.draw(num_packets(len(pcm), plain))
    network = loss_statistics(losses)

    @cache
    def packets_of(sender_config: SenderConfig) -> list[SentPacket]:
        return encode(pcm, sender_config, weights)

    results: list[SchemeResult] = []
    for scheme in schemes:
        report(len(results) / len(schemes))
        sender_config = scheme.sender_config(rate_hz=rate_hz, channels=pcm.shape[1], loss_rate=network.loss_rate)
        trial = run_trial(packets_of(sender_config), losses, scheme, sender_config, len(pcm), weights)
        samples = _like_input(trial.samples, rate_hz, audio)
        speech = hear(audio.samples, samples, audio.rate_hz, trial.lost, trial.delay_ms)
        results.append(
            SchemeResult(
                scheme=scheme,
                samples=samples,
                sources=trial.sources,
                lost=trial.lost,
                rates=trial.rates,
                coverage=trial.coverage,
                scores={metric.name: metric.score(speech) for metric in metrics},
            )
        )
    report(1.0)
    return Simulation(
        audio=audio,
        config=config,
        weights=weights,
        network=network,
        expected_loss_percent=expected_loss_percent(network.loss_rate),
        delay_ms=1000 * delay_samples(plain) / rate_hz,
        results=tuple(results),
    )


def _at_codec_rate(audio: Audio) -> tuple[Float32[np.ndarray, "samples channels"], int]:
    rate_hz = audio.rate_hz if audio.rate_hz in OPUS_RATES_HZ else OPUS_RATES_HZ[-1]
    return resample(audio.samples, from_hz=audio.rate_hz, to_hz=rate_hz), rate_hz


def _like_input(
    played: Float32[np.ndarray, "played channels"], rate_hz: int, audio: Audio
) -> Float32[np.ndarray, "samples channels"]:
    """Bring what was played, its delay taken out, to the input's rate and length; there is always enough of them."""
    return resample(played, from_hz=rate_hz, to_hz=audio.rate_hz)[: len(audio.samples)]

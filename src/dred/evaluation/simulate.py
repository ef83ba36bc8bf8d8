"""One recording through every scheme, over the same losses.

    audio -> codec's rate -> Sender (once per kind of stream) -> losses -> recover_stream -> input's rate, aligned

Playing is retrospective: packets are handed in ahead of time, so that no scheme suffers from a short jitter buffer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float32

from dred.assembly import Sender
from dred.audio import Audio, resample
from dred.channel import LossStatistics, loss_statistics
from dred.errors import UsageError
from dred.evaluation.losses import LossConfig
from dred.evaluation.schemes import SCHEMES, Scheme, find_schemes
from dred.evaluation.scores import Scores, require_estimators, score
from dred.evaluation.streams import (
    PACKET_MS,
    Coverage,
    Rates,
    arrivals,
    encode,
    measure_coverage,
    measure_rates,
    repeat,
)
from dred.offline import recover_stream
from dred.receiver import Event, Played, ReceiverConfig, Source
from dred.sender import DredConfig, SenderConfig, SentPacket
from dred.timebase import OPUS_RATES_HZ, ms_to_rtp, samples_to_rtp
from dred.weights import WeightSet, load

__all__ = ["SchemeResult", "Simulation", "SimulationConfig", "simulate"]

_PACKET_RTP = ms_to_rtp(PACKET_MS)
# With LBRR, 24 kb/s become 40: so much more keeps the main stream as good as it is without.
_LBRR_FACTOR = 5 / 3
# LBRR gets finer with the loss that libopus expects, and there is none at 0. The range is our choice.
_EXPECTED_LOSS_PERCENT = (10, 25)
_BITRATES_BPS = (6_000, 300_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """What to compare, over which losses.

    Attributes:
        loss: The network.
        bitrate_bps: Rate of the main Opus stream, 6000 to 300000; redundancy comes on top.
        dred: Deep redundancy; its version follows the weights.
        num_red_copies: Packets repeated by RED, 1 to 9.
        schemes: Names from `SCHEMES`.
        scores: Whether to rate each result by the estimators of the extra `eval`.
    """

    loss: LossConfig = field(default_factory=LossConfig)
    bitrate_bps: int = 24_000
    dred: DredConfig = field(default_factory=DredConfig)
    num_red_copies: int = 1
    schemes: tuple[str, ...] = tuple(scheme.name for scheme in SCHEMES)
    scores: bool = False

    def __post_init__(self) -> None:
        find_schemes(self.schemes)
        lowest, highest = _BITRATES_BPS
        if not lowest <= self.bitrate_bps <= highest:
            raise UsageError(f"bitrate must be {lowest} to {highest} bit/s, got {self.bitrate_bps}")
        if not 1 <= self.num_red_copies <= 9:
            raise UsageError(f"the number of RED copies must be 1 to 9, got {self.num_red_copies}")


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
        scores: By the estimators; empty if none were asked for.
    """

    scheme: Scheme
    samples: Float32[np.ndarray, "samples channels"]
    sources: tuple[Source, ...]
    lost: Bool[np.ndarray, " packets"]
    rates: Rates
    coverage: Coverage | None
    scores: Scores

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
        weights: Name of the networks.
        network: The losses that the lossy schemes met.
        expected_loss_percent: What every sender was told to expect.
        delay_ms: The codec's delay, taken out of the samples: packet n starts at n * 20 - delay_ms.
        results: In the order of `SCHEMES`.
    """

    audio: Audio
    config: SimulationConfig
    weights: str
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
        weights: The networks; by default the best installed ones.
        report: Called with the share that is done, 0 to 1.

    Raises:
        UsageError: The audio has more than two channels, or a setting is out of range.
        FileFormatError: The trace breaks its format.
        ModelError: There are no weights.
        LibopusError: There is no libopus.
    """
    config = config or SimulationConfig()
    if config.scores:
        require_estimators()
    weights = weights or load()
    config = replace(config, dred=replace(config.dred, version=str(weights.card.bitstream_version)))
    pcm, rate_hz = _at_codec_rate(audio)
    plain = SenderConfig(rate_hz=rate_hz, channels=pcm.shape[1], bitrate_bps=config.bitrate_bps, dred=None)
    delay_samples = Sender(plain).lookahead_samples
    num_packets = -(-samples_to_rtp(len(pcm) + delay_samples, rate_hz) // _PACKET_RTP)
    losses = config.loss.draw(num_packets)
    network = loss_statistics(losses)
    plain = replace(plain, expected_loss_percent=_expected_loss_percent(network))

    @cache
    def packets_of(sender_config: SenderConfig) -> list[SentPacket]:
        return encode(pcm, sender_config, weights)

    schemes = find_schemes(config.schemes)
    results: list[SchemeResult] = []
    for scheme in schemes:
        report(len(results) / len(schemes))
        packets = repeat(packets_of(_sender_config(scheme, plain, config)), config.num_red_copies * scheme.has_red)
        lost = losses & scheme.is_lossy
        played, events = recover_stream(
            arrivals(packets, lost),
            start=0,
            duration_rtp=num_packets * _PACKET_RTP,
            config=ReceiverConfig(rate_hz=rate_hz, channels=pcm.shape[1], plc=scheme.plc),
            weights=[weights],
        )
        samples = _like_input(played[delay_samples:], rate_hz, audio)
        results.append(
            SchemeResult(
                scheme=scheme,
                samples=samples,
                sources=_sources(events, num_packets, scheme),
                lost=lost,
                rates=measure_rates(packets),
                coverage=measure_coverage(packets, weights) if scheme.has_dred else None,
                scores=score(audio.samples, samples, audio.rate_hz) if config.scores else {},
            )
        )
    report(1.0)
    return Simulation(
        audio=audio,
        config=config,
        weights=weights.name,
        network=network,
        expected_loss_percent=plain.expected_loss_percent,
        delay_ms=1000 * delay_samples / rate_hz,
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


def _expected_loss_percent(network: LossStatistics) -> int:
    lowest, highest = _EXPECTED_LOSS_PERCENT
    return min(max(round(100 * network.loss_rate), lowest), highest)


def _sender_config(scheme: Scheme, plain: SenderConfig, config: SimulationConfig) -> SenderConfig:
    return replace(
        plain,
        bitrate_bps=round(config.bitrate_bps * (_LBRR_FACTOR if scheme.has_lbrr else 1)),
        in_band_fec=scheme.has_lbrr,
        dred=config.dred if scheme.has_dred else None,
    )


def _sources(events: Sequence[Event], num_packets: int, scheme: Scheme) -> tuple[Source, ...]:
    """Tell for each packet's time where the audio came from. All packets last 20 ms, and so do all steps of playing."""
    guess = Source.SILENCE if scheme.plc == "zero" else Source.PLC
    played = {event.timestamp // _PACKET_RTP: event.source for event in events if isinstance(event, Played)}
    return tuple(guess if played[n] is Source.PLC else played[n] for n in range(num_packets))

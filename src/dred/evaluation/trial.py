"""One recording through one scheme over one network: what is sent, what is lost, what is heard.

    packets of the sender -> RED copies -> losses -> recover_stream -> samples in step with the recording, sources

Playing is retrospective: packets are handed in ahead of time, so that no scheme suffers from a short jitter buffer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32

from dred.assembly import Sender
from dred.evaluation.schemes import Scheme
from dred.evaluation.streams import PACKET_MS, Coverage, Rates, arrivals, measure_coverage, measure_rates, repeat
from dred.offline import recover_stream
from dred.receiver import Event, Played, ReceiverConfig, Source
from dred.sender import SenderConfig, SentPacket
from dred.timebase import ms_to_rtp, samples_to_rtp
from dred.weights import WeightSet

__all__ = ["Trial", "delay_samples", "num_packets", "run_trial"]

_PACKET_RTP = ms_to_rtp(PACKET_MS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """What became of a recording.

    Attributes:
        samples: As many as went in, in step with them.
        sources: For each packet, where its 20 ms came from.
        lost: Whether each packet was lost.
        delay_ms: The codec's delay, taken out of the samples: packet n starts at n * 20 - delay_ms.
        rates: What was sent.
        coverage: Of deep redundancy; None without it.
    """

    samples: Float32[np.ndarray, "samples channels"]
    sources: tuple[Source, ...]
    lost: Bool[np.ndarray, " packets"]
    delay_ms: float
    rates: Rates
    coverage: Coverage | None


def delay_samples(config: SenderConfig) -> int:
    """Return by how much what is heard lags what was said, at the codec's rate."""
    return Sender(replace(config, dred=None)).lookahead_samples


def num_packets(num_samples: int, config: SenderConfig) -> int:
    """Return how many packets such a sender makes of a recording of at least one sample."""
    return -(-samples_to_rtp(num_samples + delay_samples(config), config.rate_hz) // _PACKET_RTP)


def run_trial(
    sent: Sequence[SentPacket],
    losses: Bool[np.ndarray, " decisions"],
    scheme: Scheme,
    config: SenderConfig,
    num_samples: int,
    weights: WeightSet,
) -> Trial:
    """Send packets, lose some and play what is left.

    Args:
        sent: What the sender made of the recording.
        losses: Which of them the network loses, at least as many as there are; those beyond do not count.
        scheme: The scheme.
        config: The sender's configuration.
        num_samples: Length of the recording at the configuration's rate.
        weights: The networks.
    """
    packets = repeat(sent, scheme.num_red_copies)
    lost = losses[: len(packets)] & scheme.is_lossy
    played, events = recover_stream(
        arrivals(packets, lost),
        start=0,
        duration_rtp=len(packets) * _PACKET_RTP,
        config=ReceiverConfig(rate_hz=config.rate_hz, channels=config.channels, plc=scheme.plc, priming=scheme.priming),
        weights=[weights],
    )
    delay = delay_samples(config)
    return Trial(
        samples=played[delay : delay + num_samples],
        sources=_sources(events, len(packets), scheme),
        lost=lost,
        delay_ms=1000 * delay / config.rate_hz,
        rates=measure_rates(packets),
        coverage=measure_coverage(packets, weights) if scheme.dred else None,
    )


def _sources(events: Sequence[Event], num_packets: int, scheme: Scheme) -> tuple[Source, ...]:
    """Tell for each packet's time where the audio came from. All packets last 20 ms, and so do all steps of playing."""
    guess = Source.SILENCE if scheme.plc == "zero" else Source.PLC
    played = {event.timestamp // _PACKET_RTP: event.source for event in events if isinstance(event, Played)}
    return tuple(guess if played[n] is Source.PLC else played[n] for n in range(num_packets))

"""Where each packet's speech came from, as stretches along the timeline of the input."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from dred.evaluation.simulate import SchemeResult, Simulation
from dred.evaluation.streams import PACKET_MS
from dred.receiver import Source

__all__ = ["Stretch", "stretches", "stretches_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Consecutive packets of one source.

    Attributes:
        source: Where they came from.
        num_packets: How many.
        start_ms: Where they start in the input.
        end_ms: Where they end.
    """

    source: Source
    num_packets: int
    start_ms: float
    end_ms: float


def stretches(simulation: Simulation, result: SchemeResult) -> list[Stretch]:
    """Lay out what became of a simulation's recording under one scheme."""
    seconds = len(simulation.audio.samples) / simulation.audio.rate_hz
    return stretches_of(result.sources, delay_ms=simulation.delay_ms, duration_ms=1000 * seconds)


def stretches_of(sources: Sequence[Source], *, delay_ms: float, duration_ms: float) -> list[Stretch]:
    """Join equal neighbours and cut at the input's ends, beyond which the codec's delay reaches.

    Args:
        sources: Of each packet; packet n starts at n * 20 - delay_ms.
        delay_ms: The codec's delay, or where a cutting of the recording starts.
        duration_ms: Of the recording.
    """
    found = []
    first = 0
    for source, group in groupby(sources):
        num_packets = len(list(group))
        start_ms = first * PACKET_MS - delay_ms
        first += num_packets
        end_ms = first * PACKET_MS - delay_ms
        found.append(
            Stretch(
                source=source,
                num_packets=num_packets,
                start_ms=max(0.0, start_ms),
                end_ms=min(duration_ms, end_ms),
            )
        )
    return [stretch for stretch in found if stretch.end_ms > stretch.start_ms]

"""Where each packet's speech came from, as stretches along the timeline of the input."""

from dataclasses import dataclass
from itertools import groupby

from dred.evaluation.simulate import SchemeResult, Simulation
from dred.evaluation.streams import PACKET_MS
from dred.receiver import Source

__all__ = ["Stretch", "stretches"]


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
    """Join equal neighbours and cut at the input's ends, beyond which the codec's delay reaches."""
    seconds = len(simulation.audio.samples) / simulation.audio.rate_hz
    found = []
    first = 0
    for source, group in groupby(result.sources):
        num_packets = len(list(group))
        start_ms = first * PACKET_MS - simulation.delay_ms
        first += num_packets
        end_ms = first * PACKET_MS - simulation.delay_ms
        found.append(
            Stretch(
                source=source,
                num_packets=num_packets,
                start_ms=max(0.0, start_ms),
                end_ms=min(1000 * seconds, end_ms),
            )
        )
    return [stretch for stretch in found if stretch.end_ms > stretch.start_ms]

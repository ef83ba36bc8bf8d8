"""What a reader sees of each source of speech: its name, its meaning, its share of a bar."""

from collections.abc import Mapping
from dataclasses import dataclass

from dred.receiver import Source

__all__ = ["LEGEND", "Share", "repair_shares"]

LEGEND: Mapping[Source, tuple[str, str]] = {
    Source.RECEIVED: ("received", "the packet arrived"),
    Source.LBRR: ("LBRR", "from the next packet's in-band FEC"),
    Source.RED: ("RED", "a copy in a later packet"),
    Source.DRED: ("DRED", "spoken from a later packet's deep redundancy"),
    Source.PLC: ("PLC", "guessed by concealment"),
    Source.SILENCE: ("silence", "nothing known, nothing guessed"),
    Source.DTX: ("pause", "the sender was silent on purpose"),
}
"""Name and meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a bar."""

    source: Source
    label: str
    count: int
    percent: float


def repair_shares(repairs: Mapping[Source, int], num_lost: int) -> tuple[Share, ...]:
    """Split a bar of lost packets by what replaced them."""
    return tuple(
        Share(source=source, label=LEGEND[source][0], count=count, percent=100 * count / num_lost)
        for source, count in repairs.items()
        if count
    )

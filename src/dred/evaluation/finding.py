"""What is known about a piece of speech beside its samples, and its form in JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from dred.evaluation.streams import Coverage, Rates
from dred.receiver import Source

__all__ = ["Finding", "describe_finding", "parse_finding"]

_LETTERS: Mapping[Source, str] = {
    Source.RECEIVED: ".",
    Source.RED: "r",
    Source.LBRR: "l",
    Source.DRED: "d",
    Source.PLC: "p",
    Source.DTX: "t",
    Source.SILENCE: "s",
}
_SOURCES = {letter: source for source, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a scheme did for a clip over a network.

    Attributes:
        sources: For each packet of 20 ms, where its speech came from.
        lost: For each packet, whether it was lost; the lossless scheme loses none.
        delay_ms: The codec's delay, taken out of the speech: packet n starts at n * 20 - delay_ms.
        rates: What was sent.
        coverage: Of deep redundancy; None without it.
    """

    sources: tuple[Source, ...]
    lost: tuple[bool, ...]
    delay_ms: float
    rates: Rates
    coverage: Coverage | None


def describe_finding(finding: Finding) -> dict[str, Any]:
    """Bring a finding into a form that JSON can hold: one character per packet."""
    return {
        "sources": "".join(_LETTERS[source] for source in finding.sources),
        "lost": "".join("1" if is_lost else "0" for is_lost in finding.lost),
        "delay_ms": finding.delay_ms,
        "rates": asdict(finding.rates),
        "coverage": None if finding.coverage is None else asdict(finding.coverage),
    }


def parse_finding(entry: Mapping[str, Any]) -> Finding:
    """Invert `describe_finding`.

    Raises:
        KeyError: Something is missing or unknown.
        TypeError: Something is of another type.
        ValueError: Likewise.
    """
    coverage = entry["coverage"]
    return Finding(
        sources=tuple(_SOURCES[letter] for letter in entry["sources"]),
        lost=tuple(flag == "1" for flag in entry["lost"]),
        delay_ms=float(entry["delay_ms"]),
        rates=Rates(**{field.name: float(entry["rates"][field.name]) for field in fields(Rates)}),
        coverage=None if coverage is None else Coverage(**coverage),
    )

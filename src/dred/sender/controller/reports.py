"""What a listener says about a stream, in figures that can be true."""

from dataclasses import dataclass
from math import isfinite

from dred.errors import UsageError

__all__ = ["ReceiverReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """How the stream is received.

    Attributes:
        fraction_lost: Since the last report, 0 to 1.
        jitter_ms: Interarrival jitter.
        round_trip_ms: None if it cannot be told yet.

    Raises:
        UsageError: A number is out of range or not finite.
    """

    fraction_lost: float
    jitter_ms: float
    round_trip_ms: float | None = None

    def __post_init__(self) -> None:
        # Whatever is not a number compares as false.
        if not 0 <= self.fraction_lost <= 1:
            raise UsageError(f"fraction_lost must be 0 to 1, got {self.fraction_lost}")
        for name, value in (("jitter_ms", self.jitter_ms), ("round_trip_ms", self.round_trip_ms)):
            if value is not None and not (isfinite(value) and value >= 0):
                raise UsageError(f"{name} must be finite and at least 0, got {value}")

"""What one stream takes in memory: while it ticks, and as long as it lives."""

import gc
import mmap
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dred.benchmarking.material import PACKETS_PER_S, lose
from dred.benchmarking.streams import make_receiver, play_tick
from dred.weights import WeightSet

__all__ = ["TickMemory", "bytes_per_stream", "tick_memory"]

_LOSS = 0.3
_RESIDENT = Path("/proc/self/statm")
_STREAM_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TickMemory:
    """Python's and numpy's allocations of one stream per tick of 20 ms, at 30 % loss, in bytes.

    Attributes:
        median_peak: How far a tick goes above what it began with, to give it back before it ends.
        highest_peak: The same, of the tick that goes highest.
    """

    median_peak: int
    highest_peak: int


def tick_memory(packets: Sequence[bytes], weights: WeightSet, *, priming: bool) -> TickMemory:
    """Trace the allocations of a stream in its second half, when it has met all that it will meet."""
    survived = lose(packets, _LOSS)
    first = len(survived) // 2
    peaks = []
    stream = make_receiver(weights, priming=priming)
    for number in range(first):
        play_tick(stream, survived, number)
    tracemalloc.start()
    try:
        for number in range(first, len(survived)):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            play_tick(stream, survived, number)
            _, peak = tracemalloc.get_traced_memory()
            peaks.append(peak - before)
    finally:
        tracemalloc.stop()
    return TickMemory(
        median_peak=int(np.median(peaks)),
        highest_peak=max(peaks),
    )


def bytes_per_stream(packets: Sequence[bytes], weights: WeightSet, *, num_streams: int, priming: bool) -> int | None:
    """Return what each of many running streams adds to the process, or None where the system does not tell.

    For a process of its own: memory that others gave back would be used again, unseen.
    """
    survived = lose(packets, _LOSS)
    num_ticks = _STREAM_S * PACKETS_PER_S

    def run_one() -> object:
        stream = make_receiver(weights, priming=priming)
        for number in range(num_ticks):
            play_tick(stream, survived, number)
        return stream

    kept = [run_one()]
    before = _resident_bytes()
    if before is None:
        return None
    kept += [run_one() for _ in range(num_streams)]
    after = _resident_bytes()
    return (after - before) // num_streams if after is not None else None


def _resident_bytes() -> int | None:
    gc.collect()
    if not _RESIDENT.exists():
        return None
    return int(_RESIDENT.read_text().split()[1]) * mmap.PAGESIZE

"""How long one stream keeps its caller waiting, by the wall clock."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dred.assembly import Receiver
from dred.benchmarking.material import PACKETS_PER_S, Material, lose
from dred.benchmarking.streams import PACKET_RTP, make_receiver, play_tick
from dred.receiver import Played, Source
from dred.timebase import DOUBLE_FRAME_MS, DOUBLE_FRAME_SAMPLES

__all__ = ["GAPS_MS", "TickLatency", "first_recovered_ms", "tick_latency"]

GAPS_MS = (20, 1000)
"""The gaps whose first recovered sample is waited for."""

_LOSS = 0.3
_FIRST_GAP = 60
_PERCENT = (50.0, 99.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickLatency:
    """Taking in a packet and playing 20 ms, at 30 % loss: median, 99th percentile and longest, in microseconds."""

    p50_us: float
    p99_us: float
    max_us: float


def tick_latency(material: Material, *, num_passes: int, priming: bool) -> TickLatency:
    """Time each tick of a stream, the speech so many times over; one more pass warms up."""
    packets = lose(material.packets, _LOSS)
    waits_us: list[float] = []
    for number in range(num_passes + 1):
        stream = make_receiver(material.weights, priming=priming, activation_bytes=material.activation_bytes)
        waited = [_timed_tick(stream, packets, tick) for tick in range(len(packets))]
        if number > 0:
            waits_us += waited
    p50_us, p99_us, max_us = (float(value) for value in np.percentile(waits_us, _PERCENT))
    return TickLatency(p50_us=p50_us, p99_us=p99_us, max_us=max_us)


def first_recovered_ms(material: Material, *, gap_ms: int, num_times: int, priming: bool) -> float:
    """Return the median time from a packet's arrival behind a gap to the first samples of the gap."""
    num_lost = gap_ms // DOUBLE_FRAME_MS
    waits = [_wait_for_recovery(material, num_lost, priming=priming) for _ in range(num_times + 1)]
    return 1e3 * float(np.median(waits[1:]))


def _timed_tick(stream: Receiver, packets: Sequence[bytes | None], number: int) -> float:
    start = time.perf_counter()
    play_tick(stream, packets, number)
    return 1e6 * (time.perf_counter() - start)


def _wait_for_recovery(material: Material, num_lost: int, *, priming: bool) -> float:
    """Play up to a gap, let the packet behind it arrive, and play on; return the seconds that this took."""
    stream = make_receiver(material.weights, priming=priming, activation_bytes=material.activation_bytes)
    stream.start(0)
    packets = material.packets
    first = min(_FIRST_GAP, len(packets) - num_lost - 1)
    assert first >= PACKETS_PER_S // 2, "too little speech for such a gap"
    for number in range(first):
        play_tick(stream, packets, number)
    behind = first + num_lost
    now_ms = float(behind * DOUBLE_FRAME_MS)
    start = time.perf_counter()
    stream.receive(packets[behind], behind, behind * PACKET_RTP, now_ms)
    _, events = stream.play(DOUBLE_FRAME_SAMPLES, now_ms)
    waited = time.perf_counter() - start
    assert any(isinstance(event, Played) and event.source is Source.DRED for event in events), "nothing was recovered"
    return waited

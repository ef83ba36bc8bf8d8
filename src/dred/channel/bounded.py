"""Losses whose longest burst lies within a class, as the Audio Deep PLC Challenge sorts its clips.

Source: facts about the Interspeech 2022 Audio Deep PLC Challenge: subsets with a longest burst of at most 120 ms, of
120 to 320 ms, and of 320 to 1000 ms.
"""

from itertools import islice

import numpy as np
from jaxtyping import Bool

from dred.channel.models import LossModel, burst_lengths
from dred.errors import UsageError
from dred.timebase import DOUBLE_FRAME_MS

__all__ = ["BURST_CLASSES_MS", "burst_class_ms", "draw_bounded"]

BURST_CLASSES_MS = ((0.0, 120.0), (120.0, 320.0), (320.0, 1000.0))
"""The challenge's classes: longer than the first, at most the second."""

_PACKET_MS = DOUBLE_FRAME_MS
# Enough for a class that one draw in a hundred meets to be missed once in 10^8 times. Our choice.
_MAX_TRIES = 2000


def burst_class_ms(lost: Bool[np.ndarray, " packets"]) -> tuple[float, float] | None:
    """Tell the class of packets of 20 ms by their longest burst; None without losses, or beyond the last class."""
    longest_ms = int(burst_lengths(lost).max(initial=0)) * _PACKET_MS
    return next(((low, high) for low, high in BURST_CLASSES_MS if low < longest_ms <= high), None)


def draw_bounded(
    model: LossModel,
    num_packets: int,
    bursts_ms: tuple[float, float],
    rng: np.random.Generator,
    *,
    max_tries: int = _MAX_TRIES,
) -> Bool[np.ndarray, " packets"]:
    """Draw losses again and again until the longest burst lies within bounds.

    The draws are successive parts of one stream, so that a recorded trace moves on, too. What is returned is
    distributed as the model's own losses among those that meet the bounds: its loss rate differs from the model's.

    Args:
        model: Where losses come from.
        num_packets: Of 20 ms, at least 1.
        bursts_ms: The longest burst is longer than the first and at most the second; see `BURST_CLASSES_MS`.
        rng: As for `LossModel.stream`.
        max_tries: Draws at most, at least 1.

    Raises:
        UsageError: A number out of range, or no draw meets the bounds.
    """
    low_ms, high_ms = bursts_ms
    if not 0 <= low_ms < high_ms:
        raise UsageError(f"burst bounds must rise from at least 0 ms, got {low_ms:g} to {high_ms:g} ms")
    if high_ms < _PACKET_MS or int(low_ms // _PACKET_MS) == high_ms // _PACKET_MS:
        raise UsageError(
            f"burst bounds must leave room for a multiple of {_PACKET_MS} ms, got {low_ms:g} to {high_ms:g} ms"
        )
    if num_packets < 1 or max_tries < 1:
        raise UsageError(f"num_packets and max_tries must be at least 1, got {num_packets} and {max_tries}")
    if num_packets * _PACKET_MS <= low_ms:
        raise UsageError(
            f"{num_packets} packets of {_PACKET_MS} ms cannot hold a burst longer than {low_ms:g} ms: draw more packets"
        )
    losses = model.stream(rng)
    too_short = 0
    for _ in range(max_tries):
        lost = np.fromiter(islice(losses, num_packets), bool, num_packets)
        longest_ms = int(burst_lengths(lost).max(initial=0)) * _PACKET_MS
        if low_ms < longest_ms <= high_ms:
            return lost
        too_short += longest_ms <= low_ms
    if too_short > max_tries / 2:
        wrong, advice = f"no burst over {low_ms:g} ms", "more loss, longer bursts or more packets"
    else:
        wrong, advice = f"a burst over {high_ms:g} ms", "less loss, shorter bursts or fewer packets"
    raise UsageError(
        f"none of {max_tries} draws of {num_packets} packets has a longest burst of {low_ms:g} to {high_ms:g} ms "
        f"(most have {wrong}): ask for {advice}"
    )

"""Where a signal resembles itself best: normalised cross-correlation, compiled.

Samples are flat, channels interleaved, so that one sum goes over all channels.
"""

from typing import no_type_check

from dred.compilation import FAST_SUMS, compiled


@compiled(fastmath=FAST_SUMS, makes_arrays=False)
@no_type_check
def correlate(samples, first, second, length):
    """Return the correlation of two segments, and the energies of both."""
    product = energy_1 = energy_2 = 0.0
    for n in range(length):
        a, b = samples[first + n], samples[second + n]
        product += a * b
        energy_1 += a * a
        energy_2 += b * b
    return product, energy_1, energy_2


@compiled(fastmath=FAST_SUMS, makes_arrays=False)
@no_type_check
def reduce_rate(samples, channels, step, reduced):
    """Write the mean of each `step` samples of a channel; what is left over at the end is left out."""
    for n in range(reduced.shape[0] // channels):
        for channel in range(channels):
            total = 0.0
            for k in range(step):
                total += samples[(n * step + k) * channels + channel]
            reduced[n * channels + channel] = total / step


@compiled(makes_arrays=False)
@no_type_check
def best_lag(samples, channels, start, length, first_lag, last_lag, direction):
    """Return the lag, its correlation coefficient, and the energies of the segment and of the one that resembles it.

    Args:
        samples: The signal.
        channels: How many are interleaved.
        start: Where the segment starts, in samples of a channel; its counterpart starts at `start + direction * lag`.
        length: Its length.
        first_lag: The shortest lag tried.
        last_lag: The longest.
        direction: 1 to look ahead, -1 to look back.
    """
    best, coefficient, energy_1, energy_2 = first_lag, -1.0, 0.0, 0.0
    for lag in range(first_lag, last_lag + 1):
        product, own, other = correlate(
            samples, start * channels, (start + direction * lag) * channels, length * channels
        )
        norm = (own * other) ** 0.5
        found = product / norm if norm > 0 else 0.0
        if found > coefficient:
            best, coefficient, energy_1, energy_2 = lag, found, own, other
    return best, coefficient, energy_1, energy_2


@compiled(makes_arrays=False)
@no_type_check
def find_period(samples, reduced, channels, step, start, length, first_lag, last_lag, direction):
    """Do as `best_lag`, first at a rate lower by `step`, then around what was found there.

    The signal begins `start` before the segment; `reduced` has room for it at the lower rate.
    """
    if step == 1:
        return best_lag(samples, channels, start, length, first_lag, last_lag, direction)
    reduce_rate(samples, channels, step, reduced)
    coarse_lag, _, _, _ = best_lag(
        reduced,
        channels,
        start // step,
        length // step,
        (first_lag + step - 1) // step,
        last_lag // step,
        direction,
    )
    first = max(first_lag, (coarse_lag - 1) * step)
    last = min(last_lag, (coarse_lag + 1) * step)
    return best_lag(samples, channels, start, length, first, last, direction)

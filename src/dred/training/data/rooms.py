"""Rooms: responses from a talker to a microphone, computed, and speech as it is heard there.

    size, time of reverberation, direct level -> images of the talker (first 30 ms) + decaying noise -> low-pass

The direct path is sample 0 of a response and has the height 1, so that speech keeps its place and its level.

Source: J. Allen, D. Berkley: "Image method for efficiently simulating small-room acoustics", 1979, for the images;
C. Eyring: "Reverberation time in dead rooms", 1930, for what walls reflect. That the density of images gives the
power of the tail is our derivation: 4 pi c^3 t^2 / V images a second, each (d / ct)^2 strong, are 4 pi c d^2 / V a
second at any time, before walls take their share.
"""

import numpy as np
from jaxtyping import Float32

from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["draw_room_response", "reverberate"]

_SOUND_M_PER_S = 343.0
_SMALLEST_M = np.array([3.0, 2.5, 2.3])
_LARGEST_M = np.array([10.0, 8.0, 4.0])
_WALL_M = 0.3
_EARLY_S = 0.03
# Images that reach the microphone within that time lie at most this many rooms away.
_MAX_ORDER = 4
# Of a one-pole low-pass: walls and air swallow high frequencies first.
_DULLNESS = (0.1, 0.5)
# A tail that is 60 dB down is over.
_TAIL_DECAYS = 1.0


def draw_room_response(
    reverberation_s: tuple[float, float], direct_db: tuple[float, float], rng: np.random.Generator
) -> Float32[np.ndarray, " taps"]:
    """Draw a room, a place to talk and a place to listen, and return the response at 16 kHz.

    Args:
        reverberation_s: Range of the time in which sound falls by 60 dB.
        direct_db: Range of the power of the direct path, above that of all reflections as theory has it.
        rng: Draws.
    """
    size_m = rng.uniform(_SMALLEST_M, _LARGEST_M)
    fall_s = rng.uniform(*reverberation_s)
    volume_m3 = float(size_m.prod())
    surface_m2 = 2 * volume_m3 * float((1 / size_m).sum())
    reflection = np.exp(-0.161 * volume_m3 / (surface_m2 * fall_s) / 2)
    # Reverberation is as strong everywhere, the direct path is weaker the further away one is.
    critical_m = np.sqrt(13.8 * volume_m3 / (4 * np.pi * _SOUND_M_PER_S * fall_s))
    listener_m = rng.uniform(_WALL_M, size_m - _WALL_M)
    inwards = np.abs(rng.standard_normal(3)) * np.sign(size_m / 2 - listener_m)
    way_m = critical_m * 10 ** (-rng.uniform(*direct_db) / 20) * inwards / np.linalg.norm(inwards)
    talker_m = np.clip(listener_m + way_m, _WALL_M / 2, size_m - _WALL_M / 2)
    taps = np.zeros(int(SAMPLE_RATE_HZ * max(_EARLY_S, _TAIL_DECAYS * fall_s)))
    _add_images(taps, size_m, talker_m, listener_m, float(reflection))
    distance_m = float(np.linalg.norm(talker_m - listener_m))
    _add_tail(taps, distance_m, volume_m3, fall_s, rng)
    _dull(taps, rng.uniform(*_DULLNESS))
    taps[0] = 1
    return taps.astype(np.float32)


def reverberate(
    samples: Float32[np.ndarray, " samples"], response: Float32[np.ndarray, " taps"]
) -> Float32[np.ndarray, " samples"]:
    """Hear speech through a response; what is still to be heard after its end is cut off."""
    length = 1 << (samples.size + response.size - 1).bit_length()
    spectrum = np.fft.rfft(samples.astype(np.float64), length) * np.fft.rfft(response.astype(np.float64), length)
    return np.fft.irfft(spectrum, length)[: samples.size].astype(np.float32)


def _add_images(
    taps: np.ndarray, size_m: np.ndarray, talker_m: np.ndarray, listener_m: np.ndarray, reflection: float
) -> None:
    """Add the talker's mirror images as they arrive within the early time after the talker itself."""
    orders = np.arange(-_MAX_ORDER, _MAX_ORDER + 1)
    along, bounces = [], []
    for axis in range(3):
        # By an even number of walls the image keeps the talker's side, by an odd number it is on the other one.
        same = 2 * orders * size_m[axis] + talker_m[axis]
        other = 2 * orders * size_m[axis] - talker_m[axis]
        along.append(np.concatenate([same, other]) - listener_m[axis])
        bounces.append(np.concatenate([2 * np.abs(orders), np.abs(2 * orders - 1)]))
    x, y, z = np.meshgrid(*along, indexing="ij")
    distances_m = np.sqrt(x**2 + y**2 + z**2).ravel()
    num_bounces = np.sum(np.meshgrid(*bounces, indexing="ij"), axis=0).ravel()
    direct_m = np.linalg.norm(talker_m - listener_m)
    delays = np.rint((distances_m - direct_m) * (SAMPLE_RATE_HZ / _SOUND_M_PER_S)).astype(np.int64)
    is_early = (num_bounces > 0) & (delays < SAMPLE_RATE_HZ * _EARLY_S)
    heights = reflection**num_bounces * direct_m / distances_m
    np.add.at(taps, delays[is_early], heights[is_early])


def _add_tail(taps: np.ndarray, distance_m: float, volume_m3: float, fall_s: float, rng: np.random.Generator) -> None:
    start = int(SAMPLE_RATE_HZ * _EARLY_S)
    times_s = np.arange(start, taps.size) / SAMPLE_RATE_HZ + distance_m / _SOUND_M_PER_S
    power = 4 * np.pi * _SOUND_M_PER_S * distance_m**2 / (volume_m3 * SAMPLE_RATE_HZ)
    taps[start:] += rng.standard_normal(times_s.size) * np.sqrt(power) * 10 ** (-3 * times_s / fall_s)


def _dull(taps: np.ndarray, pole: float) -> None:
    """Low-pass the reflections in place; their power stays that of white noise."""
    held = 0.0
    gain = np.sqrt(1 - pole**2)
    for n in range(1, taps.size):
        held = pole * held + gain * taps[n]
        taps[n] = held

"""What LPCNet is shown of real speech in place of its own: levels of samples, predictions and excitations, compiled."""

from typing import no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.reference.bands import LPC_ORDER
from dred.vocoder.layout import FRAME_SAMPLES
from dred.vocoder.lpcnet_signal import NUM_LEVELS, ZERO_LEVEL, from_level, predict, to_level, write_filter

_HALF_SAMPLES = FRAME_SAMPLES // 2


@compiled(makes_arrays=False)
@no_type_check
def write_filters(features, taps, scratch):
    """Write the filters of the halves of frames: features [frames + 1, 20] to taps [2 * frames, 16]."""
    for half in range(taps.shape[0]):
        write_filter(features[half // 2 + half % 2], taps[half], scratch)


@compiled(makes_arrays=False)
@no_type_check
def teach(emphasised, noise, taps, noisy, levels, targets):
    """Write what the network sees of a stretch of speech, and what it should answer.

    The past that predictions are made of has noise in it, as what a vocoder spoke has; the answer is what brings speech
    back to what it was.

    Args:
        emphasised: Speech, 16 samples of its past in front.
        noise: For each of them, mu-law levels to be off by.
        taps: The filter of each 80 samples, [halves][16].
        noisy: To be written: speech with noise, as long as `emphasised`.
        levels: To be written, [samples][3]: last sample, prediction, last excitation.
        targets: To be written: the excitation.
    """
    for n in range(emphasised.shape[0]):
        level = to_level(emphasised[n])
        moved = min(NUM_LEVELS - 1, max(0, level + noise[n]))
        noisy[n] = emphasised[n] + (from_level(moved) - from_level(level))
    excitation = ZERO_LEVEL
    for n in range(targets.shape[0]):
        prediction = predict(noisy[n : n + LPC_ORDER], taps[n // _HALF_SAMPLES])
        levels[n, 0] = to_level(noisy[n + LPC_ORDER - 1])
        levels[n, 1] = to_level(prediction)
        levels[n, 2] = excitation
        targets[n] = to_level(np.float32(emphasised[n + LPC_ORDER] - prediction))
        excitation = to_level(np.float32(noisy[n + LPC_ORDER] - prediction))

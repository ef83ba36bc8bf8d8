"""The feature frame: 20 numbers per 10 ms, and what its pitch value means.

Source: facts from libopus 1.6.1 dnn/lpcnet_enc.c and dnn/fargan.c.
"""

import math

import numpy as np

NUM_CEPSTRA = 18
PITCH = 18
VOICING = 19
NUM_FEATURES = 20

MIN_PERIOD_SAMPLES = 32
MAX_PERIOD_SAMPLES = 256


def pitch_to_period_samples(pitch: float | np.floating) -> int:
    """Convert the pitch feature (octaves below 62.5 Hz's period, plus offset) to a period at 16 kHz.

    A pitch network gives -1.5 to 1.5, that is 256 down to 32 samples. A decoded feature may lie a little outside;
    beyond an octave it is held, so that any number gives a usable period.
    """
    octaves = min(4.0, max(-1.0, float(pitch) + 1.5)) if math.isfinite(pitch) else 0.0
    return math.floor(0.5 + MAX_PERIOD_SAMPLES * 2.0**-octaves)

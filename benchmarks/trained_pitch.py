"""A pitch network beside the published one: how far apart they are, how far from a tracker, and how speech sounds.

Distances in cents (1200 to the octave), no frame further off than an octave. `from published`: where the published
network's voicing is above zero, with the share of frames that are 100 cents off or more; `voicing` is the share of all
frames that the two put on different sides of zero. `from tracker`: where dred's own offline tracker hears a voice; it
hears a few cents of its own. PLCMOS and the pitch error of the metric are of speech that the published vocoder speaks
from the features with this pitch.
"""

from pathlib import Path

import numpy as np
from trained_speech import PUBLISHED, extractor, rate, read_speech, speak

from dred.evaluation.metrics.f0 import F0_ERROR
from dred.evaluation.metrics.pitch_track import track_pitch
from dred.evaluation.metrics.plcmos import PLCMOS
from dred.features import PITCH, VOICING

CENTS_PER_OCTAVE = 1200
GROSS_CENTS = 100
LOWEST_HZ = 62.5
# The residual lags the frame by so much, and the mean of a frame and its past period lies earlier still.
LAG_FRAMES = 1


def cents(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.minimum(CENTS_PER_OCTAVE * np.abs(ours - theirs), CENTS_PER_OCTAVE)


def rate_pitch(task: tuple[str, Path]) -> dict[str, float]:
    name, path = task
    samples, published = read_speech(path)
    features = extractor(name).extract(extractor(name).initial_state(), samples * 32768)
    is_voiced = published[:, VOICING] > 0
    from_published = cents(features[is_voiced, PITCH], published[is_voiced, PITCH])
    tracked_hz = track_pitch(samples)[: len(features) - LAG_FRAMES]
    heard = np.flatnonzero(tracked_hz > 0)
    octaves = np.log2(tracked_hz[heard] / LOWEST_HZ) - 1.5
    from_tracker = cents(features[heard + LAG_FRAMES, PITCH], octaves)
    figures = {
        "from published": float(from_published.mean()),
        "gross, %": float(100 * (from_published >= GROSS_CENTS).mean()),
        "voicing, %": float(100 * ((features[:, VOICING] > 0) != is_voiced).mean()),
        "from tracker": float(from_tracker.mean()),
    }
    return figures | rate(*speak(PUBLISHED, samples, features), (PLCMOS, F0_ERROR))

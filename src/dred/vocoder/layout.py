"""Numbers of FARGAN that its two implementations share. Source: facts from libopus 1.6.1 dnn/fargan.h."""

import numpy as np

FRAME_SAMPLES = 160
SUBFRAME_SAMPLES = 40
START_FEATURE_FRAMES = 5
START_SAMPLES = 320
NUM_SUBFRAMES = 4
HISTORY_SAMPLES = 256
# The prediction reaches two samples to either side of the sub-frame.
PREDICTION_MARGIN = 2
PREDICTION_SAMPLES = SUBFRAME_SAMPLES + 2 * PREDICTION_MARGIN
DE_EMPHASIS = np.float32(0.85)
SHORTEST_EMBEDDED_PERIOD = 32
CONDITION_PAST = 2

"""A PLC predictor beside the published one: the features it guesses, and what is heard in gaps without redundancy.

Losses are those of the built-in model at 20 %, the same for all. Errors are of guessed frames, without the fade:
`cepstral` is the root of the mean of the squared error's sum over 18 cepstra, in gaps of any length and in their first
40 ms; `pitch` is in cents where the original is voiced. PLCMOS and the distance of the pitch are of the whole call: no
redundancy, the published vocoder, and this predictor.
"""

from functools import cache
from pathlib import Path

import numpy as np
from trained_pitch import cents
from trained_speech import LOOKAHEAD_SAMPLES, PUBLISHED, published_but, rate, read_speech, weights_of

import dred
from dred.concealment import CompiledPredictor
from dred.evaluation.metrics.f0 import F0_ERROR
from dred.evaluation.metrics.plcmos import PLCMOS
from dred.evaluation.networks import Network
from dred.features import NUM_CEPSTRA, PITCH, VOICING, burg_feature_frames
from dred.timebase import SAMPLE_RATE_HZ

NETWORK = Network(name="20 %", model="generative", loss_percent=20)
FRAMES_PER_PACKET = 2
FIRST_FRAMES = 4


@cache
def predictor(name: str) -> CompiledPredictor:
    return CompiledPredictor.from_tensors(weights_of(name).tensors)


def draw_losses(path: Path, num_packets: int) -> np.ndarray:
    return NETWORK.draw(path.stem, 0, num_packets, seed=20, traces=None)


def guess(name: str, samples: np.ndarray, features: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Return the features with guesses in place of lost frames."""
    burg = burg_feature_frames((samples * 32768).astype(np.float32))
    state = predictor(name).initial_state()
    guessed = features.copy()
    for frame, is_lost in enumerate(lost):
        if is_lost:
            guessed[frame] = predictor(name).predict(state)
        else:
            predictor(name).hear(state, burg[frame : frame + 1], features[frame : frame + 1])
    return guessed


def rate_plc(task: tuple[str, Path]) -> dict[str, float]:
    name, path = task
    samples, features = read_speech(path)
    lost = np.repeat(draw_losses(path, len(features) // FRAMES_PER_PACKET), FRAMES_PER_PACKET)
    guessed = guess(name, samples, features, lost) if name else features
    is_early = lost & ~np.concatenate([np.zeros(FIRST_FRAMES, bool), lost[:-FIRST_FRAMES]])
    is_voiced = lost & (features[:, VOICING] > 0)
    errors = ((guessed - features)[:, :NUM_CEPSTRA] ** 2).sum(axis=1)
    figures = {
        "cepstral": root_mean(errors[lost]),
        "first 40 ms": root_mean(errors[is_early]),
        "pitch": mean(cents(guessed[is_voiced, PITCH], features[is_voiced, PITCH])),
        "voicing": mean(np.abs(guessed - features)[lost, VOICING]),
    }
    return figures | rate_call(name, path, samples)


def rate_call(name: str, path: Path, samples: np.ndarray) -> dict[str, float]:
    sender = dred.Sender(
        dred.SenderConfig(rate_hz=SAMPLE_RATE_HZ, bandwidth="wide", dred=None),
        weights_of(PUBLISHED),
    )
    packets = [packet.payload for packet in [*sender.push(samples), *sender.finish()]]
    lost = draw_losses(path, len(packets)) if name else np.zeros(len(packets), bool)
    survived = [None if is_lost else packet for packet, is_lost in zip(packets, lost)]
    weights = published_but("PLC predictor", name) if name else weights_of(PUBLISHED)
    played, _ = dred.recover(survived, config=dred.ReceiverConfig(rate_hz=SAMPLE_RATE_HZ), weights=[weights])
    heard = played[LOOKAHEAD_SAMPLES:, 0]
    length = min(len(heard), len(samples))
    return rate(samples[:length], heard[:length], (PLCMOS, F0_ERROR))


def mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


def root_mean(values: np.ndarray) -> float:
    return float(np.sqrt(mean(values)))

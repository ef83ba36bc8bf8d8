"""What a pitch network is trained on is what it sees in use."""

import numpy as np
import pytest

from dred.errors import UsageError
from dred.features import PITCH, FeatureExtractor, pitch_inputs
from dred.features.reference.pitch import PitchNetwork
from dred.nn import ReferenceEngine
from tiny_networks import pitch_tensors

NUM_FRAMES = 12


def speechlike(rng: np.random.Generator) -> np.ndarray:
    """A buzz that rises from 100 Hz, with noise, on the int16 scale."""
    time = np.arange(160 * NUM_FRAMES) / 16_000
    turns = 2 * np.pi * (100 + 200 * time) * time
    buzz = sum(np.sin(k * turns) / k for k in range(1, 20))
    return (4000 * buzz + 50 * rng.standard_normal(time.size)).astype(np.float32)


def test_a_network_on_the_inputs_gives_the_extractors_pitch(rng: np.random.Generator) -> None:
    tensors, samples = pitch_tensors(rng), speechlike(rng)
    network = PitchNetwork.from_tensors(tensors, ReferenceEngine())
    state = network.initial_state()
    tracked = [network.step(state, *rows) for rows in zip(*pitch_inputs(samples))]
    extractor = FeatureExtractor.from_tensors(tensors, ReferenceEngine())
    expected = extractor.extract(extractor.initial_state(), samples)[:, PITCH]
    # Sums of float32 in another order.
    np.testing.assert_allclose(tracked, expected, atol=1e-4)
    assert np.ptp(expected) > 0.01


def test_a_frame_depends_on_22_ms_before_it(rng: np.random.Generator) -> None:
    samples = speechlike(rng)
    for whole, late in zip(pitch_inputs(samples), pitch_inputs(samples[3 * 160 :])):
        np.testing.assert_allclose(whole[6:], late[3:], atol=1e-4)


def test_samples_come_in_whole_frames() -> None:
    with pytest.raises(UsageError, match="multiple of 160"):
        pitch_inputs(np.zeros(161, np.float32))
    assert [rows.shape for rows in pitch_inputs(np.zeros(0, np.float32))] == [(0, 88), (0, 224)]

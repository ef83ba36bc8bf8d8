"""What is measured on: long enough, the same at each call, and with the redundancy that is spoken of."""

from pathlib import Path

import numpy as np
import pytest

from dred.audio import write_wav
from dred.benchmarking.material import Material, lose, read_speech
from dred.data import bundled_clip


def test_a_short_recording_starts_again_at_its_end(tmp_path: Path, rng: np.random.Generator) -> None:
    second = rng.uniform(-0.5, 0.5, 16_000).astype(np.float32)
    write_wav(tmp_path / "short.wav", second, 16_000)
    read = read_speech(tmp_path / "short.wav", seconds=3)
    np.testing.assert_allclose(read, np.tile(second, 3), atol=2**-15)


def test_a_recording_at_another_rate_is_brought_to_16_khz(tmp_path: Path) -> None:
    write_wav(tmp_path / "slow.wav", np.zeros((24_000, 2), np.float32), 24_000)
    assert read_speech(tmp_path / "slow.wav", seconds=1).shape == (16_000,)


@pytest.mark.reference
def test_payloads_hold_a_second(material: Material) -> None:
    assert len(material.packets) == 50 * material.seconds
    # The bundled clip begins with speech; a latent stands for 40 ms.
    assert np.median([parsed.num_latents for parsed in material.parsed]) >= 25


@pytest.mark.reference
def test_features_are_those_of_all_the_speech(material: Material) -> None:
    assert material.features.shape == (100 * material.seconds, 20)


def test_the_same_packets_are_lost_at_each_call() -> None:
    packets = [bytes([number]) for number in range(200)]
    once, again = lose(packets, 0.3), lose(packets, 0.3)
    assert once == again
    assert 40 <= once.count(None) <= 80
    assert [packet for packet in once if packet] == [p for p, kept in zip(packets, once) if kept]
    assert lose(packets, 0.0) == packets


def test_the_bundled_clip_is_long_enough_for_all_efforts() -> None:
    from dred.benchmarking.run import FULL

    speech = read_speech(bundled_clip(), seconds=FULL.speech_s)
    assert speech.size == 16_000 * FULL.speech_s
    assert not np.array_equal(speech[:16_000], speech[-16_000:])

"""What the sender takes for speech and what for silence."""

import numpy as np
import pytest

from dred.sender.activity import initial_activity_state, judge_activity

PACKET = 320


def judge(signal: np.ndarray) -> list[bool]:
    """Judge a signal, 16 kHz on the int16 scale, packet by packet."""
    state = initial_activity_state()
    return [judge_activity(state, packet) for packet in signal.astype(np.float32).reshape(-1, PACKET)]


def noise(rng: np.random.Generator, packets: int, level_db: float) -> np.ndarray:
    return rng.standard_normal(packets * PACKET) * 32768 * 10 ** (level_db / 20)


def test_digital_silence_is_silent_from_the_start() -> None:
    assert not any(judge(np.zeros(100 * PACKET)))


@pytest.mark.parametrize("floor_db", [-90, -70, -50])
def test_words_over_a_steady_noise_are_active_and_the_noise_is_not(floor_db: float, rng: np.random.Generator) -> None:
    background, word = noise(rng, 100, floor_db), noise(rng, 10, -25)
    active = judge(np.concatenate([background, word, background]))
    assert not any(active[50:100])
    assert all(active[100:110])
    # 100 ms more, so that the end of a word is kept.
    assert active[110:120] == [True] * 5 + [False] * 5


def test_noise_counts_for_a_second_until_the_floor_is_known(rng: np.random.Generator) -> None:
    assert judge(noise(rng, 100, -60)) == [True] * 50 + [False] * 50


def test_speech_without_a_pause_stays_active(rng: np.random.Generator) -> None:
    # Syllables: five a second, 20 dB deep.
    times = np.arange(1_500 * PACKET) / 16_000
    envelope = 10 ** ((-35 + 10 * np.sin(2 * np.pi * 5 * times)) / 20)
    assert all(judge(rng.standard_normal(times.size) * 32768 * envelope))


def test_a_packet_without_samples_is_silence() -> None:
    assert not judge_activity(initial_activity_state(), np.zeros(0, np.float32))

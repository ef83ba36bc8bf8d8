"""Streams of a bank sound and tell as each would alone, and the vocoder is called once for all that wait."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from constant_parts import CONCEALED, ConstantCodec, ConstantVocoder, constant_parts, make_packet, make_stream

from dred.errors import UsageError
from dred.receiver import ReceiveBank, ReceiverConfig, ReceiveStream
from dred.vocoder import SpeechRequest

NUM_PACKETS = 60


class CountingVocoder(ConstantVocoder):
    """Tells how many streams asked each time."""

    def __init__(self) -> None:
        self.num_asked: list[int] = []

    def speak(self, requests: Sequence[SpeechRequest]) -> list[np.ndarray]:
        self.num_asked.append(len(requests))
        return super().speak(requests)


def make_streams(vocoder: ConstantVocoder) -> list[ReceiveStream]:
    """Streams that differ in what they do with gaps."""
    parts = replace(constant_parts(), vocoder=vocoder)
    settings: list[dict[str, Any]] = [
        {},
        {"priming": True},
        {"use_dred": False},
        {"use_lbrr": False, "delay_ms": 60.0, "start": None},
        {"plc": "classic", "max_conceal_ms": 40},
        {},
    ]
    return [make_stream(parts=parts, **setting) for setting in settings]


def draw_losses(rng: np.random.Generator, num_streams: int) -> np.ndarray:
    return rng.random((num_streams, NUM_PACKETS)) < 0.4


def packet_of(stream: int, number: int) -> bytes:
    return make_packet(1_000 * stream + number, num_latents=number % 4, lbrr=number % 3 == 0)


def test_streams_of_a_bank_sound_and_tell_as_they_would_alone(rng: np.random.Generator) -> None:
    alone, together = make_streams(ConstantVocoder()), make_streams(ConstantVocoder())
    lost = draw_losses(rng, len(alone))
    bank = ReceiveBank(together)
    sizes = rng.integers(0, 900, NUM_PACKETS)
    for number, size in enumerate(sizes.tolist(), start=1):
        now = 20.0 * number
        for index, stream in enumerate(alone):
            if not lost[index, number - 1]:
                arguments = (packet_of(index, number), number, 960 * number, now)
                stream.receive(*arguments)
                bank.receive(index, *arguments)
        expected = [stream.play(size, now) for stream in alone]
        samples, events = bank.play(size, now)
        assert samples.shape == (len(alone), size, 1)
        assert np.array_equal(samples, np.array([samples for samples, _ in expected]))
        assert events == [events for _, events in expected]


def test_all_streams_in_a_gap_are_spoken_for_in_one_call() -> None:
    vocoder = CountingVocoder()
    parts = replace(constant_parts(), vocoder=vocoder)
    bank = ReceiveBank([make_stream(parts=parts) for _ in range(5)])
    for number in (1, 4):
        for stream in range(len(bank)):
            if number == 4 or stream != 3:
                bank.receive(stream, make_packet(number, num_latents=4), number, 960 * number, 0.0)
    for _ in range(4):
        bank.play(320, 0.0)
    # Stream 3 is spoken for from the start, the others in the gap from packet 2 to 3.
    assert vocoder.num_asked == [1, 5, 5]


def test_a_stream_of_a_bank_asks_again_within_one_play() -> None:
    parts = constant_parts()
    bank = ReceiveBank([make_stream(parts=parts) for _ in range(2)])
    alone = make_stream(parts=parts)
    for number in (1, 5):
        packet = make_packet(number, num_latents=6)
        bank.receive(1, packet, number, 960 * number, 0.0)
        alone.receive(packet, number, 960 * number, 0.0)
    samples, events = bank.play(5 * 320, 0.0)
    expected, told = alone.play(5 * 320, 0.0)
    assert np.array_equal(samples[1], expected)
    assert events[1] == told


def test_a_bank_may_be_empty() -> None:
    samples, events = ReceiveBank([]).play(320, 0.0)
    assert samples.shape == (0, 320, 1)
    assert events == []


def test_streams_without_networks_need_no_vocoder() -> None:
    stream = ReceiveStream(ReceiverConfig(rate_hz=16_000, use_dred=False, plc="classic"), ConstantCodec(), None)
    stream.start(0)
    samples, _ = ReceiveBank([stream]).play(320, 0.0)
    assert np.all(samples == CONCEALED)


@pytest.mark.parametrize("other", [{"parts": constant_parts()}, {"channels": 2}])
def test_streams_that_do_not_fit_together_are_refused(other: dict[str, Any]) -> None:
    parts = constant_parts()
    with pytest.raises(UsageError, match="share one vocoder"):
        ReceiveBank([make_stream(parts=parts), make_stream(**({"parts": parts} | other))])


def test_a_negative_number_of_samples_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 0"):
        ReceiveBank([make_stream()]).play(-1, 0.0)

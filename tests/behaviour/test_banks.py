"""Banks: what a stream sends or plays does not depend on who its neighbours are, nor on the number of threads."""

from pathlib import Path

import numpy as np
import pytest

from dred import ReceiverBank, ReceiverConfig, Sender, SenderBank, SenderConfig, UsageError
from dred.assembly import Receiver
from dred.channel import uniform_losses
from dred.weights import WeightSet

RATE_HZ = 16_000
FRAME_SAMPLES = 320
NUM_STREAMS = 5
NUM_PACKETS = 60
SEND = SenderConfig(rate_hz=RATE_HZ)
PLAY = ReceiverConfig(rate_hz=RATE_HZ, delay_ms=60)

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def speech(shared: Path) -> np.ndarray:
    """A second of another place of a recording for every stream."""
    samples = np.fromfile(shared / "vectors/v80kcbr_fec_dred100/input.sw", "<i2").astype(np.float32) / 32768
    starts = range(16_000, 16_000 + NUM_STREAMS * 8_000, 8_000)
    return np.stack([samples[start : start + NUM_PACKETS * FRAME_SAMPLES] for start in starts])


@pytest.fixture(scope="module")
def sent(speech: np.ndarray, weights_v12: WeightSet) -> list[list[bytes]]:
    """The packets that each stream sends alone."""
    return [[packet.payload for packet in Sender(SEND, weights_v12).push(samples)] for samples in speech]


@pytest.mark.parametrize("num_threads", [1, 2, 9])
def test_streams_send_what_they_would_send_alone(
    speech: np.ndarray, sent: list[list[bytes]], weights_v12: WeightSet, num_threads: int
) -> None:
    with SenderBank(NUM_STREAMS, SEND, weights_v12, num_threads=num_threads) as bank:
        packets = [[] for _ in range(NUM_STREAMS)]
        for block in np.split(speech, 20, axis=1):
            for stream, more in enumerate(bank.push(block)):
                packets[stream] += [packet.payload for packet in more]
    assert packets == sent


@pytest.mark.parametrize("priming", [True, False])
@pytest.mark.parametrize("num_threads", [1, 3])
def test_streams_play_what_they_would_play_alone(
    sent: list[list[bytes]], weights_v12: WeightSet, num_threads: int, priming: bool
) -> None:
    config = ReceiverConfig(rate_hz=RATE_HZ, delay_ms=60, priming=priming)
    lost = [uniform_losses(NUM_PACKETS, 0.3, np.random.default_rng(n)) for n in range(NUM_STREAMS)]
    alone = [Receiver(config, [weights_v12]) for _ in range(NUM_STREAMS)]
    with ReceiverBank(NUM_STREAMS, config, [weights_v12], num_threads=num_threads) as bank:
        for number in range(NUM_PACKETS):
            for stream in range(NUM_STREAMS):
                if not lost[stream][number]:
                    arrival = (sent[stream][number], number, 960 * number, 20.0 * number)
                    bank.receive(stream, *arrival)
                    alone[stream].receive(*arrival)
            samples, events = bank.play(FRAME_SAMPLES, 20.0 * number)
            assert samples.shape == (NUM_STREAMS, FRAME_SAMPLES, 1)
            for stream, receiver in enumerate(alone):
                expected, expected_events = receiver.play(FRAME_SAMPLES, 20.0 * number)
                np.testing.assert_array_equal(samples[stream], expected)
                assert events[stream] == expected_events


def test_a_bank_without_streams_or_threads_is_refused(weights_v12: WeightSet) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        ReceiverBank(0, PLAY, [weights_v12])
    with pytest.raises(UsageError, match="at least 1"):
        SenderBank(3, SEND, weights_v12, num_threads=0)


def test_a_stream_that_is_not_there_is_named(weights_v12: WeightSet) -> None:
    bank = ReceiverBank(2, PLAY, [weights_v12])
    with pytest.raises(UsageError, match="0 to 1, got 2"):
        bank.receive(2, b"", 0, 0, 0.0)
    with pytest.raises(UsageError, match="2 streams"):
        SenderBank(2, SEND, weights_v12).push(np.zeros((3, 320), np.float32))


def test_activations_of_another_number_of_bytes_are_refused(weights_v12: WeightSet) -> None:
    with pytest.raises(UsageError, match="1 or 2, got 3"):
        ReceiverBank(2, PLAY, [weights_v12], activation_bytes=3)

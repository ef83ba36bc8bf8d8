"""A bank of receivers with real networks plays what each would play alone."""

from pathlib import Path

import numpy as np
import pytest
from sent_clips import list_clips, read_clip, send_clip

from dred import Receiver, ReceiverConfig
from dred.receiver import ReceiveBank
from dred.weights import WeightSet

pytestmark = pytest.mark.reference

NUM_PACKETS = 50


@pytest.fixture(scope="module")
def sent(shared: Path, weights_v12: WeightSet) -> list[list[bytes]]:
    """Three clips of one second in packets of 20 ms."""
    clips = [read_clip(clip, seconds=1) for clip in list_clips(shared)[:3]]
    return [[packet.payload for packet in send_clip(clip, weights_v12)][:NUM_PACKETS] for clip in clips]


@pytest.mark.parametrize("priming", [False, True])
def test_a_bank_with_real_networks_plays_what_each_receiver_would(
    sent: list[list[bytes]], weights_v12: WeightSet, priming: bool, rng: np.random.Generator
) -> None:
    lost = rng.random((len(sent), NUM_PACKETS)) < 0.3
    lost[:, :3] = False

    def make_receiver() -> Receiver:
        receiver = Receiver(ReceiverConfig(rate_hz=16_000, priming=priming), [weights_v12])
        receiver.start(0)
        return receiver

    alone = [make_receiver() for _ in sent]
    bank = ReceiveBank([make_receiver() for _ in sent])
    for number in range(NUM_PACKETS):
        for stream, packets in enumerate(sent):
            if not lost[stream, number]:
                alone[stream].receive(packets[number], number, 960 * number, 20.0 * number)
                bank.receive(stream, packets[number], number, 960 * number, 20.0 * number)
        if number < 4:
            continue
        together, told = bank.play(320, 20.0 * number)
        for stream, receiver in enumerate(alone):
            samples, events = receiver.play(320, 20.0 * number)
            assert told[stream] == events
            assert np.array_equal(together[stream], samples), f"stream {stream}, packet {number}"

"""Many streams together: each sends what it would send alone."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from counting_encoder import SamplingEncoder

from dred.errors import UsageError
from dred.sender import DredConfig, SendBank, SenderConfig, SendStream, SentPacket

BASE = SenderConfig(rate_hz=16_000)
MIXED = [
    BASE,
    dataclasses.replace(BASE, frame_ms=10),
    dataclasses.replace(BASE, frame_ms=60, dred=DredConfig(duration_ms=200)),
    dataclasses.replace(BASE, rate_hz=48_000, channels=2),
    dataclasses.replace(BASE, rate_hz=44_100),
    dataclasses.replace(BASE, total_bitrate_bps=60_000),
    dataclasses.replace(BASE, dred=None),
    dataclasses.replace(BASE, sequence=65_530, timestamp=7),
]


class SamplingBank:
    """As many sampling encoders, and how many streams each call was for."""

    def __init__(self, num_streams: int) -> None:
        self.encoders = [SamplingEncoder() for _ in range(num_streams)]
        self.tables = self.encoders[0].tables
        self.num_together: list[int] = []

    def encode(self, streams: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert samples.shape == (len(streams), 320)
        assert len(set(streams.tolist())) == len(streams)
        self.num_together.append(len(streams))
        pairs = [self.encoders[stream].encode(block) for stream, block in zip(streams, samples)]
        latents, states = zip(*pairs)
        return np.stack(latents), np.stack(states)

    def restart(self, stream: int) -> None:
        self.encoders[stream] = SamplingEncoder()


def speech(config: SenderConfig, seed: int, seconds: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    num_samples = int(seconds * config.rate_hz)
    syllables = np.maximum(0, np.sin(2 * np.pi * 3 * np.arange(num_samples) / config.rate_hz))
    return (0.2 * rng.standard_normal((num_samples, config.channels)) * syllables[:, None]).astype(np.float32)


def send_alone(config: SenderConfig, pcm: np.ndarray) -> list[SentPacket]:
    stream = SendStream(config, SamplingEncoder())
    return [*stream.push(pcm), *stream.finish()]


def send_together(bank: SendBank, signals: Sequence[np.ndarray], num_ticks: int) -> list[list[SentPacket]]:
    sent: list[list[SentPacket]] = [[] for _ in signals]
    for blocks in zip(*(np.array_split(pcm, num_ticks) for pcm in signals)):
        for packets, new in zip(sent, bank.push(blocks)):
            packets += new
    for packets, new in zip(sent, bank.finish()):
        packets += new
    return sent


@pytest.mark.parametrize("num_ticks", [1, 50, 77])
def test_streams_of_all_kinds_send_what_they_would_send_alone(num_ticks: int) -> None:
    signals = [speech(config, seed) for seed, config in enumerate(MIXED)]
    together = send_together(SendBank(MIXED, SamplingBank(len(MIXED))), signals, num_ticks)
    for config, pcm, packets in zip(MIXED, signals, together, strict=True):
        assert packets == send_alone(config, pcm)
        assert (config.dred is None) == (not any(packet.num_latents for packet in packets))


def test_the_networks_hear_all_streams_in_one_call() -> None:
    networks = SamplingBank(5)
    bank = SendBank([BASE] * 5, networks)
    for _ in range(10):
        assert [len(packets) for packets in bank.push(np.zeros((5, 320), np.float32))] == [1] * 5
    assert networks.num_together == [5] * 10


def test_a_stream_that_pauses_holds_no_other_up() -> None:
    signals = [speech(BASE, 1), speech(BASE, 2)]
    bank = SendBank([BASE, BASE], SamplingBank(2))
    sent: list[list[SentPacket]] = [[], []]
    for tick in range(100):
        # The second one begins later and stops now and then.
        blocks = [signals[0][320 * tick : 320 * (tick + 1)] if tick < 50 else None, None]
        if tick >= 20 and tick % 3 and len(sent[1]) < 50:
            blocks[1] = signals[1][320 * len(sent[1]) : 320 * (len(sent[1]) + 1)]
        for packets, new in zip(sent, bank.push(blocks)):
            packets += new
    for packets, new in zip(sent, bank.finish([0, 1])):
        packets += new
    assert sent == [send_alone(BASE, pcm) for pcm in signals]


def test_only_the_streams_that_end_are_finished() -> None:
    pcm = speech(BASE, 1)
    bank = SendBank([BASE] * 3, SamplingBank(3))
    sent = bank.push([pcm[:8_000], pcm[:8_000], pcm])
    (end,) = bank.finish([1])
    assert [*sent[1], *end] == send_alone(BASE, pcm[:8_000])
    rest = bank.push([pcm[8_000:], None, None])
    ends = bank.finish([2, 0])
    assert [*sent[0], *rest[0], *ends[1]] == [*sent[2], *rest[2], *ends[0]] == send_alone(BASE, pcm)


def test_a_new_stream_takes_the_place_of_one() -> None:
    pcm, other = speech(BASE, 1), dataclasses.replace(BASE, frame_ms=40)
    bank = SendBank([BASE, BASE], SamplingBank(2))
    first = bank.push([pcm[:8_000], pcm[:8_000]])
    bank.restart(0, other)
    second = bank.push([pcm, pcm[8_000:]])
    ends = bank.finish()
    assert [*second[0], *ends[0]] == send_alone(other, pcm)
    assert [*first[1], *second[1], *ends[1]] == send_alone(BASE, pcm)


def test_a_bank_without_redundancy_needs_no_networks() -> None:
    plain = dataclasses.replace(BASE, dred=None)
    pcm = speech(plain, 3)
    assert send_together(SendBank([plain, plain], None), [pcm, pcm], 10) == [send_alone(plain, pcm)] * 2


@pytest.mark.parametrize(
    "pcm",
    [
        pytest.param([np.zeros(320, np.float32)], id="one stream too few"),
        pytest.param([np.zeros(320, np.float32), np.array([np.nan], np.float32)], id="not finite"),
        pytest.param([np.zeros(320, np.float32), np.zeros((320, 2), np.float32)], id="two channels"),
    ],
)
def test_samples_that_are_refused_reach_no_stream(pcm: list[np.ndarray]) -> None:
    bank = SendBank([BASE, BASE], SamplingBank(2))
    with pytest.raises(UsageError):
        bank.push(pcm)
    talk = speech(BASE, 4)
    assert send_together(bank, [talk, talk], 5) == [send_alone(BASE, talk)] * 2

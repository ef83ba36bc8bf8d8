"""Two ends of an RTP session in virtual time, with real Opus and no networks: speech, in-band FEC and RED."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from dred.audio import read_audio
from dred.data import bundled_clip
from dred.opus import OpusDecoder
from dred.receiver import ReceiverConfig, ReceiveStream
from dred.sender import SenderConfig, SendStream
from dred.session import (
    ReceiverEvent,
    RedundancyControl,
    RtpReceiver,
    RtpReceiverConfig,
    RtpSender,
    RtpSenderConfig,
    SenderEvent,
)

RATE_HZ = 16_000
BLOCK_MS = 10
BLOCK_SAMPLES = RATE_HZ * BLOCK_MS // 1000
SENDER_ADDRESS = ("198.51.100.1", 5004)

STREAM = ReceiverConfig(rate_hz=RATE_HZ, use_dred=False, plc="classic", priming=False, delay_ms=60.0)
SPEECH = SenderConfig(rate_hz=RATE_HZ, dred=None, in_band_fec=True, expected_loss_percent=20)


@cache
def speech(seconds: float) -> np.ndarray:
    """The beginning of the bundled clip, over and over."""
    audio = read_audio(bundled_clip())
    assert audio.rate_hz == RATE_HZ
    return np.resize(audio.samples[:, 0], round(seconds * RATE_HZ))


def make_receiver(seed: int = 1, *, stream: ReceiverConfig = STREAM, **settings: Any) -> RtpReceiver:
    config = RtpReceiverConfig(stream=stream, **settings)
    return RtpReceiver(
        config,
        lambda: ReceiveStream(stream, OpusDecoder(stream.rate_hz, stream.channels), None),
        np.random.default_rng(seed),
    )


def make_sender(
    seed: int = 2, *, stream: SenderConfig = SPEECH, controller: RedundancyControl | None = None, **settings: Any
) -> RtpSender:
    config = RtpSenderConfig(stream=stream, **settings)
    return RtpSender(config, SendStream(stream, None), controller, np.random.default_rng(seed))


@dataclass
class Call:
    """What was heard, and what both ends told."""

    samples: np.ndarray
    receiver_events: list[ReceiverEvent] = field(default_factory=list)
    sender_events: list[SenderEvent] = field(default_factory=list)
    datagrams: list[bytes] = field(default_factory=list)


Attack = Callable[[float, Sequence[bytes]], Iterable[tuple[bytes, object]]]


def hold_call(
    sender: RtpSender,
    receiver: RtpReceiver,
    seconds: float,
    *,
    one_way_ms: float = 30.0,
    is_lost: Callable[[int], bool] = lambda number: False,
    attack: Attack | None = None,
    start_ms: float = 0.0,
    start_block: int = 0,
) -> Call:
    """Send speech from one end to the other and reports both ways.

    Args:
        sender: The sending end.
        receiver: The receiving end.
        seconds: How long.
        one_way_ms: Delay of each direction.
        is_lost: By the number of the datagram that carries speech.
        attack: Asked every 10 ms for datagrams and addresses that arrive at the receiver beside the genuine ones; it is
            shown the datagrams that arrive now.
        start_ms: The clock's time at the beginning.
        start_block: Where in the speech to begin.
    """
    pcm = speech(seconds + start_block * BLOCK_MS / 1000)
    under_way: list[tuple[float, bytes]] = []
    back: list[tuple[float, bytes]] = []
    call, played = Call(samples=np.zeros(0, np.float32)), []
    num_sent = 0
    for block in range(start_block, round(seconds * 1000) // BLOCK_MS + start_block):
        now = start_ms + (block - start_block) * BLOCK_MS
        for datagram in sender.push(pcm[block * BLOCK_SAMPLES : (block + 1) * BLOCK_SAMPLES], now):
            call.datagrams.append(datagram)
            if not is_lost(num_sent):
                under_way.append((now + one_way_ms, datagram))
            num_sent += 1
        under_way += [(now + one_way_ms, datagram) for datagram in sender.reports(now)]
        arrived = [datagram for arrival_ms, datagram in under_way if arrival_ms <= now]
        under_way = [item for item in under_way if item[0] > now]
        for datagram in arrived:
            receiver.receive(datagram, now, SENDER_ADDRESS)
        if attack is not None:
            for datagram, address in attack(now, arrived):
                receiver.receive(datagram, now, address)
        samples, events = receiver.play(BLOCK_SAMPLES, now)
        played.append(samples)
        call.receiver_events += events
        back += [(now + one_way_ms, datagram) for datagram in receiver.reports(now)]
        for arrival_ms, datagram in back:
            if arrival_ms <= now:
                sender.receive(datagram, now)
        back = [item for item in back if item[0] > now]
        call.sender_events += sender.events()
    call.samples = np.concatenate(played)
    return call

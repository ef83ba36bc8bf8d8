"""Both ends of an RTP session with the published networks: redundancy arrives, is bounded, and cannot be disturbed."""

from pathlib import Path

import numpy as np
import pytest

from dred import (
    DredConfig,
    Played,
    ReceiverConfig,
    RtpReceiver,
    RtpReceiverConfig,
    RtpSender,
    RtpSenderConfig,
    SenderConfig,
    Source,
)
from dred.rtp import RtpPacket, write_rtp
from dred.session import RedundancyLeftOut
from dred.weights import WeightSet
from two_ends import RATE_HZ, hold_call

pytestmark = pytest.mark.reference
SECONDS = 3.0


def ends(weights: WeightSet, *, bitrate_bps: int = 24_000, **settings: int) -> tuple[RtpSender, RtpReceiver]:
    speaking = SenderConfig(rate_hz=RATE_HZ, bitrate_bps=bitrate_bps, dred=DredConfig())
    hearing = ReceiverConfig(rate_hz=RATE_HZ, delay_ms=120.0)
    return (
        RtpSender(RtpSenderConfig(stream=speaking, ssrc=1, **settings), weights, rng=np.random.default_rng(1)),
        RtpReceiver(RtpReceiverConfig(stream=hearing), [weights], rng=np.random.default_rng(2)),
    )


def lost(number: int) -> bool:
    return number > 20 and number % 20 in (7, 8, 9, 10)


def test_a_flood_changes_no_sample_of_what_redundancy_spoke(weights_v12: WeightSet) -> None:
    rng = np.random.default_rng(3)
    seen: list[bytes] = []

    def attack(now: float, arrived: object) -> list[tuple[bytes, object]]:
        assert isinstance(arrived, list)
        seen.extend(arrived)
        strangers = [
            RtpPacket(payload_type=111, sequence=n % 65536, timestamp=n, ssrc=n, payload=rng.bytes(50))
            for n in rng.integers(1 << 32, size=3).tolist()
        ]
        forged = [datagram[: len(datagram) // 2] for datagram in arrived]
        return [(data, None) for data in (*seen[-20::5], *forged, *map(write_rtp, strangers), rng.bytes(100))]

    alone = hold_call(*ends(weights_v12), SECONDS, is_lost=lost)
    # The attacker is told the address, too.
    attacked = hold_call(
        *ends(weights_v12),
        SECONDS,
        is_lost=lost,
        attack=lambda now, arrived: (
            [(data, ("198.51.100.1", 5004)) for data, _ in attack(now, list(arrived))] if now > 200 else []
        ),
    )
    spoken = [event for event in alone.receiver_events if isinstance(event, Played) and event.source is Source.DRED]
    assert sum(event.duration_rtp for event in spoken) / 48 >= 400
    assert np.array_equal(alone.samples, attacked.samples)


def test_a_packet_beyond_the_mtu_loses_copies_first_and_then_its_redundancy(weights_v12: WeightSet) -> None:
    sender, receiver = ends(weights_v12, bitrate_bps=48_000, mtu_bytes=200, num_red_copies=1)
    call = hold_call(sender, receiver, SECONDS)
    assert max(map(len, call.datagrams)) <= 200
    left_out = [event for event in call.sender_events if isinstance(event, RedundancyLeftOut)]
    assert 0 < len(left_out) < len(call.datagrams)
    assert not any(event.still_exceeds for event in left_out)
    assert sender.statistics.dred_bytes > 0


def test_ends_without_seeds_differ(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    assert RtpSender().ssrc != RtpSender().ssrc
    assert RtpReceiver().ssrc != RtpReceiver().ssrc

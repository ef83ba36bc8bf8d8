"""Plans change what a stream sends from the next packet on, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder

from dred.audio import read_audio
from dred.data import bundled_clip
from dred.errors import UsageError
from dred.opus import parse_packet
from dred.sender import DredConfig, RedundancyPlan, SenderConfig, SendStream

CONFIG = SenderConfig(rate_hz=16_000, bandwidth="wide", expected_loss_percent=20)
PLAN = RedundancyPlan(bitrate_bps=24_000, expected_loss_percent=20, dred=DredConfig())


def speech(num_packets: int) -> np.ndarray:
    return read_audio(bundled_clip()).samples[: 320 * num_packets, 0]


def send(plans: dict[int, RedundancyPlan], num_packets: int = 60) -> list[bytes]:
    stream = SendStream(CONFIG, CountingEncoder())
    payloads: list[bytes] = []
    for number, frame in enumerate(speech(num_packets).reshape(-1, 320)):
        if number in plans:
            stream.apply(plans[number])
        payloads += [packet.payload for packet in stream.push(frame)]
    return payloads


def test_an_equal_plan_changes_no_byte() -> None:
    assert send({20: PLAN, 40: PLAN}) == send({})


def test_a_plan_changes_no_packet_before_it() -> None:
    changed = send({30: replace(PLAN, bitrate_bps=48_000, dred=None, in_band_fec=True)})
    assert changed[:30] == send({})[:30]
    assert changed[30:] != send({})[30:]


def test_redundancy_that_comes_back_covers_what_was_said_without_it() -> None:
    paused = send({10: replace(PLAN, dred=None), 40: PLAN})
    always = send({})
    assert not any(parse_packet(payload).padding for payload in paused[10:40])
    assert paused[40:] == always[40:]


def test_duration_and_quality_follow_the_plan() -> None:
    short = send({20: replace(PLAN, dred=DredConfig(duration_ms=100, q0=12))})
    whole = send({})
    assert np.mean([len(payload) for payload in short[30:]]) < np.mean([len(payload) for payload in whole[30:]])


def test_the_rate_follows_the_plan() -> None:
    halves = send({30: replace(PLAN, bitrate_bps=64_000, dred=None)})
    sizes = [sum(map(len, parse_packet(payload).frames)) for payload in halves]
    assert np.mean(sizes[35:]) > 1.6 * np.mean(sizes[5:30])


def test_streams_refuse_plans_that_they_cannot_follow() -> None:
    with pytest.raises(UsageError, match="version"):
        send({5: replace(PLAN, dred=DredConfig(version="10"))})
    plain = SendStream(replace(CONFIG, dred=None), None)
    with pytest.raises(UsageError, match="networks"):
        plain.apply(PLAN)
    plain.apply(replace(PLAN, dred=None))
    constant = SendStream(replace(CONFIG, total_bitrate_bps=48_000), CountingEncoder())
    with pytest.raises(UsageError, match="total_bitrate_bps"):
        constant.apply(PLAN)


@pytest.mark.parametrize("wrong", [{"bitrate_bps": 5_999}, {"expected_loss_percent": 101}, {"num_red_copies": 10}])
def test_impossible_plans_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        replace(PLAN, **wrong)

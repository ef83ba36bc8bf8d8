"""The budget is one of bytes: what packets take, whatever the controller believes that they do."""

from dataclasses import replace

import numpy as np
import pytest

from dred import Sender
from dred.audio import read_audio
from dred.data import bundled_clip
from dred.sender import ReceiverReport, RedundancyController, SenderConfig, limits_of
from dred.weights import WeightSet

pytestmark = pytest.mark.reference

RATE_HZ, PACKETS_PER_S = 16_000, 50
SPEECH_S = 18
BUDGET_BPS = 36_000


def make_speech() -> np.ndarray:
    return np.resize(read_audio(bundled_clip()).samples[:, 0], RATE_HZ * SPEECH_S)


def rates_bps(pcm: np.ndarray, weights: WeightSet, *, total_bps: int = BUDGET_BPS) -> np.ndarray:
    """Send speech over a network that loses much, and return the rate of each second."""
    stream = SenderConfig(rate_hz=RATE_HZ, bitrate_bps=64_000)
    controller = RedundancyController(limits_of(stream, total_bps=total_bps, header_bytes=0))
    sender = Sender(stream, weights)
    sizes = []
    for number, block in enumerate(pcm.reshape(-1, RATE_HZ // PACKETS_PER_S)):
        now = 20.0 * number
        if number % PACKETS_PER_S == 0:
            fraction_lost = 0.1 if number % (2 * PACKETS_PER_S) else 0.2
            controller.observe_report(ReceiverReport(fraction_lost=fraction_lost, jitter_ms=1.0), now)
        plan = controller.decide(now)
        if plan is not None:
            sender.apply(plan)
        for packet in sender.push(block):
            controller.observe_packet(packet)
            sizes.append(8 * len(packet.payload))
    return np.array(sizes[: len(sizes) // PACKETS_PER_S * PACKETS_PER_S]).reshape(-1, PACKETS_PER_S).sum(axis=1)


@pytest.mark.parametrize("total_bps", [20_000, 36_000, 64_000])
def test_packets_of_speech_take_the_budget_in_the_mean(total_bps: int, weights_v12: WeightSet) -> None:
    speaking_bps = rates_bps(make_speech(), weights_v12, total_bps=total_bps).mean()
    assert 0.9 * total_bps < speaking_bps < 1.02 * total_bps


@pytest.mark.parametrize("noise_db", [-70.0, -50.0])
def test_speech_after_faint_noise_takes_the_budget_too(noise_db: float, weights_v12: WeightSet) -> None:
    speech = make_speech()
    noise = 10 ** (noise_db / 20) * np.random.default_rng(1).standard_normal(20 * RATE_HZ)
    found_bps = rates_bps(np.concatenate([speech, noise.astype(np.float32), speech]), weights_v12)
    assert found_bps[-SPEECH_S:].mean() < 1.02 * BUDGET_BPS


def test_a_packet_tells_whether_it_may_hold_speech(weights_v12: WeightSet) -> None:
    pcm = np.concatenate([make_speech()[: 2 * RATE_HZ], np.zeros(2 * RATE_HZ, np.float32)])
    config = SenderConfig(rate_hz=RATE_HZ)
    told = [packet.is_speech for packet in Sender(config, weights_v12).push(pcm)]
    assert all(told[50:95])
    assert not any(told[-50:])
    assert all(packet.is_speech for packet in Sender(replace(config, dred=None)).push(pcm)), "nobody listens"

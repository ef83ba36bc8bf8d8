"""An hour of audio through a nasty network: the delay stays, memory stays, and everything adds up."""

import numpy as np
import pytest
from constant_parts import SILK_60, make_packet, make_stream
from held_elements import count_held
from virtual_call import Call, Line

from dred.channel import ChannelConfig, GilbertElliott
from dred.receiver import AdaptiveDelay, Scaling

PACKET_MS = 60
PACKETS = [make_packet(number, config=SILK_60, num_latents=12, lbrr=number % 5 == 0) for number in range(20)]
# Bursts, jitter, packets that overtake and packets that come twice.
NASTY = ChannelConfig(
    loss=GilbertElliott(loss=0.2, mean_burst=2), delay_ms=60, jitter_ms=80, reorder=0.05, duplicate=0.05
)


def packet_of(number: int) -> bytes | None:
    """Pause for six seconds every five minutes."""
    return PACKETS[number % len(PACKETS)] if number % 5_000 < 4_900 else None


def nasty_call(seconds: float) -> tuple[Line, Call]:
    stream = make_stream(start=None, adaptive=AdaptiveDelay(), delay_ms=80.0)
    line = Line(
        stream=stream,
        channel=NASTY,
        packet_of=packet_of,
        packet_ms=PACKET_MS,
        drift_ppm=150,
        block_ms=PACKET_MS,
        card_jitter_ms=6,
    )
    return line, line.talk(seconds)


def check(line: Line, call: Call, seconds: float) -> None:
    rate_hz = line.stream.config.rate_hz
    # Asked = played + repeated - left out - what is queued, to the sample.
    assert 0 <= call.queued <= rate_hz * (PACKET_MS + 20) // 1000
    statistics = line.stream.statistics
    assert statistics.total_samples_received == call.produced
    assert statistics.inserted_samples_for_deceleration == call.scaled[Scaling.STRETCHED]
    assert statistics.removed_samples_for_acceleration == call.scaled[Scaling.ACCELERATED]
    assert call.asked == pytest.approx(seconds * rate_hz, abs=rate_hz)
    quarters = [np.mean(quarter) for quarter in np.array_split(call.delays_ms[len(call.delays_ms) // 10 :], 4)]
    assert max(quarters) - min(quarters) < 100
    # The longest delay, a block and what is queued.
    assert max(quarters) < 400 + 60 + 60
    assert call.share_known > 0.9
    # Numbers of 4 or 8 bytes, and bytes: some hundred kilobytes, for two minutes or an hour.
    assert count_held(line.stream) < 60_000


def test_minutes_on_a_nasty_network_add_up() -> None:
    check(*nasty_call(120), 120)


@pytest.mark.slow
def test_an_hour_on_a_nasty_network_adds_up_without_drift() -> None:
    check(*nasty_call(3_600), 3_600)

"""What adaptive playing costs in delay and gains in speech, in virtual time, as a table in Markdown.

    python benchmarks/playout.py [--seconds 120] [--fixed]

Real packets of the bundled clip, repeated, with a second of redundancy, pass an emulated network. The delay is that of
what is heard, beyond what the fastest packet needs: its mean and 95th percentile, from two seconds on. Real is the
share that was heard of packets, copies, in-band FEC and redundancy. A sender describes no pauses in its redundancy:
what was guessed there is counted apart. With --fixed the delay is fixed at 80 ms.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import dred
from dred.assembly import build_parts
from dred.audio import read_audio, resample
from dred.channel import PRESETS, ChannelConfig, ChannelEmulator, GilbertElliott, Uniform
from dred.data import bundled_clip
from dred.receiver import BufferedPacket, read_redundancy
from dred.receiver.coverage import Told
from dred.weights import load

RATE_HZ = 16_000
PACKET_MS = 20
PACKET_RTP = 960
BLOCK_MS = 10
SETTLING_MS = 2_000
SEQUENCE_START = 65_000


class Outcome(NamedTuple):
    """What was heard: delay of each block, RTP ticks by source, where a guess in a pause is one, and sums."""

    delays_ms: np.ndarray
    durations_rtp: Counter[str]
    statistics: dred.ReceiverStatistics


class Sent(NamedTuple):
    """The clip's packets, and the numbers of those that redundancy leaves out."""

    payloads: list[bytes]
    pauses: set[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A row of the table."""

    name: str
    channel: ChannelConfig


NETWORKS = (
    *(
        Network(name=f"random {loss} %", channel=ChannelConfig(loss=Uniform(loss=loss / 100)))
        for loss in (0, 5, 10, 20, 30)
    ),
    *(
        Network(
            name=f"random {loss} %, jitter 40 ms",
            channel=ChannelConfig(loss=Uniform(loss=loss / 100), delay_ms=30, jitter_ms=40),
        )
        for loss in (0, 10, 20, 30)
    ),
    *(
        Network(
            name=f"bursts of {burst}, {loss} %",
            channel=ChannelConfig(loss=GilbertElliott(loss=loss / 100, mean_burst=burst)),
        )
        for loss, burst in ((5, 3), (10, 3), (20, 3), (20, 5))
    ),
    Network(
        name="10 %, jitter 60 ms, reordered, doubled",
        channel=ChannelConfig(
            loss=Uniform(loss=0.1), delay_ms=30, jitter_ms=60, reorder=0.05, reorder_delay_ms=50, duplicate=0.05
        ),
    ),
    *(Network(name=preset.name, channel=preset.config) for preset in PRESETS.values()),
)
# IPv4, UDP and RTP.
HEADER_BYTES = 40


def send_clip() -> Sent:
    clip = read_audio(bundled_clip())
    speech = resample(clip.samples, from_hz=clip.rate_hz, to_hz=RATE_HZ)
    payloads = [packet.payload for packet in dred.Sender(dred.SenderConfig(rate_hz=RATE_HZ)).push(speech)]
    return Sent(payloads, find_pauses(payloads))


def find_pauses(payloads: list[bytes]) -> set[int]:
    """Return the numbers of packets whose speech the next packet's redundancy leaves out."""
    readers = build_parts([load()]).readers
    pauses = set()
    for number, payload in enumerate(payloads):
        packet = BufferedPacket.from_payload(payload, sequence=number & 0xFFFF, timestamp=number * PACKET_RTP)
        redundancy = read_redundancy(packet, readers)
        if redundancy is not None and redundancy.tell((number - 1) * PACKET_RTP) is Told.PAUSE:
            pauses.add(number - 1)
    return pauses


def play(sent: Sent, channel: ChannelConfig, config: dred.ReceiverConfig, seconds: int, seed: int = 1) -> Outcome:
    network: ChannelEmulator[int] = ChannelEmulator(channel, np.random.default_rng(seed))
    receiver = dred.Receiver(config)
    block = config.rate_hz * BLOCK_MS // 1000
    delays_ms = []
    durations_rtp: Counter[str] = Counter()
    produced = asked = end_rtp = 0
    for now in range(0, seconds * 1000, BLOCK_MS):
        if now % PACKET_MS == 0:
            number = now // PACKET_MS
            num_bytes = HEADER_BYTES + len(sent.payloads[number % len(sent.payloads)])
            network.send(number, now, num_bytes=num_bytes)
        for arrived_ms, number in network.receive(now):
            sequence, timestamp = (SEQUENCE_START + number) % 2**16, number * PACKET_RTP
            receiver.receive(sent.payloads[number % len(sent.payloads)], sequence, timestamp, arrived_ms)
        _, events = receiver.play(block, now)
        for event in events:
            if isinstance(event, dred.Played):
                produced += event.duration_rtp * config.rate_hz // 48_000
                end_rtp = event.timestamp + event.duration_rtp
                is_pause = event.timestamp // PACKET_RTP % len(sent.payloads) in sent.pauses
                source = "guessed in a pause" if event.source == "plc" and is_pause else str(event.source)
                durations_rtp[source] += event.duration_rtp
            elif isinstance(event, dred.TimeScaled):
                produced += event.num_samples * (1 if event.scaling == "stretched" else -1)
        if produced:
            asked += block
            if now >= SETTLING_MS:
                queued_ms = (produced - asked) * 1000 / config.rate_hz
                heard_ms = end_rtp / 48 - queued_ms
                delays_ms.append(now + BLOCK_MS - channel.delay_ms - heard_ms)
    return Outcome(np.array(delays_ms), durations_rtp, receiver.statistics)


def rows(sent: Sent, config: dred.ReceiverConfig, seconds: int) -> Iterator[str]:
    heads = ("network", "delay ms", "p95 ms", "real %", "received %", "dred %", "guessed %", "in pauses %")
    heads += ("repeated %", "left out %")
    yield "| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for network in NETWORKS:
        outcome = play(sent, network.channel, config, seconds)
        durations_rtp = outcome.durations_rtp
        total = durations_rtp.total()
        heard = outcome.statistics.total_samples_received
        guessed = durations_rtp["plc"] + durations_rtp["silence"]
        shares = (
            1 - guessed / (total - durations_rtp["guessed in a pause"]),
            durations_rtp["received"] / total,
            durations_rtp["dred"] / total,
            guessed / total,
            durations_rtp["guessed in a pause"] / total,
            outcome.statistics.inserted_samples_for_deceleration / heard,
            outcome.statistics.removed_samples_for_acceleration / heard,
        )
        cells = [network.name, f"{outcome.delays_ms.mean():.0f}", f"{np.quantile(outcome.delays_ms, 0.95):.0f}"]
        yield "| " + " | ".join(cells + [f"{100 * share:.2f}" for share in shares]) + " |"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="how long each network is listened to")
    parser.add_argument("--fixed", action="store_true", help="fix the delay at 80 ms")
    arguments = parser.parse_args()
    adaptive = None if arguments.fixed else dred.AdaptiveDelay()
    for row in rows(send_clip(), dred.ReceiverConfig(rate_hz=RATE_HZ, adaptive=adaptive), arguments.seconds):
        print(row, flush=True)


if __name__ == "__main__":
    main()

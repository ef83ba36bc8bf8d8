"""Calls between Chromium and aiortc on loopback, with losses at our socket: with dred, and as aiortc is.

    python benchmarks/webrtc.py [--seconds N] [--only NAME ...] [--json OUT]

Tables:

- `hearing`: Chromium talks, we listen. Frames given to the application out of those that are due, the delay that the
  jitter buffer adds (from a packet's arrival to the frame), and who repaired what was lost.
- `talking`: we talk, Chromium listens. What its statistics say of the same losses, with and without redundancy in our
  packets.

Both ends run in real time: on a busy machine the figures are the machine's. Needs the extras `webrtc` and `dev`, and
Chromium.
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from aiortc import MediaStreamTrack, RTCPeerConnection
from webrtc_chromium import called_by, open_page, statistics
from webrtc_loopback import FRAME_SAMPLES, RATE_HZ, SpeechTrack, loopback_only, lose_received, lose_sent, speech_48k

import dred
import dred.webrtc
from dred.channel import GilbertElliott, LossModel, Uniform
from dred.webrtc import PlayoutTrack, WebRtcConfig

LOSSES: dict[str, LossModel] = {
    "none": Uniform(loss=0.0),
    "5 %": Uniform(loss=0.05),
    "10 %": Uniform(loss=0.1),
    "20 %": Uniform(loss=0.2),
    "30 %": Uniform(loss=0.3),
    "20 %, bursts of 5": GilbertElliott(loss=0.2, mean_burst=5.0),
}
_OPUS_CONFIGS = ("dred", "dred, RED first", "aiortc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an application got in a call.

    Attributes:
        share_of_frames: Frames out of those that were due.
        delay_ms: Mean time from a packet's arrival to the frame with its speech.
        repairs: Packets' worth of speech by source; empty for aiortc, which repairs nothing.
    """

    share_of_frames: float
    delay_ms: float
    repairs: dict[str, int]


async def hear(page: Any, losses: Iterator[bool], *, seconds: float, red_first: bool = False) -> Heard:
    """Listen to the page for a while."""
    async with called_by(page, track=SpeechTrack(speech_48k()), red_first=red_first) as (connection, track):
        arrivals = watch_arrivals(connection)
        lose_received(connection, lambda: next(losses))
        loop = asyncio.get_running_loop()
        delays: list[float] = []
        num_frames = 0
        await track.recv()
        begun = loop.time()
        while loop.time() - begun < seconds:
            try:
                frame = await asyncio.wait_for(track.recv(), max(0.001, begun + seconds - loop.time()))
            except TimeoutError:
                break
            num_frames += 1
            if not isinstance(track, PlayoutTrack) and frame.pts in arrivals:
                delays.append(loop.time() - arrivals[frame.pts])
        share = num_frames * FRAME_SAMPLES / (RATE_HZ * (loop.time() - begun))
        if not isinstance(track, PlayoutTrack):
            return Heard(share_of_frames=share, delay_ms=1000 * float(np.mean(delays or [np.nan])), repairs={})
        counted = track.statistics
        return Heard(
            share_of_frames=share,
            delay_ms=1000 * counted.jitter_buffer_delay / counted.jitter_buffer_emitted_count,
            repairs=count_sources(track),
        )


def watch_arrivals(connection: RTCPeerConnection) -> dict[int, float]:
    """Note when packets come, by the time in their stream as aiortc counts it."""
    receiver = connection.getReceivers()[0]
    original = receiver._handle_rtp_packet
    arrivals: dict[int, float] = {}
    origin: list[int] = []

    async def handle(packet: Any, arrival_time_ms: int) -> None:
        origin.append(packet.timestamp)
        arrivals[packet.timestamp - origin[0]] = asyncio.get_running_loop().time()
        await original(packet, arrival_time_ms)

    receiver._handle_rtp_packet = handle  # type: ignore[method-assign]
    return arrivals


def count_sources(track: PlayoutTrack) -> dict[str, int]:
    """Count packets' worth of speech by source."""
    found = Counter[str]()
    for event in track.events:
        if isinstance(event, dred.Played):
            found[event.source] += event.duration_rtp
    return {source: round(duration / FRAME_SAMPLES) for source, duration in found.items()}


async def talk(page: Any, losses: Iterator[bool], *, seconds: float) -> dict[str, Any]:
    """Talk to the page for a while; return what it says of our stream."""
    async with called_by(page, track=SpeechTrack(speech_48k())) as (connection, track):
        lose_sent(connection, lambda: next(losses))
        await asyncio.gather(_drain(track, seconds), asyncio.sleep(seconds))
        return await statistics(page, "inbound-rtp")


async def _drain(track: MediaStreamTrack, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        await track.recv()


async def run_hearing(page: Any, seconds: float) -> list[dict[str, Any]]:
    """Fill the table `hearing`."""
    rows = []
    print("| lost | receiver | frames | mean delay | received | LBRR | RED | PLC | silence |")
    print("|---" * 9 + "|")
    for name, model in LOSSES.items():
        for who in _OPUS_CONFIGS:
            losses = model.stream(np.random.default_rng(1))
            with nullcontext() if who == "aiortc" else dred.webrtc.installed():
                heard = await hear(page, losses, seconds=seconds, red_first="RED" in who)
            frames = f"{100 * heard.share_of_frames:.1f} %"
            counts = [heard.repairs.get(source, 0) for source in ("received", "lbrr", "red", "plc", "silence")]
            shown = " | ".join(map(str, counts)) if heard.repairs else " | | | | "
            print(f"| {name} | {who} | {frames} | {heard.delay_ms:.0f} ms | {shown} |", flush=True)
            rows.append(
                {
                    "lost": name,
                    "receiver": who,
                    "share_of_frames": heard.share_of_frames,
                    "delay_ms": heard.delay_ms,
                    "repairs": heard.repairs,
                }
            )
    return rows


async def run_talking(page: Any, seconds: float) -> list[dict[str, Any]]:
    """Fill the table `talking`."""
    names = ("packetsReceived", "packetsLost", "concealedSamples", "fecPacketsReceived", "totalSamplesReceived")
    rows = []
    print("\n| lost | our packets | " + " | ".join(names) + " |")
    print("|---" * (2 + len(names)) + "|")
    for name, model in LOSSES.items():
        for what in ("Opus, LBRR", "Opus, LBRR, one second of DRED"):
            # Nobody decides anything: the packets differ by their redundancy alone.
            config = WebRtcConfig(
                sender=dred.SenderConfig(bitrate_bps=32_000, in_band_fec=True, expected_loss_percent=20),
                use_dred="always" if "DRED" in what else "never",
                total_bps=None,
            )
            with dred.webrtc.installed(config):
                found = await talk(page, model.stream(np.random.default_rng(2)), seconds=seconds)
            print(f"| {name} | {what} | " + " | ".join(str(found.get(key)) for key in names) + " |", flush=True)
            rows.append({"lost": name, "packets": what} | {key: found.get(key) for key in names})
    return rows


async def run(only: list[str], seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Fill the tables that are asked for."""
    with TemporaryDirectory() as folder, loopback_only():
        microphone = Path(folder) / "microphone.wav"
        soundfile.write(microphone, speech_48k(), RATE_HZ, subtype="PCM_16")
        async with open_page(microphone) as page:
            tables = {"hearing": run_hearing, "talking": run_talking}
            return {name: await table(page, seconds) for name, table in tables.items() if name in only}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each call")
    parser.add_argument("--only", nargs="+", choices=("hearing", "talking"), default=["hearing", "talking"])
    parser.add_argument("--json", type=Path, help="write every row here")
    arguments = parser.parse_args()
    rows = asyncio.run(run(arguments.only, arguments.seconds))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

"""A relay between two sockets that carries datagrams as one of the named networks would, in real time.

    python network_relay.py PRESET SEED LISTEN_HOST LISTEN_PORT TO_HOST TO_PORT

What comes back from TO goes to whoever spoke last, over a network of the same kind. The first line that it prints says
that it listens; ended by SIGTERM, it prints JSON: what it carried towards TO, RTP and RTCP apart.
"""

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np

from dred.channel import PRESETS, ChannelEmulator
from dred.rtp import is_rtcp

# IPv4 and UDP.
_HEADER_BYTES = 28


def now_ms() -> float:
    return time.monotonic() * 1000


class Side(asyncio.DatagramProtocol):
    """A socket. What it hears crosses a network and leaves by the other side's socket, to where that one talks."""

    def __init__(self, preset: str, rng: np.random.Generator, *, talks_to: Any = None) -> None:
        self.talks_to = talks_to
        self.counts: Counter[str] = Counter()
        self._channel = ChannelEmulator[bytes](PRESETS[preset].config, rng)
        self._has_news = asyncio.Event()
        self._follows_speaker = talks_to is None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._follows_speaker:
            self.talks_to = addr
        before = self._channel.num_lost + self._channel.num_overflowed
        self._channel.send(data, now_ms(), num_bytes=len(data) + _HEADER_BYTES)
        kind = "rtcp" if is_rtcp(data) else "rtp"
        self.counts[kind] += 1
        self.counts[f"{kind}_lost"] += self._channel.num_lost + self._channel.num_overflowed - before
        self._has_news.set()

    def error_received(self, exc: Exception) -> None:
        """Go on: nobody listens at the other end yet, or any more."""

    async def carry(self, other: "Side") -> None:
        """Hand on what arrives, when it arrives."""
        while True:
            arrival_ms = self._channel.next_arrival()
            wait_s = None if arrival_ms is None else max(0.0, arrival_ms - now_ms()) / 1000
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_news.wait(), wait_s)
            self._has_news.clear()
            for _, datagram in self._channel.receive(now_ms()):
                if other.talks_to is not None:
                    other._transport.sendto(datagram, other.talks_to)


async def relay(preset: str, seed: int, listens: tuple[str, int], to: tuple[str, int]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    there_rng, back_rng = np.random.default_rng(seed).spawn(2)
    front, behind = Side(preset, there_rng), Side(preset, back_rng, talks_to=to)
    await loop.create_datagram_endpoint(lambda: front, local_addr=listens)
    await loop.create_datagram_endpoint(lambda: behind, local_addr=(to[0], 0))
    carrying = [asyncio.create_task(front.carry(behind)), asyncio.create_task(behind.carry(front))]
    print("listening", flush=True)
    await stop.wait()
    for task in carrying:
        task.cancel()
    print(json.dumps(front.counts), flush=True)


if __name__ == "__main__":
    name, seed, listen_host, listen_port, to_host, to_port = sys.argv[1:]
    asyncio.run(relay(name, int(seed), (listen_host, int(listen_port)), (to_host, int(to_port))))

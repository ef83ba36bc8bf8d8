"""Send until the source ends, the time is up or somebody stops it."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np

from dred.live.addresses import Endpoint
from dred.live.figures import SendingCounter, SendingFigures
from dred.live.protection import Protection
from dred.live.sockets import talking_to
from dred.live.sources import SpeechSource
from dred.rtp import is_rtcp
from dred.session import RtpSender

__all__ = ["send_speech"]

_SECOND_MS = 1_000


async def send_speech(
    sender: RtpSender,
    endpoint: Endpoint,
    source: SpeechSource,
    protection: Protection,
    *,
    now: Callable[[], float],
    stop: asyncio.Event,
    seconds: float | None = None,
    losses: Iterator[bool] | None = None,
    on_second: Callable[[SendingFigures], None] = lambda figures: None,
) -> SendingFigures:
    """Send speech to an address, and hear its reports.

    Args:
        sender: The session's end.
        endpoint: Where to.
        source: Where speech comes from, at its pace.
        protection: Protects what is sent and checks reports.
        now: The clock, in milliseconds.
        stop: Ends it when set.
        seconds: Ends it after so long; None for as long as it takes.
        losses: Whether each packet is thrown away instead of sent, for demonstration; reports never are.
        on_second: Called once a second.

    Returns:
        The figures of the whole time.

    Raises:
        UsageError: The address cannot be used.
    """
    num_dropped = num_refused = 0
    losses = repeat(False) if losses is None else losses

    def hand_on(datagram: bytes, address: object) -> None:
        nonlocal num_refused
        plain = protection.unprotect(datagram)
        if plain is None:
            num_refused += 1
        else:
            sender.receive(plain, now())

    begin_ms = now()
    counter = SendingCounter(begin_ms)
    next_second_ms = begin_ms + _SECOND_MS
    async with talking_to(endpoint, hand_on) as socket:

        def send(datagrams: list[bytes]) -> None:
            nonlocal num_dropped
            for datagram in datagrams:
                protected = protection.protect(datagram)
                is_lost = not is_rtcp(datagram) and next(losses)
                if protected is None or is_lost:
                    num_dropped += 1
                else:
                    socket.send(protected)

        while not stop.is_set() and (seconds is None or now() - begin_ms < 1000 * seconds):
            block = await _read_or_stop(source, stop)
            if block is None:
                break
            send(sender.push(block, now()))
            send(sender.reports(now()))
            counter.add(sender.events())
            if now() >= next_second_ms:
                next_second_ms += _SECOND_MS
                figures = counter.tell(sender.statistics, now(), num_dropped=num_dropped, num_refused=num_refused)
                on_second(figures)
        send(sender.finish(now()))
        await asyncio.sleep(0)
    return counter.tell(sender.statistics, now(), num_dropped=num_dropped, num_refused=num_refused, whole=True)


async def _read_or_stop(source: SpeechSource, stop: asyncio.Event) -> np.ndarray | None:
    """Wait for a block, but no longer than until somebody stops it."""
    reading, stopping = asyncio.ensure_future(source.read()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
        return reading.result() if reading.done() else None
    finally:
        reading.cancel()
        stopping.cancel()

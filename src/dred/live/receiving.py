"""Receive until the sender says goodbye, the time is up or somebody stops it."""

import asyncio
from collections.abc import Callable

from dred.live.addresses import Endpoint
from dred.live.figures import ReceivingCounter, ReceivingFigures
from dred.live.protection import Protection
from dred.live.sinks import SpeechSink
from dred.live.sockets import Socket, listening
from dred.session import RtpReceiver

__all__ = ["receive_speech"]

_STEP_MS = 10
_SECOND_MS = 1_000
# Behind a goodbye, what still waits is played: until nothing was known for so long, or so long at the most.
_NOTHING_LEFT_MS, _GOODBYE_MS = 60, 5_000


async def receive_speech(
    receiver: RtpReceiver,
    endpoint: Endpoint,
    sink: SpeechSink,
    protection: Protection,
    *,
    now: Callable[[], float],
    stop: asyncio.Event,
    seconds: float | None = None,
    stays: bool = False,
    on_start: Callable[[Endpoint], None] = lambda endpoint: None,
    on_second: Callable[[ReceivingFigures], None] = lambda figures: None,
) -> ReceivingFigures:
    """Play what arrives at an address, and report back to where it comes from.

    Args:
        receiver: The session's end.
        endpoint: Where to listen.
        sink: Where speech goes; from the first source on.
        protection: Checks what arrives and protects reports.
        now: The clock, in milliseconds.
        stop: Ends it when set.
        seconds: Ends it after so long; None for as long as it takes.
        stays: Whether it goes on after a goodbye, for the next sender.
        on_start: Called with the address once it listens.
        on_second: Called once a second.

    Returns:
        The figures of the whole time.

    Raises:
        UsageError: The address or the sink cannot be used.
    """
    num_unchecked = 0

    def hand_on(datagram: bytes, address: object) -> None:
        nonlocal num_unchecked
        plain = protection.unprotect(datagram)
        if plain is None:
            num_unchecked += 1
        else:
            receiver.receive(plain, now(), address)

    begin_ms = now()
    counter = ReceivingCounter(delay_ms=receiver.config.stream.delay_ms, now=begin_ms)
    next_second_ms = begin_ms + _SECOND_MS
    ended_ms: float | None = None
    async with listening(endpoint, hand_on) as socket:
        on_start(Endpoint(host=endpoint.host, port=socket.port))
        while not stop.is_set() and (seconds is None or now() - begin_ms < 1000 * seconds):
            await asyncio.sleep(_STEP_MS / 1000)
            if receiver.statistics.ssrc is not None or counter.address is not None:
                num_samples = sink.wanted_samples(now())
                samples, events = receiver.play(num_samples, now())
                sink.write(samples)
                counter.add(events)
            _send(receiver.reports(now()), socket, protection, counter.address)
            ended_ms = (ended_ms or now()) if counter.has_ended else None
            if ended_ms is not None and not stays:
                is_over = now() - ended_ms >= _GOODBYE_MS
                if is_over or counter.unknown_ms >= _NOTHING_LEFT_MS:
                    break
            if now() >= next_second_ms:
                next_second_ms += _SECOND_MS
                on_second(counter.tell(receiver.statistics, now(), num_unchecked=num_unchecked))
        _send(receiver.finish(now()), socket, protection, counter.address)
        # The goodbye leaves before the socket closes.
        await asyncio.sleep(0)
    return counter.tell(receiver.statistics, now(), num_unchecked=num_unchecked, whole=True)


def _send(datagrams: list[bytes], socket: Socket, protection: Protection, address: object) -> None:
    for datagram in datagrams:
        protected = protection.protect(datagram)
        if protected is not None and address is not None:
            socket.send(protected, address)

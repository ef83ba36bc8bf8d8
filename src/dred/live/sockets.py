"""UDP under asyncio: datagrams become calls."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from dred.errors import UsageError
from dred.live.addresses import Endpoint

__all__ = ["Socket", "listening", "talking_to"]


class Socket(asyncio.DatagramProtocol):
    """A socket whose datagrams are handed on as they come. What the network refuses is counted."""

    def __init__(self, hand_on: Callable[[bytes, object], None]) -> None:
        self._hand_on = hand_on
        self._transport: asyncio.DatagramTransport | None = None
        self.num_errors = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; called by asyncio."""
        # Python 3.11's own transports are none by their class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Hand a datagram on; called by asyncio."""
        self._hand_on(data, addr)

    def error_received(self, exc: Exception) -> None:
        """Count, say, that nobody listens at the other end; called by asyncio."""
        self.num_errors += 1

    def send(self, datagram: bytes, address: Any = None) -> None:
        """Hand a datagram to the network."""
        assert self._transport is not None
        self._transport.sendto(datagram, address)

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])


@asynccontextmanager
async def listening(endpoint: Endpoint, hand_on: Callable[[bytes, object], None]) -> AsyncIterator[Socket]:
    """Open a socket at an address.

    Raises:
        UsageError: The address cannot be used.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: Socket(hand_on), local_addr=(endpoint.host, endpoint.port)
        )
    except OSError as error:
        raise UsageError(f"cannot listen on {endpoint}: {error.strerror or error}") from error
    try:
        yield protocol
    finally:
        transport.close()


@asynccontextmanager
async def talking_to(endpoint: Endpoint, hand_on: Callable[[bytes, object], None]) -> AsyncIterator[Socket]:
    """Open a socket that sends to one address and hears no other.

    Raises:
        UsageError: The address cannot be used.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: Socket(hand_on), remote_addr=(endpoint.host, endpoint.port)
        )
    except OSError as error:
        raise UsageError(f"cannot send to {endpoint}: {error.strerror or error}") from error
    try:
        yield protocol
    finally:
        transport.close()

"""Where datagrams go, and whether they may go there unprotected."""

import ipaddress
import socket
from dataclasses import dataclass

from dred.errors import UsageError

__all__ = ["Endpoint", "parse_endpoint", "require_protection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that was looked up.

    Attributes:
        host: IPv4 or IPv6.
        port: 0-65535; 0 for any that is free.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nothing leaves this machine."""
        return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str, *, lowest_port: int = 0) -> Endpoint:
    """Read HOST:PORT or [IPV6]:PORT and look the host up.

    Args:
        text: What was given.
        lowest_port: 0 where any free port will do, else 1.

    Raises:
        UsageError: It has another form, or nobody knows the host.
    """
    host, colon, port_text = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port_text.isascii() and port_text.isdigit() and len(port_text) <= 5):
        raise UsageError(f"an address is HOST:PORT, such as 127.0.0.1:5004, got {text!r}")
    port = int(port_text)
    if not lowest_port <= port <= 65_535:
        raise UsageError(f"a port must lie in {lowest_port}-65535, got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot find {host}: {getattr(error, 'strerror', None) or error}") from error
    return Endpoint(host=str(found[0][4][0]), port=port)


def require_protection(endpoint: Endpoint, *, has_key: bool, insecure: bool) -> None:
    """Refuse to talk in the clear to another machine, unless that is wanted.

    Raises:
        UsageError: There is no key, the address is none of this machine's own, and `insecure` is not set.
    """
    if not (has_key or insecure or endpoint.is_loopback):
        raise UsageError(
            f"without a key anybody on the way to {endpoint} can listen and speak: give both ends one "
            "(--key-file), or say --insecure"
        )

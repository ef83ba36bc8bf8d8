"""Which addresses of this machine a call may use."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

import aioice.ice

__all__ = ["use_only"]


@contextmanager
def use_only(host: str) -> Iterator[None]:
    """Let calls of this process use the loopback address alone, if that is where the page is.

    aiortc offers every address of the machine and has no setting for it; it never offers the loopback one.
    """
    every = aioice.ice.get_host_addresses

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return ["127.0.0.1", *([] if _is_loopback(host) else every(use_ipv4, use_ipv6))]

    aioice.ice.get_host_addresses = addresses
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = every


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

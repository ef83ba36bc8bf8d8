"""Datagrams in the clear become datagrams that others can neither read nor forge, and back.

Source: RFC 3711 with AES_CM_128_HMAC_SHA1_80, by libsrtp.
"""

from typing import Any, Protocol, runtime_checkable

from dred.errors import UsageError
from dred.rtp import is_rtcp

__all__ = ["Protection", "Srtp", "Unprotected"]


@runtime_checkable
class Protection(Protocol):
    """What stands between a session and the network."""

    def protect(self, datagram: bytes) -> bytes | None:
        """Return what to send, or None if it cannot be sent."""
        ...

    def unprotect(self, datagram: bytes) -> bytes | None:
        """Return what was sent, or None if it is not from who has the key, or has come before."""
        ...


class Unprotected:
    """Nothing is hidden and nothing is checked."""

    def protect(self, datagram: bytes) -> bytes | None:
        """Return the datagram."""
        return datagram

    def unprotect(self, datagram: bytes) -> bytes | None:
        """Return the datagram."""
        return datagram


class Srtp:
    """SRTP and SRTCP with one key for both directions; SSRCs keep their key streams apart.

    Streams are known from their first datagram that passes the check on, so that others cost no memory.
    """

    def __init__(self, key: bytes) -> None:
        """Start without any stream.

        Args:
            key: 30 bytes.

        Raises:
            UsageError: pylibsrtp is not installed.
        """
        try:
            import pylibsrtp
        except ImportError as error:
            raise UsageError("a key needs pylibsrtp: pip install 'dred[live]'") from error
        self._error: type[Exception] = pylibsrtp.Error
        outgoing = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        incoming = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._outgoing: Any = pylibsrtp.Session(outgoing)
        self._incoming: Any = pylibsrtp.Session(incoming)

    def protect(self, datagram: bytes) -> bytes | None:
        """Encrypt and sign; None for more than pylibsrtp's buffer holds, 1356 bytes."""
        protect = self._outgoing.protect_rtcp if is_rtcp(datagram) else self._outgoing.protect
        return self._try(protect, datagram)

    def unprotect(self, datagram: bytes) -> bytes | None:
        """Check and decrypt."""
        unprotect = self._incoming.unprotect_rtcp if is_rtcp(datagram) else self._incoming.unprotect
        return self._try(unprotect, datagram)

    def _try(self, convert: Any, datagram: bytes) -> bytes | None:
        try:
            return bytes(convert(datagram))
        except (self._error, ValueError):
            return None

"""RED: copies of previous packets ahead of the current one, in one RTP payload.

```
 | 1 PT offset length | ... | 0 PT | oldest copy | ... | newest copy | primary |
   4 bytes per copy           1 byte
```

`parse_red` and `write_red` know the bytes; `RedSender` decides which copies go along.

Source: RFC 2198 section 3.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dred.errors import RtpFormatError, UsageError

__all__ = [
    "DEFAULT_OPUS_PAYLOAD_TYPE",
    "DEFAULT_RED_PAYLOAD_TYPE",
    "MAX_REDUNDANT_BYTES",
    "MAX_RED_COPIES",
    "MAX_RED_OFFSET_RTP",
    "RedBlock",
    "RedSender",
    "parse_red",
    "red_overhead_bytes",
    "write_red",
]

# Browsers offer Opus and RED under these numbers. Source: Chromium's SDP offers.
DEFAULT_OPUS_PAYLOAD_TYPE = 111
DEFAULT_RED_PAYLOAD_TYPE = 63

# 341 ms of Opus.
MAX_RED_OFFSET_RTP = (1 << 14) - 1
MAX_REDUNDANT_BYTES = (1 << 10) - 1
_MORE_FLAG = 0x80
_REDUNDANT_HEADER_BYTES = 4
_PRIMARY_HEADER_BYTES = 1
# libwebrtc's limit too.
MAX_RED_COPIES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class RedBlock:
    """One packet inside a RED payload.

    Attributes:
        payload_type: 0-127, of the codec, not of RED.
        timestamp_offset: RTP ticks by which the block is older than the RTP packet, 0-16383; 0 for the primary.
        payload: Up to 1023 bytes; the primary's length has no limit.
    """

    payload_type: int
    timestamp_offset: int = 0
    payload: bytes

    def __post_init__(self) -> None:
        _require_payload_type(self.payload_type)
        if not 0 <= self.timestamp_offset <= MAX_RED_OFFSET_RTP:
            raise UsageError(f"timestamp_offset must lie in 0-{MAX_RED_OFFSET_RTP}, got {self.timestamp_offset}")


def parse_red(payload: bytes) -> tuple[tuple[RedBlock, ...], RedBlock]:
    """Take a RED payload apart into its redundant blocks, in their order, and the primary.

    Raises:
        RtpFormatError: A header or a block does not fit into the payload.
    """
    headers: list[tuple[int, int, int]] = []
    at = 0
    while True:
        if at >= len(payload):
            raise RtpFormatError("RED headers end with that of the primary", offset=at, value=len(payload))
        if not payload[at] & _MORE_FLAG:
            break
        if at + _REDUNDANT_HEADER_BYTES > len(payload):
            raise RtpFormatError("a redundant block's header takes 4 bytes", offset=at, value=len(payload) - at)
        fields = int.from_bytes(payload[at : at + _REDUNDANT_HEADER_BYTES])
        headers.append((fields >> 24 & 0x7F, fields >> 10 & MAX_RED_OFFSET_RTP, fields & MAX_REDUNDANT_BYTES))
        at += _REDUNDANT_HEADER_BYTES
    primary_type = payload[at]
    at += _PRIMARY_HEADER_BYTES
    redundant: list[RedBlock] = []
    for payload_type, timestamp_offset, length in headers:
        if at + length > len(payload):
            raise RtpFormatError("redundant blocks lie within the payload", offset=at, value=length)
        redundant.append(
            RedBlock(payload_type=payload_type, timestamp_offset=timestamp_offset, payload=payload[at : at + length])
        )
        at += length
    return tuple(redundant), RedBlock(payload_type=primary_type, payload=payload[at:])


def write_red(redundant: Sequence[RedBlock], primary: RedBlock) -> bytes:
    """Put a RED payload together; the redundant blocks keep their order, which should be oldest first.

    Raises:
        UsageError: A redundant block exceeds 1023 bytes, or the primary has a timestamp offset.
    """
    if primary.timestamp_offset:
        raise UsageError(f"the primary's timestamp_offset must be 0, got {primary.timestamp_offset}")
    headers = bytearray()
    for block in redundant:
        if len(block.payload) > MAX_REDUNDANT_BYTES:
            raise UsageError(f"a redundant block holds up to {MAX_REDUNDANT_BYTES} bytes, got {len(block.payload)}")
        fields = (_MORE_FLAG | block.payload_type) << 24 | block.timestamp_offset << 10 | len(block.payload)
        headers += fields.to_bytes(_REDUNDANT_HEADER_BYTES)
    headers.append(primary.payload_type)
    return bytes(headers) + b"".join(block.payload for block in redundant) + primary.payload


def red_overhead_bytes(num_copies: int) -> int:
    """Return what the headers of so many copies and of the primary take."""
    return _PRIMARY_HEADER_BYTES + num_copies * _REDUNDANT_HEADER_BYTES


class RedSender:
    """Keep the latest packets and send them along with the next ones.

    The rules are libwebrtc's: copies go back from the newest, and the first that is too old or does not fit ends them;
    a packet of more than 1023 bytes travels without RED. One is ours: such a packet may still become a copy, if
    stripping makes it small enough.
    """

    def __init__(
        self,
        num_copies: int,
        *,
        red_payload_type: int = DEFAULT_RED_PAYLOAD_TYPE,
        opus_payload_type: int = DEFAULT_OPUS_PAYLOAD_TYPE,
        max_bytes: int = 1200,
        strip: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """Start without copies.

        Args:
            num_copies: 0-9 previous packets sent along with each packet.
            red_payload_type: 0-127.
            opus_payload_type: 0-127.
            max_bytes: Largest RED payload; copies that would exceed it are left out.
            strip: Makes the copy of a packet, say without the padding that holds its DRED; the default keeps all.
        """
        _require_num_copies(num_copies)
        if max_bytes < 1:
            raise UsageError(f"max_bytes must be at least 1, got {max_bytes}")
        _require_payload_type(red_payload_type)
        _require_payload_type(opus_payload_type)
        self._red_payload_type = red_payload_type
        self._opus_payload_type = opus_payload_type
        self._max_bytes = max_bytes
        self._strip = strip
        self._num_copies = num_copies
        # Newest first: the timestamp and the stripped copy. More than are sent, since their number may rise.
        self._copies: deque[tuple[int, bytes]] = deque(maxlen=MAX_RED_COPIES)

    @property
    def num_copies(self) -> int:
        """How many previous packets are sent along with the next ones, 0-9; may be set at any time."""
        return self._num_copies

    @num_copies.setter
    def num_copies(self, num_copies: int) -> None:
        _require_num_copies(num_copies)
        self._num_copies = num_copies

    def send(self, packet: bytes, timestamp: int) -> tuple[int, bytes]:
        """Build the RTP payload for an Opus packet.

        Args:
            packet: The Opus packet; an empty one is passed on and not kept.
            timestamp: Its RTP timestamp, wrapped to 32 bits or not.

        Returns:
            The payload type, RED's or Opus's, and the payload.
        """
        copies = list(self._copies)[: self._num_copies]
        self._keep(packet, timestamp)
        room_bytes = self._max_bytes - _PRIMARY_HEADER_BYTES - len(packet)
        if not 1 <= len(packet) <= MAX_REDUNDANT_BYTES or room_bytes < 0:
            return self._opus_payload_type, packet
        redundant: list[RedBlock] = []
        for copy_timestamp, copy in copies:
            offset = (timestamp - copy_timestamp) % (1 << 32)
            room_bytes -= _REDUNDANT_HEADER_BYTES + len(copy)
            if room_bytes < 0 or offset > MAX_RED_OFFSET_RTP:
                break
            redundant.append(RedBlock(payload_type=self._opus_payload_type, timestamp_offset=offset, payload=copy))
        primary = RedBlock(payload_type=self._opus_payload_type, payload=packet)
        return self._red_payload_type, write_red(redundant[::-1], primary)

    def _keep(self, packet: bytes, timestamp: int) -> None:
        copy = self._strip(packet) if packet else b""
        if 1 <= len(copy) <= MAX_REDUNDANT_BYTES:
            self._copies.appendleft((timestamp, copy))


def _require_num_copies(num_copies: int) -> None:
    if not 0 <= num_copies <= MAX_RED_COPIES:
        raise UsageError(f"num_copies must lie in 0-{MAX_RED_COPIES}, got {num_copies}")


def _require_payload_type(payload_type: int) -> None:
    if not 0 <= payload_type <= 0x7F:
        raise UsageError(f"a payload type must lie in 0-127, got {payload_type}")

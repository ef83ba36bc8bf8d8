"""Opus packets: framing codes 0 to 3 and padding.

Bytes enter and an `OpusPacket` leaves, or frames enter and bytes leave. The frames' insides stay closed, except for one
bit: whether a packet carries in-band FEC (LBRR).

    | TOC | count | padding length | frame lengths | frames ... | padding |
            `--------- code 3 only -----------'

Source: RFC 6716 sections 3.2 to 3.4; the rules R1 to R7 in errors are those of section 3.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dred.errors import OpusFormatError, UsageError
from dred.opus.toc import Toc, parse_toc
from dred.timebase import rtp_to_ms

MAX_FRAMES: Final = 48
MAX_FRAME_BYTES: Final = 1275
MAX_PACKET_DURATION_RTP: Final = 5760

_VBR_FLAG: Final = 0x80
_PADDING_FLAG: Final = 0x40
_COUNT_MASK: Final = 0x3F
# A frame length of 252 or more takes a second byte; a padding length byte of 255 stands for 254 bytes and goes on.
_TWO_BYTE_LENGTH: Final = 252
_PADDING_CONTINUES: Final = 255
_PADDING_STEP: Final = 254
_ONE_BYTE_FILL: Final = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusPacket:
    """A packet taken apart.

    Attributes:
        toc: The configuration of every frame.
        frames: The compressed frames in time order; an empty one is lost or not sent (DTX).
        padding: What lies behind the frames, without its length bytes: the home of extensions.
        is_vbr: Whether the packet codes its frames' lengths (code 2, or code 3 with the V bit).
    """

    toc: Toc
    frames: tuple[bytes, ...]
    padding: bytes = b""
    is_vbr: bool = False

    @property
    def duration_rtp(self) -> int:
        """Duration of the packet in RTP ticks, at most 5760."""
        return len(self.frames) * self.toc.frame_duration_rtp


def packet_duration_rtp(data: bytes) -> int:
    """Read a packet's duration in RTP ticks from its first two bytes; the rest is not looked at.

    Raises:
        OpusFormatError: The packet has no frame count, no frame or more than 120 ms.
    """
    toc = parse_toc(data)
    return _parse_frame_count(toc, data) * toc.frame_duration_rtp


def parse_packet(data: bytes) -> OpusPacket:
    """Parse a packet with undelimited framing.

    Raises:
        OpusFormatError: The packet breaks one of the rules R1 to R7.
    """
    toc = parse_toc(data)
    num_frames = _parse_frame_count(toc, data)
    code = data[0] & 3
    start, end = 1, len(data)
    is_vbr = code == 2
    if code == 3:
        is_vbr = bool(data[1] & _VBR_FLAG)
        start = 2
        if data[1] & _PADDING_FLAG:
            start, padding_bytes = _parse_padding_length(data, "R7" if is_vbr else "R6")
            end -= padding_bytes
    if num_frames == 1:
        lengths = [end - start]
    elif is_vbr:
        lengths, start = _parse_frame_lengths(data, start, end, num_frames, "R4" if code == 2 else "R7")
    else:
        lengths = _split_evenly(end - start, num_frames, "R3" if code == 1 else "R6")
    if lengths[-1] > MAX_FRAME_BYTES:
        raise OpusFormatError(
            f"R2: an implicit frame length is at most {MAX_FRAME_BYTES} bytes", offset=start, value=lengths[-1]
        )
    frames = []
    for length in lengths:
        frames.append(data[start : start + length])
        start += length
    return OpusPacket(toc=toc, frames=tuple(frames), padding=data[end:], is_vbr=is_vbr)


def write_packet(toc: Toc, frames: Sequence[bytes], padding: bytes = b"", *, size: int | None = None) -> bytes:
    """Write a packet in its smallest form: code 3 for three frames or more and for padding, else codes 0 to 2.

    Args:
        toc: The configuration of every frame.
        frames: 1 to 48 frames of 0 to 1275 bytes, at most 120 ms together.
        padding: The content of the padding; its length bytes are added.
        size: The exact size wanted. It is reached by fill in front of the padding: bytes 0x01, which extensions take
            for padding, or zeros if there is no padding.

    Raises:
        UsageError: The frames are out of range, or the packet is larger than `size`.
    """
    if not 1 <= len(frames) <= MAX_PACKET_DURATION_RTP // toc.frame_duration_rtp:
        raise UsageError(
            f"a packet of {rtp_to_ms(toc.frame_duration_rtp):g} ms frames holds 1 to "
            f"{MAX_PACKET_DURATION_RTP // toc.frame_duration_rtp} frames, not {len(frames)}"
        )
    if any(len(frame) > MAX_FRAME_BYTES for frame in frames):
        raise UsageError(f"a frame has at most {MAX_FRAME_BYTES} bytes, not {max(map(len, frames))}")
    smallest = _size_of(frames, len(padding)) if size is not None else 0
    if size is None or size == smallest:
        return _write_code3(toc, frames, _padding_length(len(padding)), padding) if padding else _compact(toc, frames)
    if size < smallest:
        raise UsageError(f"the packet needs at least {smallest} bytes, not {size}")
    room = size - _bare_code3_size(frames)
    if room == 0:
        return _write_code3(toc, frames, b"", b"")
    num_continued = (room - 1) // 255
    fill = room - 1 - num_continued - len(padding)
    length_bytes = bytes([_PADDING_CONTINUES] * num_continued + [room - 1 - 255 * num_continued])
    return _write_code3(toc, frames, length_bytes, (_ONE_BYTE_FILL if padding else b"\0") * fill + padding)


def size_with_padding(packet: bytes, padding_bytes: int) -> int:
    """Compute the size of a packet once its padding holds this many bytes in place of what it holds now.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
        UsageError: The number is negative.
    """
    if padding_bytes < 0:
        raise UsageError(f"the number of padding bytes is 0 or more, not {padding_bytes}")
    return _size_of(parse_packet(packet).frames, padding_bytes)


def padding_capacity(packet: bytes, size: int) -> int:
    """Compute how many bytes the padding can hold, in place of what it holds now, in a packet of `size` bytes.

    The inverse of `size_with_padding`; 0 if there is no room at all.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
    """
    room = size - _bare_code3_size(parse_packet(packet).frames)
    return max(0, room - 1 - (room - 1) // 255)


def has_lbrr(packet: bytes | OpusPacket) -> bool:
    """Tell whether the first frame carries LBRR: redundancy about the time just before this packet.

    A true answer means that at least one channel has it, not that all 20 ms parts of a 40 or 60 ms frame do.

    Source: RFC 6716 sections 4.2.3 and 4.2.4: symbols of probability 1/2 stand literally in the first byte.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
    """
    parsed = packet if isinstance(packet, OpusPacket) else parse_packet(packet)
    if parsed.toc.mode == "celt" or not parsed.frames[0]:
        return False
    flags = parsed.frames[0][0]
    num_silk_frames = max(1, parsed.toc.frame_duration_rtp // 960)
    mid = flags >> (7 - num_silk_frames) & 1
    side = flags >> (6 - 2 * num_silk_frames) & 1
    return bool(mid or (parsed.toc.stereo and side))


def _parse_frame_count(toc: Toc, data: bytes) -> int:
    code = data[0] & 3
    if code < 3:
        return 1 if code == 0 else 2
    if len(data) < 2:
        raise OpusFormatError("R6, R7: a code 3 packet has at least two bytes", offset=1, value=len(data))
    num_frames = data[1] & _COUNT_MASK
    if num_frames == 0 or num_frames * toc.frame_duration_rtp > MAX_PACKET_DURATION_RTP:
        raise OpusFormatError(
            "R5: a code 3 packet has at least one frame and at most 120 ms", offset=1, value=num_frames
        )
    return num_frames


def _parse_padding_length(data: bytes, rule: str) -> tuple[int, int]:
    """Return where the padding length bytes end, and how much padding they announce."""
    padding_bytes = 0
    for at in range(2, len(data)):
        continues = data[at] == _PADDING_CONTINUES
        padding_bytes += _PADDING_STEP if continues else data[at]
        if padding_bytes > len(data) - at - 1:
            raise OpusFormatError(f"{rule}: the padding fits into the packet", offset=at, value=padding_bytes)
        if not continues:
            return at + 1, padding_bytes
    raise OpusFormatError(f"{rule}: the padding length ends within the packet", offset=len(data), value=padding_bytes)


def _parse_frame_lengths(data: bytes, at: int, end: int, num_frames: int, rule: str) -> tuple[list[int], int]:
    """Return all frames' lengths, the last by subtraction, and where the first frame starts."""
    lengths = []
    coded = 0
    for _ in range(num_frames - 1):
        num_bytes = 1 + (at < end and data[at] >= _TWO_BYTE_LENGTH)
        if at + num_bytes > end:
            raise OpusFormatError(f"{rule}: the packet holds all frame lengths", offset=at, value=end - at)
        length = data[at] + (4 * data[at + 1] if num_bytes == 2 else 0)
        coded += length
        if coded > end - at - num_bytes:
            raise OpusFormatError(f"{rule}: a coded frame length fits into the packet", offset=at, value=length)
        lengths.append(length)
        at += num_bytes
    return [*lengths, end - at - coded], at


def _split_evenly(num_bytes: int, num_frames: int, rule: str) -> list[int]:
    length, remainder = divmod(num_bytes, num_frames)
    if remainder:
        raise OpusFormatError(f"{rule}: the frames' bytes divide by their number", offset=1, value=num_bytes)
    return [length] * num_frames


def _toc_byte(toc: Toc, code: int) -> int:
    return toc.config << 3 | toc.stereo << 2 | code


def _write_frame_length(length: int) -> bytes:
    if length < _TWO_BYTE_LENGTH:
        return bytes([length])
    first = _TWO_BYTE_LENGTH + length % 4
    return bytes([first, (length - first) // 4])


def _compact(toc: Toc, frames: Sequence[bytes]) -> bytes:
    """Write a packet without padding."""
    if len(frames) == 1:
        return bytes([_toc_byte(toc, 0)]) + frames[0]
    if len(frames) > 2:
        return _write_code3(toc, frames, b"", b"")
    if len(frames[0]) == len(frames[1]):
        return bytes([_toc_byte(toc, 1)]) + frames[0] + frames[1]
    return bytes([_toc_byte(toc, 2)]) + _write_frame_length(len(frames[0])) + frames[0] + frames[1]


def _write_code3(toc: Toc, frames: Sequence[bytes], padding_length: bytes, padding: bytes) -> bytes:
    is_vbr = _differ_in_length(frames)
    count = len(frames) | (_VBR_FLAG if is_vbr else 0) | (_PADDING_FLAG if padding_length else 0)
    lengths = [_write_frame_length(len(frame)) for frame in frames[:-1]] if is_vbr else []
    return b"".join([bytes([_toc_byte(toc, 3), count]), padding_length, *lengths, *frames, padding])


def _differ_in_length(frames: Sequence[bytes]) -> bool:
    return len(frames) > 1 and any(len(frame) != len(frames[0]) for frame in frames)


def _padding_length(num_bytes: int) -> bytes:
    num_continued = max(0, num_bytes - 1) // _PADDING_STEP
    return bytes([_PADDING_CONTINUES] * num_continued + [num_bytes - _PADDING_STEP * num_continued])


def _bare_code3_size(frames: Sequence[bytes]) -> int:
    size = 2 + sum(map(len, frames))
    if _differ_in_length(frames):
        size += sum(1 + (len(frame) >= _TWO_BYTE_LENGTH) for frame in frames[:-1])
    return size


def _size_of(frames: Sequence[bytes], padding_bytes: int) -> int:
    if padding_bytes:
        return _bare_code3_size(frames) + len(_padding_length(padding_bytes)) + padding_bytes
    # Without padding, one or two frames need no count byte.
    return _bare_code3_size(frames) - (len(frames) <= 2)

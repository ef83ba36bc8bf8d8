"""Opus extensions: the items inside a packet's padding.

A padding area enters and extensions leave, or the other way round. An item is a byte (ID << 1) | L and, depending on
both, a payload:

| ID      | L = 0                                       | L = 1                              |
|---------|---------------------------------------------|------------------------------------|
| 0       | the rest is plain padding                   | one byte of plain padding          |
| 1       | separator: the next frame                   | separator: skip as many frames as the next byte says |
| 2       | repeat; the last long payload has no length | repeat                             |
| 3-31    | short: no payload                           | short: one byte of payload         |
| 32-127  | long: the rest of the padding is payload    | long: a length, then the payload   |

A repeat applies the items since the last separator or repeat to every following frame: only their payloads follow.

Source: draft-ietf-mlcodec-opus-extension-05 (the format); libopus 1.6.1 (what the draft leaves open).
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dred.errors import ExtensionFormatError, UsageError
from dred.opus.packet import MAX_FRAMES

MIN_EXTENSION_ID: Final = 3
MAX_EXTENSION_ID: Final = 127
# Our choice, 125 items in each of 48 frames; libopus has no limit, and with repeats 1 kB can stand for 48,000 items.
MAX_EXTENSIONS: Final = 6000

FIRST_LONG_ID: Final = 32
_END: Final = 0x00
_FILL: Final = 0x01
_NEXT_FRAME: Final = 0x02
_SKIP_FRAMES: Final = 0x03
_REPEAT_TO_END: Final = 0x04
_REPEAT: Final = 0x05
_FIRST_ITEM: Final = 0x06
_LACING: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One extension of one frame.

    Attributes:
        id: 3 to 31 (short), 32 to 127 (long).
        frame: Index of the Opus frame within the packet that it belongs to.
        payload: At most one byte for a short ID.
    """

    id: int
    frame: int = 0
    payload: bytes = b""

    def __post_init__(self) -> None:
        if not MIN_EXTENSION_ID <= self.id <= MAX_EXTENSION_ID:
            raise UsageError(f"an extension's ID is {MIN_EXTENSION_ID} to {MAX_EXTENSION_ID}, not {self.id}")
        if not 0 <= self.frame < MAX_FRAMES:
            raise UsageError(f"an extension's frame is 0 to {MAX_FRAMES - 1}, not {self.frame}")
        if self.id < FIRST_LONG_ID and len(self.payload) > 1:
            raise UsageError(f"extension {self.id} holds at most one byte, not {len(self.payload)}")


def parse_extensions(padding: bytes, num_frames: int) -> list[Extension]:
    """Parse all extensions, in the order of the bytes; repeats make this differ from the order of frames.

    Raises:
        ExtensionFormatError: An item is truncated, belongs to no frame, or there are more than 6000.
        UsageError: The number of frames is not 1 to 48.
    """
    return list(iter_extensions(padding, num_frames))


def iter_extensions(padding: bytes, num_frames: int) -> Iterator[Extension]:
    """Yield extensions like `parse_extensions`, those before an offence ahead of its error.

    Raises:
        ExtensionFormatError: As in `parse_extensions`, once everything before it was yielded.
        UsageError: The number of frames is not 1 to 48.
    """
    _check_num_frames(num_frames)
    for index, (at, extension) in enumerate(_walk(padding, num_frames)):
        if index == MAX_EXTENSIONS:
            raise ExtensionFormatError(
                f"a packet has at most {MAX_EXTENSIONS} extensions", offset=at, value=MAX_EXTENSIONS + 1
            )
        yield extension


def write_extensions(extensions: Sequence[Extension], num_frames: int, *, pad_to: int | None = None) -> bytes:
    """Write a padding area that parses into these extensions, with repeats where they save bytes.

    Extensions of a frame keep their order. A long extension at the end goes without a length.

    Args:
        extensions: In any order of frames.
        num_frames: Number of frames in the packet, 1 to 48.
        pad_to: The exact size wanted; bytes 0x01 in front make up for the rest.

    Raises:
        UsageError: A frame is not in the packet, there are more than 6000 extensions, or they exceed `pad_to` bytes.
    """
    _check_num_frames(num_frames)
    if len(extensions) > MAX_EXTENSIONS:
        raise UsageError(f"a packet has at most {MAX_EXTENSIONS} extensions, not {len(extensions)}")
    frames: list[list[Extension]] = [[] for _ in range(num_frames)]
    for extension in extensions:
        if extension.frame >= num_frames:
            raise UsageError(f"extension {extension.id} is for frame {extension.frame} of {num_frames}")
        frames[extension.frame].append(extension)
    # A repeat can move the last long payload away from the end, which may cost more length bytes than it saves.
    area = min(_write_area(frames, repeat=True), _write_area(frames, repeat=False), key=len)
    if pad_to is None:
        return area
    if len(area) > pad_to:
        raise UsageError(f"the extensions need {len(area)} bytes, more than {pad_to}")
    return bytes([_FILL]) * (pad_to - len(area)) + area


def _check_num_frames(num_frames: int) -> None:
    if not 1 <= num_frames <= MAX_FRAMES:
        raise UsageError(f"a packet has 1 to {MAX_FRAMES} frames, not {num_frames}")


def _walk(padding: bytes, num_frames: int) -> Iterator[tuple[int, Extension]]:
    """Yield where each extension's payload starts, and the extension."""
    at = frame = 0
    # First bytes of the items that a repeat would repeat.
    region: list[int] = []
    while at < len(padding) and padding[at] != _END:
        item = padding[at]
        at += 1
        if item in (_NEXT_FRAME, _SKIP_FRAMES):
            increment = 1
            if item == _SKIP_FRAMES:
                if at == len(padding):
                    raise ExtensionFormatError("a separator has its increment", offset=at, value=item)
                increment = padding[at]
                at += 1
            if frame + increment >= num_frames:
                raise ExtensionFormatError(
                    f"a separator leads to one of {num_frames} frames", offset=at - 1, value=frame + increment
                )
            if increment:
                frame += increment
                region.clear()
        elif item in (_REPEAT_TO_END, _REPEAT):
            if region:
                to_end = item == _REPEAT_TO_END
                at = yield from _walk_repeat(padding, at, region, range(frame + 1, num_frames), to_end)
                region.clear()
            if item == _REPEAT_TO_END:
                frame += 1
                if frame == num_frames:
                    return
        elif item >= _FIRST_ITEM:
            start, end = _find_payload(padding, at, item)
            yield start, Extension(id=item >> 1, frame=frame, payload=padding[start:end])
            at = end
            region.append(item)


def _walk_repeat(
    padding: bytes, at: int, region: Sequence[int], frames: range, to_end: bool
) -> Generator[tuple[int, Extension], None, int]:
    """Yield the repeated extensions of the frames that follow; return where the repeat ends."""
    # A long item without a length would have left no repeat to read, so all long items of the region have one.
    longs = [index for index, item in enumerate(region) if item >> 1 >= FIRST_LONG_ID]
    last_long = longs[-1] if longs and to_end else len(region)
    num_trailing = sum(item & 1 for item in region[last_long + 1 :])
    for frame in frames:
        for index, item in enumerate(region):
            if index == last_long and frame == frames[-1]:
                start, end = _find_payload(padding, at, item & ~1, num_trailing)
            else:
                start, end = _find_payload(padding, at, item)
            yield start, Extension(id=item >> 1, frame=frame, payload=padding[start:end])
            at = end
    return at


def _find_payload(padding: bytes, at: int, item: int, num_trailing: int = 0) -> tuple[int, int]:
    """Find where an item's payload starts and ends.

    Args:
        padding: The whole area.
        at: Where the item goes on after its first byte.
        item: Its first byte.
        num_trailing: Bytes at the end that a long payload without length leaves to the short ones behind it.
    """
    has_length = bool(item & 1)
    if item >> 1 < FIRST_LONG_ID:
        start, end = at, at + has_length
    elif not has_length:
        start, end = at, len(padding) - num_trailing
    else:
        start, num_bytes = at, 0
        while True:
            if start == len(padding):
                raise ExtensionFormatError("an extension's length is whole", offset=start, value=item >> 1)
            lacing = padding[start]
            start += 1
            num_bytes += lacing
            if lacing < _LACING:
                break
        end = start + num_bytes
    if not start <= end <= len(padding):
        raise ExtensionFormatError("an extension's payload fits into the padding", offset=at, value=item >> 1)
    return start, end


def _write_area(frames: Sequence[Sequence[Extension]], *, repeat: bool) -> bytes:
    """Write extensions, listed by frame, with as many repeats as possible or with none."""
    pending = [list(extensions) for extensions in frames]
    num_left = sum(map(len, pending))
    area = bytearray()
    frame = 0
    for index in range(len(frames)):
        own = pending[index]
        if not own:
            continue
        if index > frame:
            area += bytes([_NEXT_FRAME] if index == frame + 1 else [_SKIP_FRAMES, index - frame])
            frame = index
        num_repeated = _count_repeatable(pending[index:]) if repeat else 0
        for extension in own[:num_repeated]:
            area.append(_first_byte(extension, has_length=True))
            area += _write_payload(extension, has_length=True)
        if num_repeated:
            num_left -= num_repeated * (len(frames) - index)
            longs = [at for at in range(num_repeated) if own[at].id >= FIRST_LONG_ID]
            # A repeat to the end also steps to the next frame: welcome if no long payload loses its length thereby.
            to_end = num_left == 0 or (not longs and len(own) == num_repeated)
            area.append(_REPEAT_TO_END if to_end else _REPEAT)
            for later in range(index + 1, len(frames)):
                is_last = to_end and later == len(frames) - 1
                for at, extension in enumerate(pending[later][:num_repeated]):
                    area += _write_payload(extension, has_length=not (is_last and longs and at == longs[-1]))
                del pending[later][:num_repeated]
            frame += to_end
        for extension in own[num_repeated:]:
            num_left -= 1
            area.append(_first_byte(extension, has_length=num_left > 0))
            area += _write_payload(extension, has_length=num_left > 0)
    return bytes(area)


def _count_repeatable(frames: Sequence[Sequence[Extension]]) -> int:
    """Count the leading extensions that all of these frames share in ID and, if short, in length."""
    if len(frames) < 2:
        return 0
    count = 0
    for column in zip(*frames):
        if len({_first_byte(extension, has_length=True) for extension in column}) > 1:
            break
        count += 1
    return count


def _first_byte(extension: Extension, *, has_length: bool) -> int:
    return extension.id << 1 | (has_length if extension.id >= FIRST_LONG_ID else len(extension.payload))


def _write_payload(extension: Extension, *, has_length: bool) -> bytes:
    if extension.id < FIRST_LONG_ID or not has_length:
        return extension.payload
    num_continued, last = divmod(len(extension.payload), _LACING)
    return bytes([_LACING] * num_continued + [last]) + extension.payload

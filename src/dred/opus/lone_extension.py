"""The usual packet of redundancy in one compiled call: one frame, and behind it one long extension.

    | TOC | count | padding length | frame | one byte of fill, if needed | extension |

What is not that simple is left to `parse_packet`, `write_extensions` and `write_packet`.
"""

from typing import Final, no_type_check

from dred.compilation import compiled
from dred.opus.packet import MAX_FRAME_BYTES
from dred.opus.silk_interval import largest_frame_follower

UNSAFE: Final = 0
"""A decoder that reads past the frame's end could take the extension for a part of it."""

NOT_SIMPLE: Final = -1
"""The packet has more frames than one, or padding, or no valid frame."""

MAX_OVERHEAD_BYTES: Final = 16
"""What the packet may have beyond frame and extension: below a padding of 2 kB."""

_CODE_3 = 3
_ONE_FRAME_WITH_PADDING = 0x41
_FILL = 0x01
_PADDING_CONTINUES, _PADDING_STEP = 255, 254


def lone_item(extension_id: int, prefix: bytes) -> bytes:
    """Return how a long extension begins that is alone in its padding, with the start of its payload."""
    # The rest of the padding is its payload, so that it needs no length.
    return bytes([extension_id << 1]) + prefix


@compiled(makes_arrays=False)
@no_type_check
def extend_packet(out, packet, item, payload, scratch):
    """Write a packet with an extension behind it.

    Args:
        out: Room for it, uint8.
        packet: The packet, bytes.
        item: What `lone_item` returns.
        payload: The extension's payload, without its prefix, at most 1000 bytes.
        scratch: int64 of `SCRATCH_SHAPE`.

    Returns:
        The number of bytes, UNSAFE or NOT_SIMPLE.
    """
    if not 1 <= len(packet) <= 1 + MAX_FRAME_BYTES or packet[0] & 3:
        return NOT_SIMPLE
    frame = packet[1:]
    largest = largest_frame_follower(frame, packet[0] >> 3, 1 + (packet[0] >> 2 & 1), scratch)
    num_fill = 0
    if item[0] > largest:
        if largest < _FILL:
            return UNSAFE
        num_fill = 1
    out[0] = packet[0] | _CODE_3
    out[1] = _ONE_FRAME_WITH_PADDING
    at = 2
    num_left = num_fill + len(item) + len(payload)
    while num_left > _PADDING_STEP:
        out[at] = _PADDING_CONTINUES
        num_left -= _PADDING_STEP
        at += 1
    out[at] = num_left
    at += 1
    for i in range(len(frame)):
        out[at + i] = frame[i]
    at += len(frame)
    for _ in range(num_fill):
        out[at] = _FILL
        at += 1
    for i in range(len(item)):
        out[at + i] = item[i]
    at += len(item)
    for i in range(len(payload)):
        out[at + i] = payload[i]
    return at + len(payload)

"""Redundancy that cannot be mistaken for speech, not even by decoders that read too far.

A SILK frame of libopus may lean on the zeros that a range decoder reads behind its end (RFC 6716 section 4.1.2.1): its
zero bytes at the end are stripped. FFmpeg's own decoder reads what follows in the packet instead: the padding, where
redundancy travels. About one packet in ten would sound wrong there.

A range decoder takes any value between two that decode alike, and the frame's symbols tell how far up that reaches:

- mostly far enough, and the extension is added as it is;
- else a byte 0x01 of plain padding goes first, if that is low enough;
- else, rarely, this packet goes without redundancy.

Source: facts from libopus 1.6.1 src/opus_encoder.c and FFmpeg 8.1 (measured); the guard is our own.
"""

from dred.bitstream import DredVersion
from dred.opus import Extension, largest_follower, parse_extensions, parse_packet, write_extensions, write_packet

_FILL = b"\x01"


def attach_payload(packet: bytes, version: DredVersion, payload: bytes) -> bytes:
    """Return any packet with a payload as its extension, or as it is if that is not safe.

    `dred.opus.lone_extension` does the same for simple packets within compiled code.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
        ExtensionFormatError: Its padding is broken.
    """
    parsed = parse_packet(packet)
    num_frames = len(parsed.frames)
    added = Extension(id=version.extension_id, payload=version.prefix + payload)
    padding = write_extensions([*parse_extensions(parsed.padding, num_frames), added], num_frames)
    largest = largest_follower(parsed)
    if padding[0] > largest:
        if largest < _FILL[0]:
            return packet
        padding = _FILL + padding
    return write_packet(parsed.toc, parsed.frames, padding)

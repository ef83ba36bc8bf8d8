"""What rides in a packet's padding: find, add, replace and strip extensions, and pad to a size.

A packet enters and a packet leaves; the Opus frames inside stay as they are, bit by bit, so that a decoder which knows
no extensions plays the same.

Source: draft-ietf-mlcodec-opus-extension-05 (where extensions live), RFC 6716 section 3.2.5 (padding).
"""

from dred.errors import UsageError
from dred.opus.extension import FIRST_LONG_ID, Extension, iter_extensions, parse_extensions, write_extensions
from dred.opus.packet import OpusPacket, parse_packet, write_packet


def find_extension(packet: bytes | OpusPacket, extension_id: int, prefix: bytes = b"") -> Extension | None:
    """Find the first extension with this ID whose payload starts with a prefix and goes on behind it.

    Others with the same ID are passed over, so that experiments with other prefixes may share it.

    Source: libopus 1.6.1, the search for DRED: the first match counts even if the padding is broken behind it.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
        ExtensionFormatError: The padding is broken before a match.
    """
    parsed = packet if isinstance(packet, OpusPacket) else parse_packet(packet)
    padding = parsed.padding
    # Mostly the padding is this extension and nothing else: a long one without a length takes all of it.
    takes_all = extension_id >= FIRST_LONG_ID and len(padding) > 0 and padding[0] == extension_id << 1
    if takes_all and len(padding) > 1 + len(prefix) and padding.startswith(prefix, 1):
        return Extension(id=extension_id, payload=padding[1:])
    for extension in iter_extensions(padding, len(parsed.frames)):
        payload = extension.payload
        if extension.id == extension_id and len(payload) > len(prefix) and payload.startswith(prefix):
            return extension
    return None


def add_extension(packet: bytes, extension_id: int, payload: bytes, *, frame: int = 0) -> bytes:
    """Add an extension behind the others of its frame. Plain padding goes; `pad_to_size` brings it back.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
        ExtensionFormatError: Its padding is broken.
        UsageError: The ID is not 3 to 127, its payload too long for a short ID, or the frame not in the packet.
    """
    added = Extension(id=extension_id, frame=frame, payload=payload)
    parsed = parse_packet(packet)
    return _rewrite(parsed, [*parse_extensions(parsed.padding, len(parsed.frames)), added])


def replace_extension(packet: bytes, extension_id: int, payload: bytes, *, frame: int = 0) -> bytes:
    """Add an extension in place of all those of its ID and frame, if there are any.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
        ExtensionFormatError: Its padding is broken.
        UsageError: As in `add_extension`.
    """
    added = Extension(id=extension_id, frame=frame, payload=payload)
    parsed = parse_packet(packet)
    kept = [
        extension
        for extension in parse_extensions(parsed.padding, len(parsed.frames))
        if (extension.id, extension.frame) != (extension_id, frame)
    ]
    return _rewrite(parsed, [*kept, added])


def strip_extensions(packet: bytes) -> bytes:
    """Drop all padding, whatever it holds, and write the frames in their smallest form.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
    """
    parsed = parse_packet(packet)
    return write_packet(parsed.toc, parsed.frames)


def pad_to_size(packet: bytes, size: int) -> bytes:
    """Pad a packet to an exact size, as constant bitrate wants it, and keep what its padding holds.

    Raises:
        OpusFormatError: The packet breaks a rule of its format.
        UsageError: The packet is larger than that.
    """
    if size == len(packet):
        return packet
    if size < len(packet):
        raise UsageError(f"the packet has {len(packet)} bytes and cannot be padded to {size}")
    parsed = parse_packet(packet)
    return write_packet(parsed.toc, parsed.frames, parsed.padding, size=size)


def _rewrite(packet: OpusPacket, extensions: list[Extension]) -> bytes:
    return write_packet(packet.toc, packet.frames, write_extensions(extensions, len(packet.frames)))

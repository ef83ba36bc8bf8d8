"""Elements of RTP header extensions, found by their identifier; the audio level among them.

| form     | profile       | element                                   |
|----------|---------------|-------------------------------------------|
| one-byte | 0xBEDE        | 4 bits of identifier, 4 of length - 1     |
| two-byte | 0x1000-0x100F | a byte of identifier, a byte of length    |

Which identifier means what is agreed on by SDP (`a=extmap`). Nothing here raises: an extension that makes no sense is
as good as none.

Source: RFC 8285 sections 4.2 and 4.3, RFC 6464 (audio level).
"""

from dataclasses import dataclass

from dred.rtp.packet import HeaderExtension

__all__ = ["AUDIO_LEVEL_URI", "AudioLevel", "find_element", "parse_audio_level"]

AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000
_APPLICATION_BITS = 0x000F
_PADDING_ID, _STOP_ID = 0, 15
_VOICE_FLAG = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioLevel:
    """How loud a packet is.

    Attributes:
        level_dbov: 0 (the loudest that is possible) down to -127 (silence).
        is_voice: Whether the sender takes it for speech.
    """

    level_dbov: int
    is_voice: bool


def find_element(extension: HeaderExtension | None, element_id: int) -> bytes | None:
    """Return the first element with an identifier, or None if there is none that can be read."""
    if extension is None:
        return None
    is_one_byte = extension.profile == _ONE_BYTE_PROFILE
    if not is_one_byte and extension.profile & ~_APPLICATION_BITS != _TWO_BYTE_PROFILE:
        return None
    data, at = extension.data, 0
    while at < len(data):
        if data[at] == _PADDING_ID:
            at += 1
            continue
        if is_one_byte:
            found_id, num_bytes, start = data[at] >> 4, (data[at] & 0x0F) + 1, at + 1
            if found_id == _STOP_ID:
                return None
        else:
            if at + 2 > len(data):
                return None
            found_id, num_bytes, start = data[at], data[at + 1], at + 2
        at = start + num_bytes
        if found_id == element_id:
            return data[start:at] if at <= len(data) else None
    return None


def parse_audio_level(extension: HeaderExtension | None, element_id: int) -> AudioLevel | None:
    """Return the audio level that an extension tells, or None if it tells none."""
    element = find_element(extension, element_id)
    if not element:
        return None
    return AudioLevel(level_dbov=-(element[0] & 0x7F), is_voice=bool(element[0] & _VOICE_FLAG))

"""Redundancy that cannot be mistaken for speech, not even by decoders that read too far.

A SILK frame of libopus may lean on the zeros that a range decoder reads behind its end (RFC 6716 section 4.1.2.1): zero
bytes are stripped, and the last bit of the coder's final state may be missing. FFmpeg's own decoder reads what follows
in the packet instead: the padding, where redundancy travels. About one packet in ten would sound wrong there.

A range decoder takes any value between two that decode alike. So it is enough to know whether the frame decodes as
before with one byte behind it that is larger than the one which will follow:

- mostly it does, and the extension is added as it is;
- else a byte 0x01 of plain padding goes first, and that is tried;
- else, rarely, this packet goes without redundancy.

Source: facts from libopus 1.6.1 src/opus_encoder.c and FFmpeg 8.1 (measured); the guard is our own.
"""

from dred.bitstream import DredVersion
from dred.opus import OpusDecoder, OpusPacket, add_extension, pad_to_size, parse_packet, write_packet
from dred.timebase import SAMPLE_RATE_HZ

_FILL = 0x01
# Shorter frames are not speech but DTX.
_MIN_SPEECH_BYTES = 2


class TailGuard:
    """Adds redundancy to one stream's packets. It must see every packet, in order."""

    def __init__(self) -> None:
        self._decoder = OpusDecoder(SAMPLE_RATE_HZ, 1)
        self._before = OpusDecoder(SAMPLE_RATE_HZ, 1)
        self._trial = OpusDecoder(SAMPLE_RATE_HZ, 1)

    def attach(self, packet: bytes, version: DredVersion, payload: bytes | None) -> bytes:
        """Return the packet with a payload as its extension, or as it is if that is not safe or there is none.

        Raises:
            OpusFormatError: The packet cannot be decoded.
        """
        self._before.take_over(self._decoder)
        self._decoder.decode(packet)
        if payload is None:
            return packet
        protected = add_extension(packet, version.extension_id, version.prefix + payload)
        parsed = parse_packet(packet)
        if parsed.toc.mode != "silk" or len(parsed.frames[-1]) < _MIN_SPEECH_BYTES:
            return protected
        if self._stands(parsed, parse_packet(protected).padding[0]):
            return protected
        if self._stands(parsed, _FILL):
            return pad_to_size(protected, len(protected) + 1)
        return packet

    def _stands(self, parsed: OpusPacket, next_byte: int) -> bool:
        """Tell whether the packet decodes alike whatever follows, if that starts with next_byte."""
        beyond = bytes([min(next_byte + 1, 0xFF)])
        self._trial.take_over(self._before)
        self._trial.decode(write_packet(parsed.toc, [*parsed.frames[:-1], parsed.frames[-1] + beyond]))
        return self._trial.stands_like(self._decoder)

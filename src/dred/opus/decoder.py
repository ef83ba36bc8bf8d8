"""Opus packets to PCM, by libopus: regular decoding, LBRR and concealment."""

import ctypes
from typing import Final

import numpy as np
from jaxtyping import Float32

from dred.errors import LibopusError, UsageError
from dred.opus.codec_state import CodecState
from dred.opus.libopus import Libopus, check_packet_size, load_libopus
from dred.opus.native import Request
from dred.opus.packet import MAX_PACKET_DURATION_RTP
from dred.timebase import OPUS_RATES_HZ, rtp_to_samples

# The shortest frame, of which every gap is a multiple.
_STEP_RTP: Final = 120


class OpusDecoder(CodecState):
    """An Opus decoder with its memory of the signal. One thread at a time; no copies.

    It plays mono packets in stereo and stereo packets in mono.

    Args:
        rate_hz: Sample rate of the PCM: 8, 12, 16, 24 or 48 kHz.
        channels: Channels of the PCM, 1 or 2.
        library: The libopus to use; None for the default one.
        complexity: 0 (classic) to 10; neural concealment from 5 on, where the library has it.

    Raises:
        UsageError: A number is out of its range.
        LibopusError: There is no libopus, or it knows no decoder complexity and 0 was not asked for.
    """

    def __init__(self, rate_hz: int, channels: int, library: Libopus | None = None, complexity: int = 0) -> None:
        if rate_hz not in OPUS_RATES_HZ:
            raise UsageError(f"the sample rate in Hz is one of {', '.join(map(str, OPUS_RATES_HZ))}, not {rate_hz}")
        if channels not in (1, 2):
            raise UsageError(f"the number of channels is 1 or 2, not {channels}")
        if not 0 <= complexity <= 10:
            raise UsageError(f"the complexity is 0 to 10, not {complexity}")
        super().__init__(library or load_libopus(), "decoder", rate_hz, channels)
        self.rate_hz = rate_hz
        self.channels = channels
        # Everything is decoded to one place, whose address is asked for once.
        self._room = np.empty((rtp_to_samples(MAX_PACKET_DURATION_RTP, rate_hz), channels), np.float32)
        self._room_address = self._room.ctypes.data
        self._decode_float = self._library.functions.opus_decode_float
        capabilities = self._library.capabilities
        if capabilities.decoder_complexity:
            self._set(Request.SET_COMPLEXITY, complexity)
        elif complexity:
            raise LibopusError(f"{capabilities.version} knows no decoder complexity, so it must be 0, not {complexity}")

    @property
    def last_packet_duration(self) -> int:
        """Number of samples of the last packet or gap, per channel."""
        return self._get(Request.GET_LAST_PACKET_DURATION)

    def decode(self, packet: bytes) -> Float32[np.ndarray, "samples channels"]:
        """Decode a packet.

        Raises:
            OpusFormatError: The packet is empty, has more than 65,535 bytes or breaks a rule of its format. The
                decoder can go on with the next packet.
        """
        return self._decode(packet, len(self._room))

    def decode_fec(self, packet: bytes, num_samples: int) -> Float32[np.ndarray, "samples channels"]:
        """Decode the LBRR that a packet carries about the gap right before it; conceal where it has none.

        Args:
            packet: The packet after the gap; `decode` it next.
            num_samples: Length of the gap per channel: a multiple of 2.5 ms up to 120 ms. LBRR covers the end of it.

        Raises:
            OpusFormatError: As in `decode`.
            UsageError: The number of samples is out of range.
        """
        self._check_gap(num_samples)
        return self._decode(packet, num_samples, fec=True)

    def conceal(self, num_samples: int) -> Float32[np.ndarray, "samples channels"]:
        """Conceal a gap: a multiple of 2.5 ms up to 120 ms, in samples per channel.

        Raises:
            UsageError: The number of samples is out of range.
        """
        self._check_gap(num_samples)
        decoded = self._decode_float(self._pointer, None, 0, self._room_address, num_samples, False)
        if decoded < 0:
            self._library.check(decoded, f"conceal {num_samples} samples")
        return self._room[:decoded].copy()

    def take_over(self, other: "OpusDecoder") -> None:
        """Continue from where another decoder stands: its memory of the signal and its settings.

        Source: opus.h of libopus 1.6.1 (a decoder's state is one piece of memory that may be copied).

        Raises:
            UsageError: The other one has another library, rate or number of channels.
        """
        ctypes.memmove(self._pointer, other._pointer, self._check_alike(other))

    def stands_like(self, other: "OpusDecoder") -> bool:
        """Tell whether both will decode whatever comes alike: their memory is the same, byte for byte.

        Raises:
            UsageError: The other one has another library, rate or number of channels.
        """
        num_bytes = self._check_alike(other)
        return ctypes.string_at(self._pointer, num_bytes) == ctypes.string_at(other._pointer, num_bytes)

    def ignore_extensions(self, ignore: bool) -> None:
        """Skip the extensions of packets, or take notice of those that this libopus knows.

        Raises:
            LibopusError: This libopus has no such setting.
        """
        self._set(Request.SET_IGNORE_EXTENSIONS, ignore)

    def _decode(self, packet: bytes, num_samples: int, *, fec: bool = False) -> Float32[np.ndarray, "samples channels"]:
        check_packet_size(packet)
        decoded = self._decode_float(self._pointer, packet, len(packet), self._room_address, num_samples, fec)
        if decoded < 0:
            self._library.check_packet(decoded, packet, "decode")
        return self._room[:decoded].copy()

    def _check_alike(self, other: "OpusDecoder") -> int:
        """Return the size of both decoders' memory in bytes."""
        if (other.library, other.rate_hz, other.channels) != (self.library, self.rate_hz, self.channels):
            raise UsageError("the two decoders must have the same library, rate and channels")
        return int(self._library.functions.opus_decoder_get_size(self.channels))

    def _check_gap(self, num_samples: int) -> None:
        step, longest = (rtp_to_samples(rtp, self.rate_hz) for rtp in (_STEP_RTP, MAX_PACKET_DURATION_RTP))
        if num_samples % step or not step <= num_samples <= longest:
            raise UsageError(f"a gap is a multiple of {step} samples up to {longest}, not {num_samples}")

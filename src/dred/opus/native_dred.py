"""The DRED decoder of a libopus that has one compiled in, to compare with: parse, process, play.

    packet -> parse -> what it covers; process -> features; decode -> samples of a gap, by an `OpusDecoder`

Source: libopus 1.6.1 include/opus.h.
"""

import ctypes
import weakref

import numpy as np
from jaxtyping import Float32

from dred.errors import LibopusError, UsageError
from dred.opus.decoder import OpusDecoder
from dred.opus.libopus import Libopus, check_packet_size

__all__ = ["NativeDred"]


class NativeDred:
    """libopus's DRED decoder and its memory for one packet's redundancy. One thread at a time; no copies.

    Raises:
        UsageError: This libopus is built without DRED.
        LibopusError: It cannot make a decoder.
    """

    def __init__(self, library: Libopus) -> None:
        if not library.capabilities.native_dred:
            raise UsageError(f"{library.capabilities.path} ({library.capabilities.version}) is built without DRED")
        self.library = library
        self._functions = _declare(library)
        self._decoder = self._make("decoder_create", "decoder_destroy")
        self._parsed = self._make("alloc", "free")
        self._processed = self._make("alloc", "free")

    def parse(self, packet: bytes, *, max_samples: int, rate_hz: int) -> int:
        """Parse a packet's redundancy as far back as so many samples; return how far before the packet it reaches.

        Raises:
            OpusFormatError: The packet is invalid.
        """
        check_packet_size(packet)
        end = ctypes.c_int()
        samples = self._functions.opus_dred_parse(
            self._decoder, self._parsed, packet, len(packet), max_samples, rate_hz, ctypes.byref(end), True
        )
        return self.library.check_packet(samples, packet, "parse the redundancy of")

    def process(self) -> None:
        """Decode to features what was parsed last; again, if it was decoded before."""
        code = self._functions.opus_dred_process(self._decoder, self._parsed, self._processed)
        self.library.check(code, "decode the packet's redundancy")

    def decode(
        self, decoder: OpusDecoder, samples_before: int, num_samples: int
    ) -> Float32[np.ndarray, "samples channels"]:
        """Let a decoder of the same library speak a stretch that starts so far before the packet processed last."""
        pcm = np.empty((num_samples, decoder.channels), np.float32)
        decoded = self._functions.opus_decoder_dred_decode_float(
            decoder._pointer, self._processed, samples_before, pcm.ctypes.data, num_samples
        )
        return pcm[: self.library.check(decoded, "decode redundancy")]

    def _make(self, create: str, destroy: str) -> int:
        error = ctypes.c_int()
        pointer = getattr(self._functions, f"opus_dred_{create}")(ctypes.byref(error))
        self.library.check(error.value, "make a DRED decoder")
        weakref.finalize(self, getattr(self._functions, f"opus_dred_{destroy}"), pointer)
        return int(pointer)


def _declare(library: Libopus) -> ctypes.CDLL:
    integer, pointer, data = ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p
    error = ctypes.POINTER(ctypes.c_int)
    signatures: dict[str, tuple[object, list[object]]] = {
        "opus_dred_decoder_create": (pointer, [error]),
        "opus_dred_decoder_destroy": (None, [pointer]),
        "opus_dred_alloc": (pointer, [error]),
        "opus_dred_free": (None, [pointer]),
        "opus_dred_parse": (integer, [pointer, pointer, data, integer, integer, integer, error, integer]),
        "opus_dred_process": (integer, [pointer, pointer, pointer]),
        "opus_decoder_dred_decode_float": (integer, [pointer, pointer, integer, pointer, integer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library.functions, name, None)
        if function is None:
            raise LibopusError(f"{library.capabilities.path} lacks {name}")
        function.restype = result
        function.argtypes = arguments
    return library.functions

"""libopus's own DRED, to judge ours by: parse, decode and play with a libopus that has it compiled in.

    packet -> NativeDred.parse -> coverage, features
    packets, None where lost -> play_natively -> samples, filled as opus_demo fills them

Source: libopus 1.6.1 include/opus.h (functions), src/opus_demo.c (what is played where), dnn/dred_decoder.h (layout of
the structure that the public header keeps closed; it is checked against the size that the library tells).
"""

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dred.bitstream import DRED_V10, DRED_V12, DredVersion
from dred.opus import Libopus, OpusDecoder, has_lbrr, load_libopus, packet_duration_rtp
from dred.timebase import rtp_to_samples

NUM_FEATURES = 20
MAX_LATENTS = 26
FRAMES_PER_LATENT = 4
# From this complexity on libopus's decoder has its networks on.
NEURAL_COMPLEXITY = 5
RATE_HZ = 16_000
# Source: libopus 1.6.1 include/opus_defines.h.
SET_DNN_BLOB = 4052
# What the structure says of its redundancy once there is some and it is decoded.
PROCESSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRedundancy:
    """What libopus finds in a packet.

    Attributes:
        history_samples: How far before the packet the covered audio starts, 16 kHz.
        end_samples: How far before the packet it ends.
        offset_ticks: The offset as sent, in 2.5 ms.
        state: Dequantised initial state.
        latents: Dequantised latents, newest first, without the level that version 12 appends.
        features: Decoded features per 10 ms, newest first.
    """

    history_samples: int
    end_samples: int
    offset_ticks: int
    state: np.ndarray
    latents: np.ndarray
    features: np.ndarray


class NativeDred:
    """The DRED decoder of one libopus, and memory for one packet's redundancy.

    A libopus that is built without weights takes them from a blob.
    """

    def __init__(self, path: Path, blob: bytes | None = None) -> None:
        self.blob = blob
        self.library: Libopus = load_libopus(path)
        self.version: DredVersion = DRED_V10 if " 1.5" in self.library.capabilities.version else DRED_V12
        self._functions = _declare(self.library.functions)
        error = ctypes.c_int()
        self._decoder = self._functions.opus_dred_decoder_create(ctypes.byref(error))
        assert error.value == 0, "this libopus has no DRED"
        self.pointer = self._functions.opus_dred_alloc(ctypes.byref(error))
        assert error.value == 0
        weakref.finalize(self, self._functions.opus_dred_decoder_destroy, self._decoder)
        weakref.finalize(self, self._functions.opus_dred_free, self.pointer)
        # The level is an element of each latent since version 12.
        self._latent_width = self.version.latent_dim + (self.version is DRED_V12)
        self._num_floats = (
            MAX_LATENTS * FRAMES_PER_LATENT * NUM_FEATURES + self.version.state_dim + MAX_LATENTS * self._latent_width
        )
        if blob is not None:
            code = self._functions.opus_dred_decoder_ctl(self._decoder, SET_DNN_BLOB, blob, ctypes.c_int32(len(blob)))
            self.library.check(code, "load the RDO-VAE decoder from a blob")
        assert self._functions.opus_dred_get_size() == 4 * self._num_floats + 12, "the structure has another layout"

    def parse(self, packet: bytes) -> NativeRedundancy | None:
        """Parse and decode all redundancy of a packet; None if libopus finds none."""
        end = ctypes.c_int()
        history = self._parse(packet, RATE_HZ, end)
        num_latents, stage, offset_ticks = (ctypes.c_int * 3).from_address(self.pointer + 4 * self._num_floats)
        if stage != PROCESSED:
            return None
        floats = np.ctypeslib.as_array((ctypes.c_float * self._num_floats).from_address(self.pointer)).copy()
        num_feature_floats = MAX_LATENTS * FRAMES_PER_LATENT * NUM_FEATURES
        features = floats[:num_feature_floats].reshape(-1, NUM_FEATURES)
        latents_start = num_feature_floats + self.version.state_dim
        latents = floats[latents_start:].reshape(MAX_LATENTS, self._latent_width)
        return NativeRedundancy(
            history_samples=history,
            end_samples=end.value,
            offset_ticks=offset_ticks,
            state=floats[num_feature_floats:latents_start],
            latents=latents[:num_latents, : self.version.latent_dim],
            features=features[: FRAMES_PER_LATENT * num_latents],
        )

    def prepare(self, packet: bytes, max_samples: int) -> bool:
        """Parse and decode what a gap before a packet needs, for `NativeDecoder.decode_dred`; False without any."""
        return self._parse(packet, max_samples, ctypes.c_int()) > 0

    def _parse(self, packet: bytes, max_samples: int, end: ctypes.c_int) -> int:
        code = self._functions.opus_dred_parse(
            self._decoder, self.pointer, packet, len(packet), max_samples, RATE_HZ, ctypes.byref(end), 0
        )
        return self.library.check(code, "parse the packet's redundancy")


class NativeDecoder(OpusDecoder):
    """A decoder that fills gaps from redundancy by libopus's own means; 16 kHz mono."""

    def __init__(self, dred: NativeDred) -> None:
        super().__init__(RATE_HZ, 1, dred.library, NEURAL_COMPLEXITY)
        self._dred = dred
        if dred.blob is not None:
            self.load_weights(dred.blob)

    def load_weights(self, blob: bytes) -> None:
        """Take vocoder, predictor and pitch network from a blob, which has to live as long."""
        code = self.library.functions.opus_decoder_ctl(
            self._pointer, SET_DNN_BLOB, ctypes.c_char_p(blob), ctypes.c_int32(len(blob))
        )
        self.library.check(-abs(code), "load weights from a blob")

    def decode_dred(self, samples_before: int, num_samples: int) -> np.ndarray:
        """Decode audio from so far before the packet that was prepared last."""
        pcm = np.empty((num_samples, 1), np.float32)
        decoded = self.library.functions.opus_decoder_dred_decode_float(
            self._pointer, self._dred.pointer, samples_before, pcm.ctypes.data, num_samples
        )
        return pcm[: self.library.check(decoded, "decode redundancy")]


def play_natively(packets: Sequence[bytes | None], dred: NativeDred, *, use_dred: bool = True) -> np.ndarray:
    """Play consecutive packets of one length, None where lost, at 16 kHz mono, with opus_demo's policy.

    A gap waits for the packet behind it: LBRR for the last lost packet if it is there, redundancy for the others if the
    packet has any, else libopus's concealment.
    """
    decoder = NativeDecoder(dred)
    frame_samples = next(rtp_to_samples(packet_duration_rtp(packet)) for packet in packets if packet)
    played: list[np.ndarray] = []
    num_lost = 0
    for packet in packets:
        if packet is None:
            num_lost += 1
            continue
        wanted = min(RATE_HZ, num_lost * frame_samples)
        is_covered = use_dred and num_lost > 0 and dred.prepare(packet, wanted)
        for before in range(num_lost, 0, -1):
            if before == 1 and has_lbrr(packet):
                played.append(decoder.decode_fec(packet, frame_samples))
            elif is_covered:
                played.append(decoder.decode_dred(before * frame_samples, frame_samples))
            else:
                played.append(decoder.conceal(frame_samples))
        num_lost = 0
        played.append(decoder.decode(packet))
    played.extend(decoder.conceal(frame_samples) for _ in range(num_lost))
    return np.concatenate(played)[:, 0]


def _declare(functions: ctypes.CDLL) -> ctypes.CDLL:
    integer, pointer = ctypes.c_int32, ctypes.c_void_p
    reported = ctypes.POINTER(ctypes.c_int)
    for name, result, arguments in (
        ("opus_dred_decoder_create", pointer, [reported]),
        ("opus_dred_decoder_destroy", None, [pointer]),
        ("opus_dred_decoder_ctl", integer, [pointer, integer]),
        ("opus_dred_get_size", integer, []),
        ("opus_dred_alloc", pointer, [reported]),
        ("opus_dred_free", None, [pointer]),
        (
            "opus_dred_parse",
            integer,
            [pointer, pointer, ctypes.c_char_p, integer, integer, integer, reported, integer],
        ),
        ("opus_decoder_dred_decode_float", integer, [pointer, pointer, integer, pointer, integer]),
    ):
        function = getattr(functions, name)
        function.restype = result
        function.argtypes = arguments
    return functions

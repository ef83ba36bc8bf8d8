"""A libopus beside us: hostile payloads mean the same to both."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dred.bitstream import DRED_V12, PayloadTables, parse_payload
from dred.timebase import SAMPLE_RATE_HZ, TICK_SAMPLES

pytestmark = [pytest.mark.oracle, pytest.mark.reference]

Payload = Callable[[np.random.Generator, int], np.ndarray]
KINDS: dict[str, Payload] = {
    "noise": lambda rng, size: rng.integers(0, 256, size),
    "mostly ones": lambda rng, size: np.where(rng.random(size) < 0.02, rng.integers(0, 256, size), 255),
    "mostly zeros": lambda rng, size: np.where(rng.random(size) < 0.05, rng.integers(0, 256, size), 0),
    "noise before ones": lambda rng, size: np.where(np.arange(size) < 5, rng.integers(0, 256, size), 255),
}


class ParsedByLibopus(ctypes.Structure):
    """The struct OpusDRED of libopus 1.6.1, dnn/dred_decoder.h."""

    _fields_ = (
        ("features", ctypes.c_float * 2080),
        ("state", ctypes.c_float * 50),
        ("latents", ctypes.c_float * 676),
        ("num_latents", ctypes.c_int),
        ("process_stage", ctypes.c_int),
        ("offset_ticks", ctypes.c_int),
    )


def packet_with(payload: bytes) -> bytes:
    """A 20 ms SILK packet of code 3 with one byte of audio and the payload as its only extension."""
    padding = b"\xfc" + DRED_V12.prefix + payload
    length = b"\xff" * (len(padding) // 254) + bytes([len(padding) % 254])
    return b"\x4b\x41" + length + b"\x00" + padding


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_payloads_parse_as_in_libopus(oracle_path: Path, tables_v12: PayloadTables, kind: str) -> None:
    libopus = ctypes.CDLL(str(oracle_path))
    libopus.opus_dred_decoder_create.restype = ctypes.c_void_p
    decoder = ctypes.c_void_p(libopus.opus_dred_decoder_create(ctypes.byref(ctypes.c_int())))
    theirs, end = ParsedByLibopus(), ctypes.c_int()
    rng = np.random.default_rng(4)
    for _ in range(2000):
        payload = KINDS[kind](rng, int(rng.integers(1, 1001))).astype(np.uint8).tobytes()
        packet = packet_with(payload)
        available = libopus.opus_dred_parse(
            decoder, ctypes.byref(theirs), packet, len(packet), SAMPLE_RATE_HZ * 2, SAMPLE_RATE_HZ, ctypes.byref(end), 1
        )
        ours = parse_payload(payload, tables_v12)
        assert ours.offset_ticks == theirs.offset_ticks
        assert ours.num_latents == theirs.num_latents
        assert ours.history_ticks * TICK_SAMPLES == available
        assert ours.end_ticks * TICK_SAMPLES == end.value
        assert np.array_equal(ours.state, np.array(theirs.state))
        latents = np.array(theirs.latents).reshape(26, 26)[: ours.num_latents]
        assert np.array_equal(ours.latents, latents[:, :25])
        assert np.array_equal(ours.levels / 8 - 1, latents[:, 25])
    libopus.opus_dred_decoder_destroy(decoder)

"""Speech inside a page: samples enter, `data:` addresses that a browser plays leave.

FLAC, which changes nothing, as long as all players together stay small; Ogg Opus at 64 kb/s per channel beyond that.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.audio import float_to_int16, resample
from dred.timebase import OPUS_RATES_HZ

__all__ = ["EmbeddedAudio", "data_address", "embed_audio"]

MAX_LOSSLESS_BYTES = 4_000_000
_MAX_RATE_HZ = 24_000
_OPUS_BPS = 64_000
# The scale of libsndfile, from 0 (256 kb/s per channel) to 1 (6 kb/s).
_OPUS_COMPRESSION = (256_000 - _OPUS_BPS) / (256_000 - 6_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedAudio:
    """What the players of a page play.

    Attributes:
        addresses: One per signal.
        form: What the listener should know about the coding, as a phrase.
    """

    addresses: tuple[str, ...]
    form: str


def embed_audio(
    signals: Sequence[Float32[np.ndarray, "samples channels"]],
    rate_hz: int,
    *,
    max_lossless_bytes: int = MAX_LOSSLESS_BYTES,
) -> EmbeddedAudio:
    """Code signals for a page, all in the same form; rates above 24 kHz become 24 kHz."""
    page_hz = min((rate for rate in OPUS_RATES_HZ if rate >= rate_hz), default=_MAX_RATE_HZ)
    page_hz = min(page_hz, _MAX_RATE_HZ)
    heard = [float_to_int16(resample(samples, from_hz=rate_hz, to_hz=page_hz)) for samples in signals]
    files = [_code(samples, page_hz, "FLAC", "PCM_16") for samples in heard]
    media_type, form = "audio/flac", f"16-bit FLAC at {page_hz / 1000:g} kHz"
    if sum(map(len, files)) > max_lossless_bytes:
        files = [_code(samples, page_hz, "OGG", "OPUS") for samples in heard]
        media_type, form = "audio/ogg", f"Opus at {_OPUS_BPS // 1000} kb/s per channel"
    return EmbeddedAudio(addresses=tuple(data_address(media_type, file) for file in files), form=form)


def data_address(media_type: str, data: bytes) -> str:
    """Write bytes as a `data:` address. Source: RFC 2397."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _code(samples: np.ndarray, rate_hz: int, container: str, subtype: str) -> bytes:
    import soundfile  # Here, not above: it is slow to import.

    buffer = io.BytesIO()
    compression = _OPUS_COMPRESSION if subtype == "OPUS" else None
    soundfile.write(buffer, samples, rate_hz, format=container, subtype=subtype, compression_level=compression)
    return buffer.getvalue()

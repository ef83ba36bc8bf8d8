"""Real Opus packets, made and read by ffmpeg, that is by others than dred."""

import io
from types import SimpleNamespace

import av
import numpy as np
import pytest

from dred.audio import float_to_int16, read_audio
from dred.data import bundled_clip


def _encode(pcm: np.ndarray, *, frame_duration_ms: int = 20) -> bytes:
    """Encode int16 `[samples, channels]` at 16 kHz into an Ogg Opus file."""
    buffer = io.BytesIO()
    layout = "mono" if pcm.shape[1] == 1 else "stereo"
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=16_000, layout=layout)
        stream.options = {"frame_duration": str(frame_duration_ms), "application": "voip"}
        stream.bit_rate = 24_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm.reshape(1, -1)), format="s16", layout=layout)
        frame.rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def _demux(ogg: bytes) -> list[bytes]:
    with av.open(io.BytesIO(ogg)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def _decode(ogg: bytes) -> np.ndarray:
    """Decode to `[channels, samples]` at 48 kHz."""
    with av.open(io.BytesIO(ogg)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.fixture(scope="session")
def ffmpeg() -> SimpleNamespace:
    """The three things that ffmpeg does here."""
    return SimpleNamespace(encode=_encode, demux=_demux, decode=_decode)


@pytest.fixture(scope="session")
def clip_pcm() -> np.ndarray:
    """Three seconds of the bundled clip, int16 `[samples, 1]` at 16 kHz."""
    return float_to_int16(read_audio(bundled_clip()).samples[:48_000])


@pytest.fixture(scope="session")
def ffmpeg_file(clip_pcm: np.ndarray) -> bytes:
    """An Ogg Opus file that ffmpeg wrote."""
    return _encode(clip_pcm)


@pytest.fixture(scope="session")
def speech_packets(ffmpeg_file: bytes) -> list[bytes]:
    """The 20 ms packets of that file."""
    return _demux(ffmpeg_file)

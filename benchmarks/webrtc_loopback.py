"""Two ends of a call on loopback, with losses at the socket of one of them. Tests of `dred.webrtc` use it, too."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from fractions import Fraction

import aioice.ice
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from dred.audio import read_audio, resample
from dred.data import bundled_clip

RATE_HZ = 48_000
FRAME_SAMPLES = 960

IsLost = Callable[[], bool]


@contextmanager
def loopback_only() -> Iterator[None]:
    """Let ICE gather no address but loopback's."""
    original = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = original


def make_connection() -> RTCPeerConnection:
    """Make a connection that asks no server."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def speech_48k() -> np.ndarray:
    """Read the bundled clip at 48 kHz."""
    clip = read_audio(bundled_clip())
    return resample(clip.samples[:, 0], from_hz=clip.rate_hz, to_hz=RATE_HZ)


class SpeechTrack(MediaStreamTrack):
    """Samples, 48 kHz mono, in real time, over and over."""

    kind = "audio"

    def __init__(self, samples: np.ndarray, frame_samples: int = FRAME_SAMPLES) -> None:
        """Play samples in -1 to 1, in frames of so many."""
        super().__init__()
        self._pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        self._frame_samples = frame_samples
        self._num_sent = 0
        self._start_s: float | None = None

    async def recv(self) -> AudioFrame:
        """Return the next frame when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start_s is None:
            self._start_s = loop.time()
        await asyncio.sleep(max(0.0, self._start_s + self._num_sent / RATE_HZ - loop.time()))
        places = np.arange(self._num_sent, self._num_sent + self._frame_samples) % len(self._pcm)
        frame = AudioFrame.from_ndarray(self._pcm[places].reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._num_sent
        frame.time_base = Fraction(1, RATE_HZ)
        self._num_sent += self._frame_samples
        return frame


def lose_sent(connection: RTCPeerConnection, is_lost: IsLost) -> None:
    """Drop RTP packets (not RTCP) that a connection is about to send, as its network would."""
    transport = connection.getTransceivers()[0].sender.transport
    original = transport._send_rtp

    async def send(data: bytes) -> None:
        if _is_rtcp(data) or not is_lost():
            await original(data)

    transport._send_rtp = send  # type: ignore[method-assign]


def lose_received(connection: RTCPeerConnection, is_lost: IsLost) -> None:
    """Drop RTP packets (not RTCP) that come to a connection."""
    transport = connection.getTransceivers()[0].receiver.transport
    original = transport._handle_rtp_data

    async def handle(data: bytes, arrival_time_ms: int) -> None:
        if not is_lost():
            await original(data, arrival_time_ms)

    transport._handle_rtp_data = handle  # type: ignore[method-assign]


@asynccontextmanager
async def connected(caller: RTCPeerConnection, callee: RTCPeerConnection) -> AsyncIterator[MediaStreamTrack]:
    """Connect two ends; give the track that arrives at the callee, and close both."""
    arrived: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    callee.on("track", arrived.put_nowait)
    try:
        await caller.setLocalDescription(await caller.createOffer())
        await callee.setRemoteDescription(caller.localDescription)
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(callee.localDescription)
        yield await arrived.get()
    finally:
        await caller.close()
        await callee.close()


def _is_rtcp(data: bytes) -> bool:
    return 192 <= data[1] <= 223

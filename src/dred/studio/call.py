"""The browser's leg: a WebRTC call on this machine around a pipeline.

    packets of the browser --> our receiver --> Inbox --20 ms--> pipeline --> track to the browser
                                                                    '-- facts --> data channel <-- wishes

The track to the browser sets the pace, by the clock: a step every 20 ms, whatever the browser sends. The pipeline's
time is its steps': should this process pause, the emulated network pauses with it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from jaxtyping import Float32

from dred.audio import float_to_int16, int16_to_float
from dred.errors import RemoteDataError, UsageError
from dred.receiver import AdaptiveDelay, ReceiverConfig
from dred.studio.config import BLOCK_MS, BLOCK_SAMPLES, RATE_HZ
from dred.studio.messages import SchemeWish, StepWriter, parse_wish, write_end
from dred.studio.offer import check_offer
from dred.studio.pipeline import StudioPipeline
from dred.webrtc import WebRtcConfig, receive

__all__ = ["Call"]

logger = logging.getLogger(__name__)

# 80 ms: the page moves smoothly, and a message costs less than its packets.
_STEPS_PER_MESSAGE: Final = 4
# What the browser may be ahead by. More is cut off, so that delay does not grow.
_MAX_AHEAD_SAMPLES: Final = 5 * BLOCK_SAMPLES
_KEPT_AHEAD_SAMPLES: Final = 2 * BLOCK_SAMPLES
# After a pause of the process, missed steps are left out rather than hurried through.
_MAX_LATE_S: Final = 0.2
_MAX_BUFFERED_BYTES: Final = 200_000


class Inbox:
    """What the browser sent and was not taken yet, mono."""

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.float32)

    def put(self, samples: Float32[np.ndarray, " samples"]) -> None:
        """Append samples; of too many, the oldest are dropped."""
        self._samples = np.concatenate([self._samples, samples])
        if len(self._samples) > _MAX_AHEAD_SAMPLES:
            self._samples = self._samples[-_KEPT_AHEAD_SAMPLES:]

    def take(self) -> Float32[np.ndarray, " 960"]:
        """Take 20 ms; silence if there are not so many."""
        if len(self._samples) < BLOCK_SAMPLES:
            return np.zeros(BLOCK_SAMPLES, np.float32)
        taken, self._samples = self._samples[:BLOCK_SAMPLES], self._samples[BLOCK_SAMPLES:]
        return taken


class _HeardTrack(MediaStreamTrack):
    """What the pipeline plays, 20 ms each 20 ms."""

    kind = "audio"

    def __init__(self, step: Callable[[], Float32[np.ndarray, " 960"]]) -> None:
        super().__init__()
        self._step = step
        self._due_s: float | None = None
        self._num_steps = 0

    async def recv(self) -> AudioFrame:
        """Wait until the next 20 ms are due and make them."""
        if self.readyState != "live":
            raise MediaStreamError
        now_s = asyncio.get_running_loop().time()
        if self._due_s is None or now_s - self._due_s > _MAX_LATE_S:
            self._due_s = now_s
        await asyncio.sleep(max(0.0, self._due_s - now_s))
        # In this thread: a few milliseconds, which is less than a busy machine takes to wake up another one.
        heard = self._step()
        self._due_s += BLOCK_MS / 1000
        frame = AudioFrame.from_ndarray(float_to_int16(heard).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._num_steps * BLOCK_SAMPLES
        self._num_steps += 1
        return frame


class Call:
    """One browser's call."""

    def __init__(self, pipeline: StudioPipeline) -> None:
        """Prepare to answer; needs a running event loop."""
        self._pipeline = pipeline
        self._inbox = Inbox()
        self._writer = StepWriter(_STEPS_PER_MESSAGE)
        # No server is asked for addresses: browser and studio are on one machine.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel: RTCDataChannel | None = None
        self._listening: asyncio.Task[None] | None = None
        self._num_steps = 0
        self._peer.on("track", self._take_track)
        self._peer.on("datachannel", self._take_channel)
        self._peer.on("connectionstatechange", self._watch)

    async def answer(self, offer: str) -> str:
        """Take an offer's session description and return the answer's.

        Raises:
            RemoteDataError: It is none, or has no audio to receive and to send.
        """
        try:
            check_offer(offer)
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError) as error:
            # What aiortc's parser makes of broken descriptions.
            raise RemoteDataError(f"a session description: {error}") from error
        if len(self._peer.getTransceivers()) != 1 or self._listening is None:
            raise RemoteDataError("a session of one audio stream in each direction")
        self._peer.addTrack(_HeardTrack(self._step))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return self._peer.localDescription.sdp

    async def close(self, reason: str = "") -> None:
        """End the call and tell the page why."""
        if reason and self._channel is not None and self._channel.readyState == "open":
            self._channel.send(write_end(reason))
            # Let it leave before the connection does.
            await asyncio.sleep(BLOCK_MS / 1000)
        if self._listening is not None:
            self._listening.cancel()
        await self._peer.close()

    async def _watch(self) -> None:
        if self._peer.connectionState == "failed":
            await self.close()

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._listening is None:
            receiver = self._peer.getTransceivers()[0].receiver
            self._listening = asyncio.ensure_future(self._listen(receive(receiver, _browser_config())))

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            self._inbox.put(int16_to_float(frame.to_ndarray()[0]))

    def _take_channel(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._take_wish)

    def _take_wish(self, message: Any) -> None:
        try:
            wish = parse_wish(message)
            if isinstance(wish, SchemeWish):
                self._pipeline.choose(wish.name)
            else:
                self._pipeline.change_network(wish)
        except (RemoteDataError, UsageError) as error:
            logger.info("a wish was refused: %s", error)

    def _step(self) -> Float32[np.ndarray, " 960"]:
        spoken = self._inbox.take()
        step = self._pipeline.step(spoken, float(self._num_steps * BLOCK_MS))
        self._num_steps += 1
        message = self._writer.add(step, spoken)
        if message is not None:
            self._tell(message)
        return np.clip(step.heard, -1, 1)

    def _tell(self, message: str) -> None:
        channel = self._channel
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < _MAX_BUFFERED_BYTES:
            channel.send(message)


def _browser_config() -> WebRtcConfig:
    """Play what the browser sends with the least delay: nothing is lost on the way within a machine."""
    return WebRtcConfig(
        receiver=ReceiverConfig(
            rate_hz=RATE_HZ, delay_ms=20.0, adaptive=AdaptiveDelay(max_ms=200.0), use_dred=False, plc="classic"
        )
    )

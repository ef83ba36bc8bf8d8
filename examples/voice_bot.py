"""A voice bot on a page: it says back what it hears, a second later, and keeps a recording.

    pip install 'dred[webrtc]' starlette uvicorn
    python examples/voice_bot.py [--port 8000] [--record DIR] [--lose PERCENT]

Open the address that it prints, allow the microphone, and talk; headphones keep the echo out. `--lose` drops that share
of what the bot receives, to hear what redundancy does about it. Everything stays on this machine.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

import dred.webrtc
from dred.audio import write_wav

_ECHO_FRAMES = 50
_MAX_RECORDED_FRAMES = 50 * 600
_PAGE = """<!doctype html><meta charset="utf-8"><title>Voice bot</title><link rel="icon" href="data:,">
<style>body { font: 1.1rem/1.5 system-ui; margin: 3rem auto; max-width: 32rem; padding: 0 1rem }</style>
<h1>Voice bot</h1><p id="state">Allow the microphone, and talk.</p><audio autoplay></audio>
<script type="module">
const state = document.querySelector("#state");
try {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  const connection = new RTCPeerConnection();
  connection.ontrack = event => { document.querySelector("audio").srcObject = event.streams[0]; };
  stream.getTracks().forEach(track => connection.addTrack(track, stream));
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== "complete") await new Promise(done => setTimeout(done, 20));
  const {type, sdp} = connection.localDescription;
  const reply = await fetch("/offer", {method: "POST", headers: {"Content-Type": "application/json"},
                                       body: JSON.stringify({type, sdp})});
  await connection.setRemoteDescription(await reply.json());
  state.textContent = "Talk: you hear yourself a second later.";
} catch (error) { state.textContent = `It did not work: ${error.message}`; }
</script>"""


class Echo(MediaStreamTrack):
    """Says what it hears a second later."""

    kind = "audio"

    def __init__(self, heard: MediaStreamTrack) -> None:
        super().__init__()
        self._heard = heard
        self._waiting: deque[AudioFrame] = deque()
        self.recorded: list[np.ndarray] = []

    async def recv(self) -> AudioFrame:
        frame = await self._heard.recv()
        samples = frame.to_ndarray()
        if len(self.recorded) < _MAX_RECORDED_FRAMES:
            self.recorded.append(samples.reshape(-1, frame.layout.nb_channels)[:, :1])
        self._waiting.append(frame)
        said = self._waiting.popleft() if len(self._waiting) > _ECHO_FRAMES else None
        spoken = AudioFrame.from_ndarray(
            said.to_ndarray() if said else np.zeros_like(samples), format="s16", layout=frame.layout.name
        )
        spoken.sample_rate, spoken.pts, spoken.time_base = frame.sample_rate, frame.pts, frame.time_base
        return spoken


class Bot:
    """Answers calls."""

    def __init__(self, *, record: Path | None, lost: float) -> None:
        self._record = record
        self._lost = lost
        self._rng = np.random.default_rng()
        self._calls: set[RTCPeerConnection] = set()

    async def page(self, request: Request) -> HTMLResponse:
        return HTMLResponse(_PAGE)

    async def answer(self, request: Request) -> JSONResponse:
        offer = await request.json()
        call = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._calls.add(call)

        @call.on("track")
        def hear(track: MediaStreamTrack) -> None:
            echo = Echo(track)
            call.addTrack(echo)
            echo.on("ended", lambda: self._keep(echo))

        @call.on("connectionstatechange")
        async def watch() -> None:
            if call.connectionState in ("failed", "closed"):
                self._calls.discard(call)
                await call.close()

        await call.setRemoteDescription(RTCSessionDescription(sdp=offer["sdp"], type=offer["type"]))
        await call.setLocalDescription(await call.createAnswer())
        self._lose(call)
        return JSONResponse({"sdp": call.localDescription.sdp, "type": call.localDescription.type})

    @asynccontextmanager
    async def while_serving(self, application: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.gather(*(call.close() for call in self._calls))

    def _lose(self, call: RTCPeerConnection) -> None:
        receiver = call.getReceivers()[0]
        original = receiver._handle_rtp_packet

        async def handle(packet: object, arrival_time_ms: int) -> None:
            if self._rng.random() >= self._lost:
                await original(packet, arrival_time_ms)

        receiver._handle_rtp_packet = handle

    def _keep(self, echo: Echo) -> None:
        if self._record is not None and echo.recorded:
            self._record.mkdir(parents=True, exist_ok=True)
            number = len(list(self._record.glob("call-*.wav")))
            write_wav(self._record / f"call-{number:03}.wav", np.concatenate(echo.recorded), 48_000)


def main() -> None:
    """Serve on loopback until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--record", type=Path, help="keep what was heard in this folder")
    parser.add_argument("--lose", type=float, default=0.0, help="percent of the received packets to drop")
    arguments = parser.parse_args()
    dred.webrtc.install()
    bot = Bot(record=arguments.record, lost=arguments.lose / 100)
    routes = [Route("/", bot.page), Route("/offer", bot.answer, methods=["POST"])]
    print(f"http://127.0.0.1:{arguments.port}")
    uvicorn.run(Starlette(routes=routes, lifespan=bot.while_serving), port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()

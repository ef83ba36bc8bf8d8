"""Headless Chromium as the other end of a call on loopback. Tests of `dred.webrtc` use it, too."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from webrtc_loopback import make_connection

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
# Never fetched: the driver answers for it. A local name makes a page that may use the microphone.
_ADDRESS = "http://localhost/"
_PAGE = """<!doctype html><audio autoplay></audio><script>
let connection;
async function offer(redFirst) {
  const plain = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
  const stream = await navigator.mediaDevices.getUserMedia({audio: plain});
  connection = new RTCPeerConnection();
  const audio = connection.addTransceiver(stream.getAudioTracks()[0], {streams: [stream]});
  if (redFirst) {
    const codecs = RTCRtpReceiver.getCapabilities("audio").codecs;
    const named = name => codecs.filter(codec => codec.mimeType.toLowerCase() === name);
    audio.setCodecPreferences([...named("audio/red"), ...named("audio/opus")]);
  }
  connection.ontrack = event => { document.querySelector("audio").srcObject = event.streams[0]; };
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== "complete") await new Promise(done => setTimeout(done, 20));
  return connection.localDescription.sdp;
}
function hangUp() {
  for (const sender of connection.getSenders()) sender.track?.stop();
  connection.close();
}
async function accept(sdp) { await connection.setRemoteDescription({type: "answer", sdp}); }
async function statistics(type) {
  const all = [...(await connection.getStats()).values()];
  return all.find(entry => entry.type === type && entry.kind === "audio");
}
</script>"""


def find_chromium() -> str | None:
    """Return the browser's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@asynccontextmanager
async def open_page(microphone: Path) -> AsyncIterator[Any]:
    """Give a page that can call; what its microphone hears is a WAV file, over and over."""
    from playwright.async_api import async_playwright

    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=find_chromium(), args=flags)
        page = await browser.new_page()
        await page.route("**/*", lambda route: route.fulfill(body=_PAGE, content_type="text/html"))
        await page.goto(_ADDRESS)
        yield page
        await browser.close()


@asynccontextmanager
async def called_by(
    page: Any, *, track: MediaStreamTrack | None = None, red_first: bool = False
) -> AsyncIterator[tuple[RTCPeerConnection, MediaStreamTrack]]:
    """Take a page's call; give our end and the page's track. What we send is a track of ours, if there is one."""
    connection = make_connection()
    arrived: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    connection.on("track", arrived.put_nowait)
    try:
        sdp = await page.evaluate("redFirst => offer(redFirst)", red_first)
        await connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        if track is not None:
            connection.addTrack(track)
        await connection.setLocalDescription(await connection.createAnswer())
        await page.evaluate("sdp => accept(sdp)", connection.localDescription.sdp)
        yield connection, await arrived.get()
        await page.evaluate("hangUp()")
    finally:
        await connection.close()


async def statistics(page: Any, kind: str) -> dict[str, Any]:
    """Return the page's statistics of a kind, such as inbound-rtp."""
    found: dict[str, Any] | None = await page.evaluate("kind => statistics(kind)", kind)
    return found or {}

"""The studio in a real browser, whose microphone is a recording."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chromium import open_chromium, wait_until
from dred.audio import read_audio, resample, write_wav
from dred.data import bundled_clip

pytest.importorskip("aiortc", reason="aiortc is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

pytestmark = [pytest.mark.reference, pytest.mark.slow]

KEEP_PEERS = """
  window.peers = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...settings) { super(...settings); peers.push(this); }
  };
"""
KEEP_WISHES = """
  window.wishes = [];
  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (wish) { wishes.push(JSON.parse(wish)); send.call(this, wish); };
"""
# What the browser counts of what it plays.
PLAYED = """async () => {
  for (const found of (await peers.at(-1).getStats()).values()) if (found.type === "inbound-rtp") return found;
}"""
# Shares of a canvas in each source's colour.
COLOURS = """(scheme) => {
  const canvas = document.querySelector(`[data-scheme="${scheme}"] canvas`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const style = getComputedStyle(document.documentElement);
  const counts = {};
  for (const name of ["received", "lbrr", "red", "dred", "plc"]) {
    const number = parseInt(style.getPropertyValue(`--${name}`).trim().slice(1), 16);
    counts[name] = 0;
    for (let at = 0; at < data.length; at += 4) {
      counts[name] += (data[at] << 16 | data[at + 1] << 8 | data[at + 2]) === number && data[at + 3] === 255;
    }
  }
  return counts;
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    clip = read_audio(bundled_clip())
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    write_wav(spoken, resample(clip.samples, from_hz=clip.rate_hz, to_hz=48_000), 48_000)
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
    )
    with open_chromium(flags) as opened:
        yield opened


@pytest.fixture(scope="module")
def studio(installed_weights: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`dred studio` in a process of its own, and its address."""
    environment = {**os.environ, "DRED_WEIGHTS": str(installed_weights)}
    command = [sys.executable, "-m", "dred", "studio", "--port", "0", "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        address = next(line for line in process.stdout if "http://" in line).split()[2]
        yield process, address
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def number_in(text: str) -> int:
    found = re.search(r"\d+", text)
    assert found, text
    return int(found[0])


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotAllowedError", "The page may not use the microphone."), ("NotFoundError", "There is no microphone.")],
)
def test_without_a_microphone_the_page_says_so(
    browser: Any, studio: tuple[subprocess.Popen[str], str], error: str, words: str
) -> None:
    page = browser.new_page()
    page.goto(studio[1])
    refusing = f"async () => {{ throw new DOMException('', '{error}'); }}"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refusing}; }}")
    page.click('[data-source="microphone"]')
    wait_until(page, "!document.querySelector('.problem').hidden")
    assert page.inner_text(".reason").startswith(words)
    assert page.inner_text(".status") == "Nothing is sent."


def test_a_named_network_takes_the_place_of_the_sliders(
    browser: Any, studio: tuple[subprocess.Popen[str], str]
) -> None:
    page = browser.new_page()
    page.add_init_script(KEEP_WISHES)
    page.goto(studio[1])
    sliders = "[...document.querySelectorAll('.slider output')].map((output) => output.textContent)"
    page.select_option('[name="network"]', "train")
    assert page.inner_text(".network .title").startswith("mobile data on a train")
    assert page.evaluate(sliders) == ["8", "6", "50"]
    page.click('[data-source="clip"]')
    wait_until(page, "document.querySelector('.status').textContent === 'The clip is heard over a bad network.'")
    assert {"network": "train"} in page.evaluate("wishes")
    # 20 ms to be packed, 60 under way, and what the receiver waits for.
    wait_until(page, "parseInt(document.querySelector('.delay-now').textContent) > 100")
    page.focus('[name="loss_percent"]')
    page.keyboard.press("ArrowRight")
    assert page.input_value('[name="network"]') == ""
    assert page.inner_text(".network .title") == ""
    assert page.evaluate("wishes.at(-1)") == {"loss_percent": 9, "mean_burst": 6, "jitter_ms": 50}
    page.click(".stop")


def test_talking_over_a_bad_network(browser: Any, studio: tuple[subprocess.Popen[str], str]) -> None:
    process, address = studio
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: request.url.startswith((address, "data:")) or messages.append(request.url))
    page.add_init_script(KEEP_PEERS)
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") == 360

    page.click('[data-source="microphone"]')
    wait_until(page, "document.querySelector('.status').textContent === 'You are heard over a bad network.'")
    page.focus('[name="loss_percent"]')
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert page.inner_text(".slider output") == "40"
    page.wait_for_timeout(3000)

    # Each scheme goes on with the sound at once, and shows what it sends.
    energy = page.evaluate(PLAYED)["totalAudioEnergy"]
    for digit, parts in [("1", ["Opus"]), ("2", ["Opus"]), ("4", ["Opus", "RED"]), ("7", ["Opus", "DRED"])]:
        page.keyboard.press(digit)
        for _ in range(100):
            page.wait_for_timeout(100)
            before, now = energy, page.evaluate(PLAYED)["totalAudioEnergy"]
            if now > before and re.findall("[A-Z][A-Za-z]+", page.inner_text(".rate-now")) == parts:
                break
        else:
            pytest.fail(f"{parts} were never heard and shown")
        energy = now
    assert page.evaluate("document.querySelector('.scheme:has(:checked)').dataset.scheme") == "dred+lbrr"
    assert page.evaluate("document.activeElement.value") == "dred+lbrr"

    # The slider's loss is what is measured, within what bursts of three do to a few hundred packets.
    assert 20 < number_in(page.inner_text(".loss")) < 60
    repaired = {
        scheme: number_in(page.inner_text(f'[data-scheme="{scheme}"] .repaired')) for scheme in ("plc", "lbrr", "dred")
    }
    assert repaired["plc"] == 0
    # How much exactly, a busy machine decides, too.
    assert repaired["dred"] > repaired["lbrr"] > 0
    for scheme in ("plc", "red", "lbrr", "dred"):
        strip = page.evaluate(COLOURS, scheme)
        assert min(strip["received"], strip[scheme]) > 20
    assert page.evaluate(COLOURS, "clean")["received"] > 20
    assert number_in(page.inner_text(".delay-now")) > 20

    page.click(".stop")
    assert page.inner_text(".status") == "Stopped."
    assert messages == []

    # The clip, until the studio is closed.
    page.click('[data-source="clip"]')
    wait_until(page, "document.querySelector('.status').textContent === 'The clip is heard over a bad network.'")
    wait_until(page, "document.querySelector('meter.heard').value > 0.05")
    process.send_signal(signal.SIGINT)
    wait_until(page, "!document.querySelector('.problem').hidden")
    assert page.inner_text(".reason") == "The call has ended: the studio was closed."
    process.wait(20)
    page.click(".retry")
    wait_until(page, "document.querySelector('.reason').textContent.startsWith('The studio cannot be reached.')")

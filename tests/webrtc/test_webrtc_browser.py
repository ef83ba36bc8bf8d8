"""Calls with a real browser, both directions at once, with losses at our socket."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import dred

pytest.importorskip("aiortc", reason="aiortc is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from webrtc_chromium import called_by, find_chromium, open_page, statistics
from webrtc_loopback import SpeechTrack, loopback_only, lose_received, lose_sent, speech_48k

import dred.webrtc
from dred.webrtc import PlayoutTrack, WebRtcConfig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium"),
]

_NUM_FRAMES = 300


@pytest.fixture(autouse=True)
def _loopback(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    with loopback_only():
        yield


def call(microphone: Path, *, red_first: bool) -> tuple[PlayoutTrack, dict[str, Any], float]:
    """Talk for six seconds at 20 % loss; return our track, the page's statistics, and the seconds that frames took."""

    async def talk() -> tuple[PlayoutTrack, dict[str, Any], float]:
        async with (
            open_page(microphone) as page,
            called_by(page, track=SpeechTrack(speech_48k()), red_first=red_first) as (connection, track),
        ):
            arriving, leaving = (np.random.default_rng(seed) for seed in (1, 2))
            lose_received(connection, lambda: arriving.random() < 0.2)
            lose_sent(connection, lambda: leaving.random() < 0.2)
            assert isinstance(track, PlayoutTrack)
            await track.recv()
            begun = asyncio.get_running_loop().time()
            for _ in range(_NUM_FRAMES):
                await track.recv()
            return track, await statistics(page, "inbound-rtp"), asyncio.get_running_loop().time() - begun

    return asyncio.run(talk())


def sources(track: PlayoutTrack) -> Counter[str]:
    found = Counter[str]()
    for event in track.events:
        if isinstance(event, dred.Played):
            found[event.source] += event.duration_rtp
    return found


@pytest.mark.parametrize("red_first", [False, True], ids=["opus first", "red first"])
def test_a_browser_and_dred_understand_each_other(red_first: bool, tmp_path: Path) -> None:
    microphone = tmp_path / "microphone.wav"
    soundfile.write(microphone, speech_48k(), 48_000, subtype="PCM_16")
    with dred.webrtc.installed(WebRtcConfig(use_dred="always")):
        track, inbound, duration_s = call(microphone, red_first=red_first)
    # A machine that has other things to do may take longer.
    assert duration_s > 0.95 * _NUM_FRAMES * 0.02
    found = sources(track)
    assert found[dred.Source.RECEIVED] > 0
    # The browser's copies come from the first packet on, its LBRR once we have reported losses.
    assert found[dred.Source.RED if red_first else dred.Source.LBRR] > 0
    # It plays our packets, whose redundancy it does not know.
    assert inbound["packetsReceived"] > 150
    assert inbound["totalAudioEnergy"] > 0
    assert inbound["concealedSamples"] < inbound["totalSamplesReceived"] / 2

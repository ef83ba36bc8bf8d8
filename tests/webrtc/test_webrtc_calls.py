"""Two ends of aiortc on loopback: frames in time whatever is lost, and aiortc's own ways where dred is not asked."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import dred

pytest.importorskip("aiortc", reason="aiortc is not installed")

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from webrtc_loopback import SpeechTrack, connected, loopback_only, lose_sent, make_connection

import dred.webrtc
from dred.errors import UsageError
from dred.webrtc import PlayoutTrack, WebRtcConfig
from dred.webrtc.installation import check_aiortc


@pytest.fixture(autouse=True)
def _loopback(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    with loopback_only():
        yield


def tone() -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 220 * np.arange(48_000) / 48_000)


async def hear(track: MediaStreamTrack, num_frames: int) -> list[AudioFrame]:
    frames = [await track.recv() for _ in range(num_frames)]
    assert all(isinstance(frame, AudioFrame) for frame in frames)
    return frames  # type: ignore[return-value]


def sources(track: PlayoutTrack) -> Counter[str]:
    found = Counter[str]()
    for event in track.events:
        if isinstance(event, dred.Played):
            found[event.source] += event.duration_rtp
    return found


def test_frames_come_in_time_though_packets_are_lost() -> None:
    async def call() -> None:
        caller, callee = make_connection(), make_connection()
        caller.addTrack(SpeechTrack(tone()))
        lost = iter(np.random.default_rng(1).random(10_000) < 0.3)
        async with connected(caller, callee) as track:
            lose_sent(caller, lambda: bool(next(lost)))
            assert isinstance(track, PlayoutTrack)
            await track.recv()
            begun = asyncio.get_running_loop().time()
            frames = await hear(track, 100)
            # A machine that has other things to do may take longer.
            assert asyncio.get_running_loop().time() - begun > 1.9
            assert {(frame.samples, frame.sample_rate, frame.layout.name) for frame in frames} == {
                (960, 48_000, "stereo")
            }
            assert np.diff([frame.pts for frame in frames if frame.pts is not None]).tolist() == [960] * 99
            found = sources(track)
            assert found[dred.Source.DRED] + found[dred.Source.LBRR] > 0
            assert found[dred.Source.RECEIVED] > 0
            report = await callee.getReceivers()[0].getStats()
            inbound = next(entry for name, entry in report.items() if name.startswith("inbound"))
            assert inbound.concealedSamples == track.statistics.concealed_samples

    with dred.webrtc.installed():
        asyncio.run(call())


def test_long_frames_become_packets_with_times_of_their_own() -> None:
    async def call() -> None:
        caller, callee = make_connection(), make_connection()
        caller.addTrack(SpeechTrack(tone(), frame_samples=4_800))
        async with connected(caller, callee) as track:
            assert isinstance(track, PlayoutTrack)
            await hear(track, 60)
            times = [event.timestamp for event in track.events if isinstance(event, dred.Played)]
            # A machine that is too busy makes the receiver wait, and the stream's clock stand still for a moment.
            assert np.mean(np.diff(times) == 960) > 0.8
            assert sources(track)[dred.Source.RECEIVED] > 0

    with dred.webrtc.installed():
        asyncio.run(call())


def test_one_sender_and_one_receiver_can_be_chosen() -> None:
    async def call() -> None:
        caller, callee = make_connection(), make_connection()
        attached = dred.webrtc.send(caller.addTrack(SpeechTrack(tone())), WebRtcConfig(use_dred="always"))
        played: list[PlayoutTrack] = []

        @callee.on("track")
        def replace(track: MediaStreamTrack) -> None:
            played.append(dred.webrtc.receive(callee.getReceivers()[0]))

        async with connected(caller, callee) as track:
            assert not isinstance(track, PlayoutTrack)
            await hear(played[0], 30)
            assert attached.encoder is not None
            assert attached.encoder.settings.sender.dred is not None
            assert sources(played[0])[dred.Source.RECEIVED] > 0

    asyncio.run(call())


def test_the_track_ends_with_the_call() -> None:
    async def call() -> None:
        caller, callee = make_connection(), make_connection()
        caller.addTrack(SpeechTrack(tone()))
        async with connected(caller, callee) as track:
            await hear(track, 5)
            await caller.close()
            with pytest.raises(MediaStreamError):
                await hear(track, 200)
            assert track.readyState == "ended"

    with dred.webrtc.installed():
        asyncio.run(call())


def test_other_codecs_go_their_own_way() -> None:
    async def call() -> None:
        caller, callee = make_connection(), make_connection()
        caller.addTrack(SpeechTrack(tone()))
        capabilities = RTCRtpSender.getCapabilities("audio").codecs
        caller.getTransceivers()[0].setCodecPreferences([one for one in capabilities if one.name == "PCMU"])
        async with connected(caller, callee) as track:
            frames = await hear(track, 5)
            assert frames[-1].sample_rate == 8_000

    with dred.webrtc.installed():
        asyncio.run(call())


def test_without_it_aiortc_is_as_it_was() -> None:
    before = RTCRtpSender.getCapabilities("audio")
    with dred.webrtc.installed():
        dred.webrtc.install()
        assert [one.name for one in RTCRtpSender.getCapabilities("audio").codecs[:2]] == ["opus", "red"]
    assert RTCRtpSender.getCapabilities("audio") == before

    async def call() -> None:
        caller, callee = make_connection(), make_connection()
        caller.addTrack(SpeechTrack(tone()))
        async with connected(caller, callee) as track:
            assert not isinstance(track, PlayoutTrack)
            await hear(track, 3)

    asyncio.run(call())


def test_video_and_empty_receivers_are_refused() -> None:
    async def call() -> None:
        connection: RTCPeerConnection = make_connection()
        video = connection.addTransceiver("video")
        with pytest.raises(UsageError, match="video"):
            dred.webrtc.send(video.sender)
        with pytest.raises(UsageError, match="audio track"):
            dred.webrtc.receive(connection.addTransceiver("audio").receiver)
        await connection.close()

    asyncio.run(call())


@pytest.mark.parametrize("version", ["1.15.9", "2.0.0"])
def test_an_unknown_aiortc_is_refused(version: str) -> None:
    with pytest.raises(UsageError, match=version):
        check_aiortc(version)

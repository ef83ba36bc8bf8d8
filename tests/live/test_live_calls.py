"""Calls over real sockets on loopback, in real time and short: in the clear, with a key, with the wrong key."""

import asyncio
import socket
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from dred.audio import read_audio, write_wav
from dred.errors import UsageError
from dred.live import (
    Endpoint,
    FileSource,
    Protection,
    ReceivingFigures,
    SendingFigures,
    Srtp,
    Unprotected,
    WavSink,
    parse_endpoint,
    receive_speech,
    send_speech,
)
from dred.rtp import RtpPacket, write_rtp
from two_ends import RATE_HZ, SPEECH, make_receiver, make_sender, speech

SECONDS = 1.2
LOOPBACK = Endpoint(host="127.0.0.1", port=0)


def now_ms() -> float:
    return time.monotonic() * 1000


def call(
    folder: Path,
    *,
    sends: Callable[[], Protection] = Unprotected,
    hears: Callable[[], Protection] = Unprotected,
    stop_after_s: float | None = None,
    flood: bool = False,
) -> tuple[SendingFigures, ReceivingFigures]:
    write_wav(folder / "speech.wav", speech(SECONDS), RATE_HZ)

    async def run() -> tuple[SendingFigures, ReceivingFigures]:
        stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
        with WavSink(folder / "heard.wav", rate_hz=RATE_HZ) as sink:
            receiving = asyncio.create_task(
                receive_speech(
                    make_receiver(report_interval_ms=200.0),
                    LOOPBACK,
                    sink,
                    hears(),
                    now=now_ms,
                    stop=stop,
                    seconds=SECONDS + 1.0,
                    on_start=listening.set_result,
                )
            )
            endpoint = await listening
            if stop_after_s is not None:
                asyncio.get_running_loop().call_later(stop_after_s, stop.set)
            flooding = asyncio.create_task(send_noise(endpoint)) if flood else None
            sent = await send_speech(
                make_sender(report_interval_ms=200.0, num_red_copies=1),
                endpoint,
                FileSource(folder / "speech.wav", now_ms),
                sends(),
                now=now_ms,
                stop=asyncio.Event(),
                losses=cycle([False] * 4 + [True]),
            )
            heard = await receiving
            if flooding is not None:
                flooding.cancel()
            return sent, heard

    return asyncio.run(run())


async def send_noise(endpoint: Endpoint) -> None:
    """Well-formed packets of other sources, five hundred a second."""
    rng = np.random.default_rng(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        # The genuine stream comes first: without a key, whoever comes first is heard.
        await asyncio.sleep(0.2)
        while True:
            for number in rng.integers(1 << 32, size=10).tolist():
                packet = RtpPacket(
                    payload_type=111, sequence=number % 65536, timestamp=number, ssrc=number, payload=b"x"
                )
                noise.sendto(write_rtp(packet), (endpoint.host, endpoint.port))
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("flood", [False, True], ids=["alone", "in a flood"])
def test_a_call_in_the_clear_is_heard_and_reported(tmp_path: Path, flood: bool) -> None:
    sent, heard = call(tmp_path, flood=flood)
    assert sent.num_dropped == sent.num_packets // 5
    assert heard.ssrc is not None
    # A busy machine makes packets late.
    assert heard.played_ms["received"] > 0
    assert heard.played_ms["red"] > 0
    assert sent.has_listener
    assert sent.round_trip_ms is not None
    assert (heard.num_refused > 100) == flood
    audio = read_audio(tmp_path / "heard.wav")
    assert audio.rate_hz == RATE_HZ
    # The first packets' wait and the buffer's delay come on top, and what a busy machine takes.
    assert SECONDS - 0.5 <= len(audio.samples) / RATE_HZ < SECONDS + 5


def test_a_call_with_a_key_is_heard(tmp_path: Path) -> None:
    sent, heard = call(tmp_path, sends=lambda: Srtp(bytes(30)), hears=lambda: Srtp(bytes(30)))
    assert heard.ssrc is not None
    assert heard.num_refused == 0
    assert sent.has_listener
    assert (tmp_path / "heard.wav").exists()


def test_another_key_hears_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    sent, heard = call(tmp_path, sends=lambda: Srtp(bytes(30)), hears=lambda: Srtp(bytes(29) + b"\1"))
    assert heard.ssrc is None
    assert heard.num_refused > 0.7 * sent.num_packets
    assert not sent.has_listener
    assert not (tmp_path / "heard.wav").exists()


def test_a_stopped_receiver_keeps_what_it_heard(tmp_path: Path) -> None:
    _, heard = call(tmp_path, stop_after_s=0.6)
    assert heard.seconds < 1.0
    assert 0.3 < len(read_audio(tmp_path / "heard.wav").samples) / RATE_HZ < 0.9


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, WavSink(tmp_path / "a.wav", rate_hz=8_000) as sink:
        taken.bind(("127.0.0.1", 0))
        endpoint = parse_endpoint(f"127.0.0.1:{taken.getsockname()[1]}")
        listening = receive_speech(
            make_receiver(), endpoint, sink, Unprotected(), now=now_ms, stop=asyncio.Event(), seconds=1.0
        )
        with pytest.raises(UsageError, match="cannot listen on"):
            asyncio.run(listening)


def test_speech_is_sent_though_nobody_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        endpoint = parse_endpoint(f"127.0.0.1:{free.getsockname()[1]}")
    write_wav(tmp_path / "speech.wav", speech(0.2), RATE_HZ)

    async def run() -> SendingFigures:
        source = FileSource(tmp_path / "speech.wav", now_ms)
        sender = make_sender(stream=SPEECH)
        return await send_speech(sender, endpoint, source, Unprotected(), now=now_ms, stop=asyncio.Event())

    assert asyncio.run(run()).num_packets >= 10

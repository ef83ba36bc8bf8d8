"""The parts of a live call, each on its own: keys, addresses, protection, files, figures and the view."""

import asyncio
import io
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dred.audio import write_wav
from dred.cli.live_view import receiving_view, sending_view
from dred.errors import FileFormatError, UsageError
from dred.live import (
    FileSource,
    ReceivingFigures,
    SendingFigures,
    Srtp,
    WavSink,
    new_key,
    parse_endpoint,
    parse_key,
    read_key_file,
    require_protection,
)
from dred.live.devices import open_stream
from dred.live.figures import ReceivingCounter
from dred.receiver import DelayChanged, Played, Source
from dred.rtp import RtpPacket, rtcp, write_rtp
from two_ends import make_receiver

KEY = bytes(range(30))


def rtp(sequence: int, *, ssrc: int = 7) -> bytes:
    packet = RtpPacket(payload_type=111, sequence=sequence, timestamp=960 * sequence, ssrc=ssrc, payload=b"opus")
    return write_rtp(packet)


def test_a_new_key_can_be_read_and_is_another_each_time() -> None:
    first, second = new_key(), new_key()
    assert len(parse_key(first)) == 30
    assert len(first) == 40
    assert first != second


def test_a_key_file_holds_a_key(tmp_path: Path) -> None:
    path = tmp_path / "call.key"
    key = new_key()
    path.write_text(f"{key}\n")
    assert read_key_file(path) == parse_key(key)
    path.write_bytes(b"\xff" * 30)
    with pytest.raises(UsageError, match="30 bytes in base64"):
        read_key_file(path)
    path.write_bytes(bytes(2000))
    with pytest.raises(FileFormatError, match="at most 1024"):
        read_key_file(path)


@pytest.mark.parametrize("text", ["", "secret!", "AAAA", "Q" * 44, "é" * 40])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="40 characters") as caught:
        parse_key(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown", "is_loopback"),
    [
        ("127.0.0.1:5004", "127.0.0.1:5004", True),
        ("127.1.2.3:0", "127.1.2.3:0", True),
        ("[::1]:5004", "[::1]:5004", True),
        ("0.0.0.0:5004", "0.0.0.0:5004", False),
        ("192.0.2.1:1", "192.0.2.1:1", False),
    ],
)
def test_an_address_tells_whether_it_leaves_this_machine(text: str, shown: str, is_loopback: bool) -> None:
    endpoint = parse_endpoint(text)
    assert (str(endpoint), endpoint.is_loopback) == (shown, is_loopback)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5004", "HOST:PORT"),
        (":5004", "HOST:PORT"),
        ("127.0.0.1:", "HOST:PORT"),
        ("127.0.0.1:abc", "HOST:PORT"),
        ("127.0.0.1:65536", "must lie in"),
        ("no such host:5004", "cannot find"),
    ],
)
def test_what_is_no_address_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_endpoint(text)


def test_only_this_machine_is_talked_to_in_the_clear() -> None:
    far, near = parse_endpoint("192.0.2.1:5004"), parse_endpoint("127.0.0.1:5004")
    require_protection(near, has_key=False, insecure=False)
    require_protection(far, has_key=True, insecure=False)
    require_protection(far, has_key=False, insecure=True)
    with pytest.raises(UsageError, match="--insecure"):
        require_protection(far, has_key=False, insecure=False)


def test_both_ends_of_a_key_understand_each_other_and_nobody_else_does() -> None:
    one, other, stranger = Srtp(KEY), Srtp(KEY), Srtp(KEY[::-1])
    description = rtcp.SourceDescription(sources=(rtcp.Described(ssrc=9, cname="somebody"),))
    for plain in (rtp(1), rtcp.write_rtcp([description])):
        protected = one.protect(plain)
        assert protected is not None
        assert plain[12:] not in protected
        assert stranger.unprotect(protected) is None
        assert other.unprotect(protected) == plain
        assert other.unprotect(protected) is None, "a replay"
        assert other.unprotect(plain) is None


def test_more_than_can_be_protected_is_not_sent() -> None:
    assert Srtp(KEY).protect(rtp(1) + bytes(1400)) is None


@given(st.binary(max_size=1600))
def test_any_bytes_are_refused_by_a_key(data: bytes) -> None:
    assert Srtp(KEY).unprotect(data) is None


@given(st.binary(max_size=60), st.integers(0, 30))
def test_changed_datagrams_are_refused_by_a_key(noise: bytes, at: int) -> None:
    protected = Srtp(KEY).protect(rtp(5))
    assert protected is not None
    changed = protected[:at] + noise + protected[at + len(noise) :]
    assert (Srtp(KEY).unprotect(changed) is None) == (changed != protected)


def test_a_file_is_spoken_at_the_pace_of_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    write_wav(path, np.linspace(-0.5, 0.5, 850, dtype=np.float32), 8_000)
    clock = [0.0]

    async def read_all() -> list[int]:
        source = FileSource(path, lambda: clock[0])
        lengths = []
        while True:
            # Late: nothing has to be waited for.
            clock[0] += 1_000
            block = await source.read()
            if block is None:
                return lengths
            lengths.append(len(block))

    assert asyncio.run(read_all()) == [160] * 5 + [50]


def test_a_file_may_begin_again(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    write_wav(path, np.arange(100, dtype=np.float32) / 1000, 8_000)

    async def read_two() -> list[np.ndarray | None]:
        source = FileSource(path, lambda: 1e6 * len(blocks), loop=True)
        for _ in range(2):
            blocks.append(await source.read())
        return blocks

    blocks: list[np.ndarray | None] = []
    joined = np.concatenate([block for block in asyncio.run(read_two()) if block is not None])
    assert np.allclose(joined, np.arange(320) % 100 / 1000, atol=1e-4)


def test_a_wav_file_appears_whole_also_when_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    sink = WavSink(path, rate_hz=8_000)
    assert sink.wanted_samples(1_000.0) == 0
    assert sink.wanted_samples(1_500.0) == 4_000
    sink.write(np.full((3_000, 1), 0.25, np.float32))
    assert sink.wanted_samples(1_500.0) == 1_000
    assert not path.exists()
    sink.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with wave.open(str(path)) as sound:
        assert (sound.getnframes(), sound.getframerate(), sound.getnchannels()) == (3_000, 8_000, 1)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_heard_leaves_nothing_behind(tmp_path: Path) -> None:
    with WavSink(tmp_path / "heard.wav", rate_hz=8_000):
        pass
    assert not list(tmp_path.iterdir())
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(UsageError, match="not a regular file"):
        WavSink(tmp_path / "folder.wav", rate_hz=8_000)
    with pytest.raises(UsageError, match="cannot write"):
        WavSink(tmp_path / "missing" / "heard.wav", rate_hz=8_000)


@pytest.mark.parametrize("kind", ["InputStream", "OutputStream"])
def test_a_device_that_is_not_there_is_told_in_one_sentence(kind: str) -> None:
    with pytest.raises(UsageError, match=r"name a file") as caught:
        open_stream(kind, device="no such device", samplerate=48_000, channels=1)
    assert "\n" not in str(caught.value)


def played(source: Source, ms: float) -> Played:
    return Played(timestamp=0, duration_rtp=round(48 * ms), source=source)


def test_a_cell_shows_what_tells_most_about_it() -> None:
    counter = ReceivingCounter(delay_ms=80.0, now=0.0)
    counter.add([played(Source.RECEIVED, 20), played(Source.DRED, 20), played(Source.RECEIVED, 60)])
    counter.add([played(Source.PLC, 10), played(Source.RECEIVED, 10), DelayChanged(target_ms=120.0)])
    figures = counter.tell(statistics(), 1_000.0, num_unchecked=3)
    assert figures.strip == (Source.DRED, Source.RECEIVED, Source.PLC)
    assert figures.played_ms["received"] == 90
    assert (figures.delay_ms, figures.num_refused) == (120.0, 3)


def test_the_strip_does_not_grow_for_ever() -> None:
    counter = ReceivingCounter(delay_ms=80.0, now=0.0)
    counter.add([played(Source.RECEIVED, 100_000)])
    assert len(counter.tell(statistics(), 1_000.0, num_unchecked=0).strip) == 400


def statistics() -> Any:
    return make_receiver().statistics


RECEIVING = ReceivingFigures(
    seconds=61.5,
    ssrc=1,
    num_packets=150,
    num_lost=50,
    lost_percent=25.0,
    jitter_ms=1.25,
    delay_ms=120.0,
    round_trip_ms=None,
    bitrate_bps=47_000.0,
    num_refused=0,
    played_ms={source.value: 100.0 * (source is Source.DRED) for source in Source},
    strip=tuple(Source) * 20,
)
SENDING = SendingFigures(
    seconds=2.0,
    num_packets=100,
    num_dropped=20,
    main_bps=24_000.0,
    dred_bps=24_000.0,
    red_bps=0.0,
    header_bps=4_800.0,
    lost_percent=20.0,
    jitter_ms=0.5,
    round_trip_ms=12.0,
    plan="as configured",
    num_refused=0,
)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_view_fits_its_terminal(columns: int) -> None:
    console = Console(width=columns, record=True, file=io.StringIO(), force_terminal=True)
    console.print(receiving_view(RECEIVING, "here", columns=columns))
    console.print(sending_view(SENDING, "there", columns=columns))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= columns
    assert any("DRED 100.0 %" in line for line in lines)
    assert any("1:01" in line for line in lines)


def test_a_view_without_a_stream_says_that_it_waits() -> None:
    waiting = ReceivingFigures(**{**{name: getattr(RECEIVING, name) for name in RECEIVING.__slots__}, "ssrc": None})
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(receiving_view(waiting, "here", columns=80))
    assert "waiting for speech" in console.export_text()


def test_figures_are_json_with_these_keys() -> None:
    assert list(json.loads(json.dumps(RECEIVING.as_json()))) == [
        *("seconds", "ssrc", "packets", "lost", "lost_percent", "jitter_ms", "delay_ms", "round_trip_ms"),
        *("bitrate_bps", "refused", "played_ms"),
    ]
    assert list(json.loads(json.dumps(SENDING.as_json()))) == [
        *("seconds", "packets", "dropped", "main_bps", "dred_bps", "red_bps", "header_bps", "lost_percent"),
        *("jitter_ms", "round_trip_ms", "plan", "refused"),
    ]

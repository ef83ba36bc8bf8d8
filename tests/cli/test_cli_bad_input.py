"""Bad input: one clear line on stderr, exit code 2, nothing under the output's name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from in_process import Run

from dred.audio import write_wav
from dred.opus import add_extension
from dred.rtp import PacketStream, TimedPacket, write_packets


def assert_refused(dred: Run, *arguments: object, told: str, output: Path | None = None) -> None:
    outcome = dred(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("dred: ")
    assert outcome.err.count("\n") == 1
    assert told in outcome.err
    if output is not None:
        assert not output.exists()
        if output.parent.is_dir():
            assert not list(output.parent.glob("*.part"))


def not_audio(path: Path) -> None:
    path.write_bytes(b"This is no audio at all. " * 20)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_samples(path: Path) -> None:
    write_wav(path, np.zeros(0, np.float32), 16_000)


def nan_samples(path: Path) -> None:
    samples = np.zeros(16_000, np.float32)
    samples[100] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")


def wrong_rate(path: Path) -> None:
    write_wav(path, np.zeros(16_000, np.float32), 4_000)


def folder(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (not_audio, "libsndfile"),
        (empty, "libsndfile"),
        (no_samples, "at least one sample"),
        (nan_samples, "finite samples (sample 100 is not)"),
        (wrong_rate, "rate_hz must be 8000 to 192000, got 4000"),
        (folder, "Is a directory"),
        (nothing, "No such file or directory"),
    ],
)
def test_encode_refuses_what_is_no_speech(dred: Run, tmp_path: Path, spoil: object, told: str) -> None:
    spoil(tmp_path / "in.wav")
    output = tmp_path / "out" / "call.pcap"
    output.parent.mkdir()
    assert_refused(dred, "encode", tmp_path / "in.wav", output, told=told, output=output)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--bitrate", "5000"), "bitrate_bps must be 6000 to 510000, got 5000"),
        (("--bitrate", "fast"), "'--bitrate'"),
        (("--total-bitrate", "1"), "total_bitrate_bps must be 8000 to 510000, got 1"),
        (("--frame-ms", "15"), "frame_ms must be one of (10, 20, 40, 60), got 15"),
        (("--application", "music"), "'voip', 'audio', 'lowdelay'"),
        (("--complexity", "11"), "complexity must be 0 to 10, got 11"),
        (("--bandwidth", "broad"), "'narrow'"),
        (("--channels", "3"), "channels must be 1 to 2, got 3"),
        (("--dred-ms", "2000"), "duration_ms must be 20 to 1040, got 2000"),
        (("--dred-ms", "-1"), "duration_ms must be 20 to 1040, got -1"),
        (("--dred-version", "11"), "'12', '10', 'final'"),
        (("--q0", "16"), "q0 must be 0 to 15, got 16"),
        (("--dq", "8"), "dq must be 0 to 7, got 8"),
        (("--qmax", "6"), "qmax must be 7 to 15 for q0 6"),
        (("--dred-max-bytes", "7"), "max_bytes must be 8 to 1000, got 7"),
        (("--expected-loss", "101"), "expected_loss_percent must be 0 to 100, got 101"),
        (("--red", "10", "--dred-ms", "0"), "num_copies must lie in 0-9, got 10"),
        (("--no-such-option",), "--no-such-option"),
        (("--bitrat", "24000"), "--bitrate"),
    ],
)
def test_encode_refuses_settings_out_of_range(
    dred: Run, clip: Path, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    output = tmp_path / "call.pcap"
    assert_refused(dred, "encode", clip, output, *options, told=told, output=output)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing/call.pcap", "missing is not a folder"),
        ("file/call.pcap", "file is not a folder"),
        ("folder.pcap", "it is a folder"),
        ("call.mp3", "must end in .pcap or .opus"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    dred: Run, tmp_path: Path, name: str, told: str
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    (tmp_path / "folder.pcap").mkdir()
    # The input does not exist either: the output is looked at first.
    assert_refused(dred, "encode", tmp_path / "in.wav", tmp_path / name, told=told)
    assert (tmp_path / "file").read_text() == "a file where a folder should be"


def test_ogg_has_no_place_for_copies(dred: Run, clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "call.opus"
    assert_refused(dred, "encode", clip, output, "--red", 1, told="--red needs a .pcap", output=output)


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode", "{clip}", "{output}.pcap"),
        ("encode", "{clip}", "{output}.opus", "--weights", "nobody"),
        ("decode", "{call}", "{output}.wav"),
        ("decode", "{call}", "{output}.wav", "--no-dred"),
        ("inspect", "{call}", "--weights", "nobody"),
        ("weights", "show"),
        ("weights", "remove", "nobody"),
    ],
    ids=" ".join,
)
def test_missing_weights_are_told_with_the_way_out(
    dred: Run, no_weights: Path, clip: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    call = tmp_path / "call.opus"
    # Some payload of DRED, so that inspect needs its tables.
    packet = add_extension(bytes([0x48]) + bytes(20), 126, b"D\x0c" + bytes(20))
    write_packets(call, PacketStream(packets=(TimedPacket(sequence=0, timestamp=0, arrival_ms=0.0, payload=packet),)))
    filled = [part.format(clip=clip, call=call, output=tmp_path / "out") for part in arguments]
    assert_refused(dred, *filled, told="no weights")
    assert not list(tmp_path.glob("out.*"))


def capture_of(num_packets: int, path: Path) -> None:
    packet = bytes([0x48]) + b"\0" * 20
    packets = [
        TimedPacket(sequence=n, timestamp=960 * n, arrival_ms=20.0 * n, payload=packet) for n in range(num_packets)
    ]
    write_packets(path, PacketStream(packets=tuple(packets)))


def truncated(path: Path) -> None:
    capture_of(3, path)
    path.write_bytes(path.read_bytes()[:-10])


def headers_only(path: Path) -> None:
    capture_of(1, path)
    path.write_bytes(path.read_bytes()[:24])


@pytest.mark.parametrize("command", ["decode", "inspect"])
@pytest.mark.parametrize("spoil", [not_audio, empty, truncated, headers_only, folder, nothing])
def test_decode_and_inspect_refuse_what_is_no_file_of_packets(
    dred: Run, no_weights: Path, tmp_path: Path, spoil: object, command: str
) -> None:
    source, output = tmp_path / "in.pcap", tmp_path / "out.wav"
    spoil(source)
    arguments = (output,) if command == "decode" else ()
    assert_refused(dred, command, source, *arguments, told=str(source), output=output)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--rate", "44100"), "rate_hz must be one of"),
        (("--channels", "0"), "channels must be 1 or 2, got 0"),
        (("--lookahead-ms", "-1"), "lookahead_ms must be 0 to 1000, got -1.0"),
        (("--lookahead-ms", "nan"), "lookahead_ms must be 0 to 1000, got nan"),
        (("--plc", "loud"), "'neural', 'classic', 'zero'"),
    ],
)
def test_decode_refuses_settings_out_of_range(
    dred: Run, no_weights: Path, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    source, output = tmp_path / "in.pcap", tmp_path / "out.wav"
    capture_of(3, source)
    quiet = ("--no-dred", "--plc", "classic")
    assert_refused(dred, "decode", source, output, *quiet, *options, told=told, output=output)


@pytest.mark.parametrize(("text", "told"), [("0\n2\n", "one 0 or 1 in line 2"), ("", "at least one packet")])
def test_decode_refuses_a_broken_trace(dred: Run, no_weights: Path, tmp_path: Path, text: str, told: str) -> None:
    source, output, trace = tmp_path / "in.pcap", tmp_path / "out.wav", tmp_path / "trace.txt"
    capture_of(3, source)
    trace.write_text(text)
    assert_refused(dred, "decode", source, output, "--trace", trace, told=told, output=output)


def test_decode_refuses_timestamps_that_span_hours(dred: Run, no_weights: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.pcap", tmp_path / "out.wav"
    first = TimedPacket(sequence=0, timestamp=0, arrival_ms=0.0, payload=bytes([0x48]) + b"\0" * 20)
    last = replace(first, sequence=1, timestamp=2**31 - 1)
    write_packets(source, PacketStream(packets=(first, last)))
    assert_refused(dred, "decode", source, output, told="12.4 hours", output=output)


def test_decode_refuses_a_stream_without_any_opus(dred: Run, no_weights: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.pcap", tmp_path / "out.wav"
    packet = TimedPacket(sequence=0, timestamp=0, arrival_ms=0.0, payload=bytes([0x4B, 0]))
    write_packets(source, PacketStream(packets=(packet,)))
    assert_refused(dred, "decode", source, output, told="no Opus packet", output=output)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sing",), "sing"),
        (("weights",), "Missing command (see dred weights --help)"),
        (("encode",), "'IN' (see dred encode --help)"),
        (("weights", "install", "opus-9"), "opus-9"),
        (("weights", "import", "no-such-file"), "no-such-file"),
        (("weights", "export", "nobody", "out.txt"), "must end in .dnnw"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_is_told_in_one_line(
    dred: Run, no_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(dred, *arguments, told=told)


def test_an_interrupt_ends_with_130_and_no_output(
    dred: Run, no_weights: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dred.rtp.write_packets", interrupt)
    outcome = dred("encode", clip, tmp_path / "call.pcap", "--dred-ms", 0)
    assert (outcome.code, outcome.err) == (130, "dred: interrupted\n")
    assert not (tmp_path / "call.pcap").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("send", "192.0.2.1:5004", "{clip}"), "--insecure"),
        (("receive", "0.0.0.0:5004", "{output}"), "--insecure"),
        (("send", "127.0.0.1", "{clip}"), "HOST:PORT"),
        (("send", "127.0.0.1:0", "{clip}"), "must lie in 1-65535"),
        (("send", "127.0.0.1:5004", "missing.wav"), "missing.wav"),
        (("send", "127.0.0.1:5004", "{clip}", "--loss", "101"), "loss must lie in 0-1"),
        (("send", "127.0.0.1:5004", "{clip}", "--network", "train", "--loss", "5"), "not from both"),
        (("simulate", "{clip}", "--out", "o", "--network", "train", "--loss", "5"), "from one of them"),
        (("simulate", "{clip}", "--out", "o", "--trace", "t.txt", "--burst", "3"), "from one of them"),
        (("send", "127.0.0.1:5004", "{clip}", "--network", "train", "--burst", "3"), "not from both"),
        (("send", "127.0.0.1:5004", "{clip}", "--mtu", "1"), "mtu_bytes must be 200"),
        (("send", "127.0.0.1:5004", "{clip}", "--key", "secret"), "30 bytes in base64"),
        (("send", "127.0.0.1:5004", "{clip}", "--key-file", "missing.key"), "missing.key"),
        (("send", "127.0.0.1:5004", "{clip}", "--key", "a", "--key-file", "b"), "not both"),
        (("receive", "127.0.0.1:5004", "heard.mp3"), "must end in .wav"),
        (("receive", "127.0.0.1:5004", "{output}", "--rate", "44100"), "rate_hz must be one of"),
        (("receive", "127.0.0.1:5004", "{output}"), "no weights"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_send_and_receive_refuse_before_anything_is_sent(
    dred: Run, no_weights: Path, clip: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    output = tmp_path / "heard.wav"
    assert_refused(dred, *[part.format(clip=clip, output=output) for part in arguments], told=told, output=output)


def test_a_key_is_made_without_anything_else(dred: Run) -> None:
    outcome = dred("send", "--key", "new")
    assert outcome.code == 0
    assert len(outcome.out.strip()) == 40

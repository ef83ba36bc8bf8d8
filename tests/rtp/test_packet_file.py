import contextlib
import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import DredError, FileFormatError, RtpFormatError, UsageError
from dred.opus import packet_duration_rtp
from dred.rtp import (
    CapturedRtp,
    PacketStream,
    RedBlock,
    RedSender,
    RtpPacket,
    TimedPacket,
    parse_ogg_opus,
    parse_red,
    read_packets,
    write_packets,
    write_pcap,
)

SILENCE = b"\x08"  # SILK, narrow band, 20 ms, mono, one frame without bytes.
SPEECH = b"\x08speech"


def _stream(*packets: tuple[int, int, bytes], **fields: object) -> PacketStream:
    """A stream from sequence numbers, timestamps and payloads."""
    timed = [
        TimedPacket(sequence=sequence, timestamp=timestamp, arrival_ms=timestamp / 48, payload=payload)
        for sequence, timestamp, payload in packets
    ]
    return PacketStream(packets=tuple(timed), **fields)


def _payloads(stream: PacketStream) -> list[bytes]:
    return [packet.payload for packet in stream.packets]


def _rtp(sequence: int, payload: bytes, *, payload_type: int = 111) -> CapturedRtp:
    packet = RtpPacket(
        payload_type=payload_type,
        sequence=sequence % 65536,
        timestamp=sequence * 960 % (1 << 32),
        ssrc=7,
        payload=payload,
    )
    return CapturedRtp(time_us=10**15 + sequence * 20_000, packet=packet)


def test_an_opus_file_reads_as_packets_20_ms_apart(
    tmp_path: Path, ffmpeg_file: bytes, speech_packets: list[bytes]
) -> None:
    (tmp_path / "a.opus").write_bytes(ffmpeg_file)
    stream = read_packets(tmp_path / "a.opus")
    assert _payloads(stream) == speech_packets
    assert [packet.sequence for packet in stream.packets] == list(range(len(speech_packets)))
    assert [packet.timestamp for packet in stream.packets] == [960 * n for n in range(len(speech_packets))]
    assert [packet.arrival_ms for packet in stream.packets] == [20.0 * n for n in range(len(speech_packets))]
    assert (stream.channels, stream.pre_skip, stream.num_samples_48k) == (1, 312, 144_000)


def test_a_stream_survives_either_file(tmp_path: Path, ffmpeg_file: bytes) -> None:
    (tmp_path / "a.opus").write_bytes(ffmpeg_file)
    stream = read_packets(tmp_path / "a.opus")
    write_packets(tmp_path / "b.opus", stream)
    assert read_packets(tmp_path / "b.opus") == stream
    write_packets(tmp_path / "c.pcap", stream)
    through_capture = read_packets(tmp_path / "c.pcap")
    assert through_capture.packets == stream.packets
    # What only Ogg can tell:
    assert dataclasses.replace(through_capture, pre_skip=312, num_samples_48k=144_000) == stream


def test_files_are_told_apart_by_their_content_not_their_name(tmp_path: Path, ffmpeg_file: bytes) -> None:
    (tmp_path / "a.pcap").write_bytes(ffmpeg_file)
    write_packets(tmp_path / "b.pcap", read_packets(tmp_path / "a.pcap"))
    (tmp_path / "b.pcap").rename(tmp_path / "b.opus")
    assert _payloads(read_packets(tmp_path / "b.opus")) == _payloads(read_packets(tmp_path / "a.pcap"))


def test_a_capture_keeps_arrival_times_order_losses_and_copies(tmp_path: Path) -> None:
    sender = RedSender(2)
    packets = []
    for number in range(20):
        _, payload = sender.send(SPEECH + bytes([number]), number * 960)
        redundant, primary = parse_red(payload)
        if number % 5 != 3:
            packets.append(
                TimedPacket(
                    sequence=65_530 + number,
                    timestamp=4_294_960_000 + number * 960,
                    arrival_ms=number * 20 + (number % 4) * 12.125,
                    payload=primary.payload,
                    redundant=redundant,
                )
            )
    packets[5], packets[6] = packets[6], packets[5]
    stream = PacketStream(packets=tuple(packets))
    write_packets(tmp_path / "a.pcap", stream)
    assert read_packets(tmp_path / "a.pcap") == stream


def test_other_payload_types_of_the_stream_are_left_out(tmp_path: Path) -> None:
    sender = RedSender(1, opus_payload_type=96)
    captured = [_rtp(n, sender.send(SPEECH, n * 960)[1], payload_type=63) for n in range(5)]
    captured += [_rtp(5, SPEECH, payload_type=96), _rtp(6, b"\7\x8a\3\xc0", payload_type=101)]
    captured += [_rtp(7, b"", payload_type=96), _rtp(8, b"", payload_type=63), _rtp(9, SPEECH, payload_type=96)]
    (tmp_path / "a.pcap").write_bytes(write_pcap(captured))
    stream = read_packets(tmp_path / "a.pcap")
    assert [packet.sequence for packet in stream.packets] == [0, 1, 2, 3, 4, 5, 9]
    assert [len(packet.redundant) for packet in stream.packets] == [0, 1, 1, 1, 1, 0, 0]


def test_red_under_another_number_is_read_when_told(tmp_path: Path) -> None:
    sender = RedSender(1)
    captured = [_rtp(n, sender.send(SPEECH, n * 960)[1], payload_type=100) for n in range(3)]
    (tmp_path / "a.pcap").write_bytes(write_pcap(captured))
    assert _payloads(read_packets(tmp_path / "a.pcap", red_payload_type=100)) == [SPEECH] * 3


def test_a_capture_is_stereo_if_a_packet_is(tmp_path: Path) -> None:
    for payload, channels in ((b"\x08", 1), (b"\x0c", 2)):
        (tmp_path / "a.pcap").write_bytes(write_pcap([_rtp(0, SPEECH), _rtp(1, payload)]))
        assert read_packets(tmp_path / "a.pcap").channels == channels


def test_a_broken_red_payload_and_a_stream_without_payloads_are_format_errors(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(write_pcap([_rtp(0, b"\xef\1", payload_type=63)]))
    with pytest.raises(RtpFormatError):
        read_packets(tmp_path / "a.pcap")
    (tmp_path / "a.pcap").write_bytes(write_pcap([_rtp(0, b"")]))
    with pytest.raises(FileFormatError, match="with a payload"):
        read_packets(tmp_path / "a.pcap")


def test_in_an_opus_file_a_gap_asks_for_concealment(tmp_path: Path) -> None:
    late = _stream((12, 1920, b"\x08b"), (10, 0, b"\x08a"), (12, 1920, b"\x08other"), (15, 5760, b"\x08c"))
    write_packets(tmp_path / "a.opus", late)
    payloads = _payloads(read_packets(tmp_path / "a.opus"))
    assert payloads == [b"\x08a", SILENCE, b"\x08b", SILENCE, SILENCE, SILENCE, b"\x08c"]


def test_a_gap_that_is_no_whole_number_of_frames_is_filled_to_2_5_ms(tmp_path: Path) -> None:
    gap_rtp = 960 + 300
    times = [0, 960 + gap_rtp, 960 + gap_rtp + 960, 960 + gap_rtp + 1920 + 60]
    write_packets(tmp_path / "a.opus", _stream(*((n, at, b"\x0c" + bytes([n])) for n, at in enumerate(times))))
    payloads = _payloads(read_packets(tmp_path / "a.opus"))
    # 300 ticks are two packets of 120; the 60 left open join the 60 of the later gap.
    assert payloads == [b"\x0c\0", b"\x0c", b"\x84", b"\x84", b"\x0c\1", b"\x0c\2", b"\x84", b"\x0c\3"]


def test_a_lost_end_is_filled_up_to_the_length(tmp_path: Path) -> None:
    stream = _stream((0, 0, SPEECH), (1, 960, SPEECH), pre_skip=312, num_samples_48k=4000)
    write_packets(tmp_path / "a.opus", stream)
    back = read_packets(tmp_path / "a.opus")
    assert back.num_samples_48k == 4000
    assert _payloads(back)[:4] == [SPEECH, SPEECH, SILENCE, SILENCE]
    assert 4312 <= sum(map(packet_duration_rtp, _payloads(back))) < 4312 + 120


def test_a_gap_filled_file_plays_to_its_full_length_everywhere(
    tmp_path: Path, ffmpeg_file: bytes, ffmpeg: SimpleNamespace
) -> None:
    (tmp_path / "a.opus").write_bytes(ffmpeg_file)
    stream = read_packets(tmp_path / "a.opus")
    lost = {20, 21, 22, 50, 148, 149, 150}
    kept = tuple(packet for packet in stream.packets if packet.sequence not in lost)
    write_packets(tmp_path / "b.opus", dataclasses.replace(stream, packets=kept))
    whole, concealed = ffmpeg.decode(ffmpeg_file), ffmpeg.decode((tmp_path / "b.opus").read_bytes())
    assert concealed.shape == whole.shape
    np.testing.assert_array_equal(concealed[:, : 20 * 960 - 312], whole[:, : 20 * 960 - 312])


@pytest.mark.parametrize(
    ("stream", "rule"),
    [
        (_stream((0, 0, SPEECH), (1, 480, SPEECH)), "must not overlap"),
        (_stream((0, 960, SPEECH), (1, 0, SPEECH)), "must not overlap"),
        (_stream((0, 0, SPEECH), (1, 1 << 31, SPEECH)), "gap of at most"),
        (_stream(*((n, n * 28_000_000, b"\x80") for n in range(20))), "at most 2097152 packets"),
    ],
    ids=["overlap", "backwards", "long gap", "many gaps"],
)
def test_timestamps_that_make_no_file_are_usage_errors(tmp_path: Path, stream: PacketStream, rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        write_packets(tmp_path / "a.opus", stream)
    assert list(tmp_path.iterdir()) == []


def test_other_suffixes_and_empty_or_timeless_streams_are_usage_errors(tmp_path: Path) -> None:
    for name in ("a.wav", "a", "a.pcapng"):
        with pytest.raises(UsageError, match=r"\.pcap or \.opus"):
            write_packets(tmp_path / name, _stream((0, 0, SPEECH)))
    with pytest.raises(UsageError, match="at least one packet"):
        _stream()
    with pytest.raises(UsageError, match="finite"):
        TimedPacket(sequence=0, timestamp=0, arrival_ms=math.nan, payload=SPEECH)
    copy = RedBlock(payload_type=111, payload=bytes(1024))
    packet = TimedPacket(sequence=0, timestamp=0, arrival_ms=0.0, payload=SPEECH, redundant=(copy,))
    with pytest.raises(UsageError, match="up to 1023 bytes"):
        write_packets(tmp_path / "a.pcap", PacketStream(packets=(packet,)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"Ogg", b"RIFF" + bytes(60), b"OggS", b"\xd4\xc3\xb2\xa1"])
def test_files_of_another_kind_are_format_errors_of_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(FileFormatError) as caught:
        read_packets(tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_packets(tmp_path / "absent.pcap")


@settings(max_examples=100)
@given(st.data())
def test_a_mutated_file_is_a_stream_that_can_be_written_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data
) -> None:
    folder = tmp_path_factory.getbasetemp()
    sender = RedSender(1)
    payloads = [sender.send(SPEECH * 3, n * 960)[1] for n in range(4)]
    mutant = bytearray(write_pcap([_rtp(n, payload, payload_type=63) for n, payload in enumerate(payloads)]))
    for _ in range(data.draw(st.integers(1, 6))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    (folder / "mutant.pcap").write_bytes(mutant)
    with contextlib.suppress(DredError):
        stream = read_packets(folder / "mutant.pcap")
        write_packets(folder / "again.pcap", stream)
        assert _payloads(read_packets(folder / "again.pcap")) == _payloads(stream)
        write_packets(folder / "again.opus", stream)
        assert parse_ogg_opus((folder / "again.opus").read_bytes()).packets

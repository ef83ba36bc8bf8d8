import contextlib
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import FileFormatError, UsageError
from dred.rtp import CapturedRtp, RtpPacket, parse_pcap, write_pcap


def _captured(num_packets: int, *, ssrc: int = 7, payload_type: int = 111, size: int = 21) -> list[CapturedRtp]:
    return [
        CapturedRtp(
            time_us=1_700_000_000_000_000 + number * 20_000,
            packet=RtpPacket(
                payload_type=payload_type,
                sequence=number,
                timestamp=number * 960,
                ssrc=ssrc,
                payload=bytes([number % 256]) * (size + number % 2),
            ),
        )
        for number in range(num_packets)
    ]


def _frames(pcap: bytes) -> list[bytes]:
    frames = []
    at = 24
    while at < len(pcap):
        (length,) = struct.unpack_from("<I", pcap, at + 8)
        frames.append(pcap[at + 16 : at + 16 + length])
        at += 16 + length
    return frames


def _pcap(frames: list[bytes], *, link_type: int = 1, order: str = "<", nano: bool = False, original: int = 0) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for number, frame in enumerate(frames):
        fraction = 123_456_789 if nano else 123_456
        data += struct.pack(order + "IIII", number, fraction, len(frame), original or len(frame)) + frame
    return data


def _pcapng(frames: list[bytes], *, order: str = "<", link_type: int = 1, resolution: int | None = None) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + length + body + length

    options = struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0) if resolution is not None else b""
    data = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack(order + "HHI", link_type, 0, 0) + options)
    data += block(4, bytes(8))  # Name resolution: to be skipped.
    for number, frame in enumerate(frames):
        units = number * 10 ** (resolution if resolution is not None else 6)
        high, low = divmod(units, 1 << 32)
        data += block(6, struct.pack(order + "IIIII", 0, high, low, len(frame), len(frame)) + frame)
    return data


def _ones_complement_sum(data: bytes) -> int:
    total = 0
    for (word,) in struct.iter_unpack(">H", data + bytes(len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_written_packets_parse_back_with_their_times() -> None:
    captured = _captured(50)
    assert parse_pcap(write_pcap(captured)) == tuple(captured)


def test_a_written_frame_is_ethernet_ipv4_udp_with_checksums_that_a_receiver_accepts() -> None:
    for frame in _frames(write_pcap(_captured(40))):
        assert frame[12:14] == b"\x08\x00"
        ip = frame[14:34]
        assert ip[0] == 0x45
        assert struct.unpack_from(">H", ip, 2) == (len(frame) - 14,)
        assert _ones_complement_sum(ip) == 0xFFFF
        udp = frame[34:]
        assert struct.unpack_from(">HHH", udp) == (5004, 5004, len(udp))
        assert udp[6:8] != b"\0\0"
        assert _ones_complement_sum(ip[12:20] + struct.pack(">HH", 17, len(udp)) + udp) == 0xFFFF


def test_a_udp_checksum_that_comes_out_as_zero_is_written_as_ones() -> None:
    """Zero would say that there is no checksum."""
    captured = _captured(1, size=2)[0]
    plain = struct.unpack_from(">H", _frames(write_pcap([captured]))[0], 40)[0]
    # The checksum is the complement of the sum: adding it to the two payload bytes, which are zero, makes it zero.
    packet = RtpPacket(payload_type=111, sequence=0, timestamp=0, ssrc=7, payload=plain.to_bytes(2))
    frame = _frames(write_pcap([CapturedRtp(time_us=0, packet=packet)]))[0]
    assert frame[40:42] == b"\xff\xff"


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("nano", [False, True], ids=["micro", "nano"])
def test_both_byte_orders_and_resolutions_are_read(order: str, nano: bool) -> None:
    captured = parse_pcap(_pcap(_frames(write_pcap(_captured(3))), order=order, nano=nano))
    assert [seen.time_us for seen in captured] == [123_456, 1_123_456, 2_123_456]
    assert [seen.packet for seen in captured] == [seen.packet for seen in _captured(3)]


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("resolution", [None, 6, 9, 3])
def test_pcapng_is_read_in_both_byte_orders_and_any_resolution(order: str, resolution: int | None) -> None:
    captured = parse_pcap(_pcapng(_frames(write_pcap(_captured(3))), order=order, resolution=resolution))
    assert [seen.time_us for seen in captured] == [0, 1_000_000, 2_000_000]
    assert [seen.packet for seen in captured] == [seen.packet for seen in _captured(3)]


@pytest.mark.parametrize(
    ("link_type", "header"),
    [
        (0, struct.pack("<I", 2)),
        (101, b""),
        (228, b""),
        (113, bytes(14) + b"\x08\x00"),
        (276, b"\x08\x00" + bytes(18)),
        (1, bytes(12) + b"\x81\x00\x00\x05\x08\x00"),
        (1, bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00"),
    ],
    ids=["loopback", "raw", "raw IPv4", "cooked", "cooked v2", "VLAN", "two VLANs"],
)
def test_every_usual_link_layer_is_read(link_type: int, header: bytes) -> None:
    frames = [header + frame[14:] for frame in _frames(write_pcap(_captured(3)))]
    assert [seen.packet for seen in parse_pcap(_pcap(frames, link_type=link_type))] == [
        seen.packet for seen in _captured(3)
    ]


def _altered(frame: bytes, at: int, data: bytes) -> bytes:
    return frame[:at] + data + frame[at + len(data) :]


def test_whatever_is_not_the_largest_rtp_stream_is_passed_over() -> None:
    wanted = _frames(write_pcap(_captured(5)))
    other = _frames(write_pcap(_captured(9, ssrc=8)))
    noise = [
        b"",
        bytes(13),
        bytes(60),
        _altered(other[0], 12, b"\x86\xdd"),  # IPv6
        _altered(other[1], 23, b"\x06"),  # TCP
        _altered(other[2], 20, b"\x20\x00"),  # first fragment
        _altered(other[3], 20, b"\x00\x10"),  # later fragment
        _altered(other[4], 42, b"\x00"),  # not version 2: STUN
        _altered(other[5], 43, b"\xc8"),  # RTCP sender report
        _altered(other[6], 14, b"\x41"),  # IPv4 header too short
        _altered(other[7], 38, b"\xff\xff"),  # UDP length beyond the packet
        *_frames(write_pcap(_captured(4, ssrc=9))),
    ]
    captured = parse_pcap(_pcap([*noise[:6], *wanted, *noise[6:]]))
    assert [seen.packet for seen in captured] == [seen.packet for seen in _captured(5)]


def test_a_stream_is_found_by_its_ssrc() -> None:
    frames = _frames(write_pcap([*_captured(5), *_captured(2, ssrc=8)]))
    assert {seen.packet.ssrc for seen in parse_pcap(_pcap(frames))} == {7}
    assert {seen.packet.ssrc for seen in parse_pcap(_pcap(frames), ssrc=8)} == {8}
    with pytest.raises(FileFormatError, match="RTP over UDP"):
        parse_pcap(_pcap(frames), ssrc=9)


def test_bytes_behind_the_datagram_such_as_ethernet_padding_are_dropped() -> None:
    captured = _captured(2, size=1)
    frames = [frame + bytes(10) for frame in _frames(write_pcap(captured))]
    assert [seen.packet for seen in parse_pcap(_pcap(frames))] == [seen.packet for seen in captured]


def test_a_capture_that_ends_within_a_record_names_the_record() -> None:
    pcap = write_pcap(_captured(3))
    last = len(pcap) - 16 - len(_frames(pcap)[-1])
    for length in (last + 1, last + 16, len(pcap) - 1):
        with pytest.raises(FileFormatError, match="ends with a whole record") as caught:
            parse_pcap(pcap[:length])
        assert caught.value.offset == last
    assert len(parse_pcap(pcap[:last])) == 2


def test_packets_cut_by_the_snap_length_are_refused() -> None:
    frames = [frame[:60] for frame in _frames(write_pcap(_captured(3)))]
    with pytest.raises(FileFormatError, match="captured whole"):
        parse_pcap(_pcap(frames, original=200))


@pytest.mark.parametrize("data", [b"", b"nothing", _pcap([])[:20], b"\x0a\x0d\x0d\x0a", _pcapng([])[:30]])
def test_what_is_no_capture_is_a_format_error(data: bytes) -> None:
    with pytest.raises(FileFormatError):
        parse_pcap(data)


@pytest.mark.parametrize("link_type", [1, 105])
def test_a_capture_without_rtp_tells_what_it_holds_instead(link_type: int) -> None:
    with pytest.raises(FileFormatError, match=rf"RTP over UDP over IPv4 .*link types \[{link_type}\]"):
        parse_pcap(_pcap([bytes(60)], link_type=link_type))


def test_a_packet_block_of_an_interface_that_was_not_described_is_a_format_error() -> None:
    data = bytearray(_pcapng(_frames(write_pcap(_captured(1)))))
    packet_at = 28 + 20 + 20  # behind the section header, the interface and the names
    assert data[packet_at] == 6
    data[packet_at + 8] = 1
    with pytest.raises(FileFormatError, match="described before"):
        parse_pcap(bytes(data))


def test_a_capture_with_interfaces_without_end_is_refused() -> None:
    interface = _pcapng([])[28:48]
    with pytest.raises(FileFormatError, match="at most 4096 interfaces"):
        parse_pcap(_pcapng([]) + interface * 4096)


@settings(max_examples=300)
@given(st.data())
def test_a_mutated_capture_is_packets_or_a_format_error(data) -> None:
    frames = _frames(write_pcap(_captured(4)))
    original = data.draw(st.sampled_from([_pcap(frames), _pcap(frames, order=">", nano=True), _pcapng(frames)]))
    mutant = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FileFormatError):
        assert 1 <= len(parse_pcap(bytes(mutant[: data.draw(st.integers(0, len(mutant)))]))) <= 4


@given(st.binary(max_size=200), st.sampled_from([b"", _pcap([])[:24], _pcap([], order=">"), _pcapng([])]))
def test_any_bytes_are_packets_or_a_format_error(data: bytes, start: bytes) -> None:
    with contextlib.suppress(FileFormatError):
        parse_pcap(start + data)


def test_times_and_sizes_beyond_the_format_are_refused() -> None:
    packet = _captured(1)[0].packet
    for time_us in (-1, (1 << 32) * 1_000_000):
        with pytest.raises(UsageError, match="time_us must lie in"):
            write_pcap([CapturedRtp(time_us=time_us, packet=packet)])
    with pytest.raises(UsageError, match="up to 65507 bytes"):
        write_pcap(_captured(1, size=65507))


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_reads_a_written_capture_as_rtp_with_good_checksums(tmp_path: Path) -> None:
    captured = _captured(20)
    (tmp_path / "a.pcap").write_bytes(write_pcap(captured))
    command = ["tshark", "-r", str(tmp_path / "a.pcap"), "-d", "udp.port==5004,rtp", "-T", "fields"]
    command += ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    for field in ("rtp.seq", "rtp.timestamp", "rtp.p_type", "rtp.payload", "ip.checksum.status", "udp.checksum.status"):
        command += ["-e", field]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    good = "1"
    assert [line.split("\t") for line in lines] == [
        [str(seen.packet.sequence), str(seen.packet.timestamp), "111", seen.packet.payload.hex(), good, good]
        for seen in captured
    ]

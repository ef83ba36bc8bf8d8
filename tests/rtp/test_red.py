import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import RtpFormatError, UsageError
from dred.opus import Toc, add_extension, strip_extensions, write_packet
from dred.rtp import RedBlock, RedSender, parse_red, write_red

REDUNDANT = st.builds(
    RedBlock,
    payload_type=st.integers(0, 127),
    timestamp_offset=st.integers(0, 16383),
    payload=st.binary(max_size=30) | st.integers(0, 1023).map(bytes),
)
PRIMARY = st.builds(RedBlock, payload_type=st.integers(0, 127), payload=st.binary(max_size=30))


def test_a_payload_with_one_copy_is_these_bytes() -> None:
    # PT 111, offset 960 = 0b00001111000000, length 3 = 0b0000000011: 00001111 00000000 00000011.
    data = bytes.fromhex("ef 0f0003 6f 010203 0a0b")
    copy = RedBlock(payload_type=111, timestamp_offset=960, payload=b"\1\2\3")
    primary = RedBlock(payload_type=111, payload=b"\x0a\x0b")
    assert write_red([copy], primary) == data
    assert parse_red(data) == ((copy,), primary)


def test_the_largest_copy_and_offset_fit_their_fields() -> None:
    copy = RedBlock(payload_type=127, timestamp_offset=16383, payload=bytes(1023))
    data = write_red([copy], RedBlock(payload_type=0, payload=b""))
    assert data[:5] == bytes.fromhex("ff ffffff 00")
    assert parse_red(data)[0] == (copy,)


@given(st.lists(REDUNDANT, max_size=6), PRIMARY)
def test_a_written_payload_parses_back(redundant: list[RedBlock], primary: RedBlock) -> None:
    assert parse_red(write_red(redundant, primary)) == (tuple(redundant), primary)


@given(st.binary(max_size=60))
def test_any_bytes_are_blocks_that_write_the_same_bytes_or_a_format_error(data: bytes) -> None:
    with contextlib.suppress(RtpFormatError):
        assert write_red(*parse_red(data)) == data


@pytest.mark.parametrize(
    ("text", "rule", "offset"),
    [
        ("", "end with that of the primary", 0),
        ("ef", "takes 4 bytes", 0),
        ("ef0f00", "takes 4 bytes", 0),
        ("ef0f0003", "end with that of the primary", 4),
        ("ef0f0003 6f 0102", "lie within the payload", 5),
        ("ef0f0001 ef0f0002 6f 01 02", "lie within the payload", 10),
    ],
)
def test_a_broken_payload_names_the_rule_and_the_place(text: str, rule: str, offset: int) -> None:
    with pytest.raises(RtpFormatError, match=rule) as caught:
        parse_red(bytes.fromhex(text))
    assert caught.value.offset == offset


def test_blocks_that_do_not_fit_their_fields_are_refused_with_the_range() -> None:
    primary = RedBlock(payload_type=111, payload=b"")
    with pytest.raises(UsageError, match="up to 1023 bytes"):
        write_red([RedBlock(payload_type=111, payload=bytes(1024))], primary)
    with pytest.raises(UsageError, match="primary's timestamp_offset must be 0"):
        write_red([], RedBlock(payload_type=111, timestamp_offset=1, payload=b""))
    with pytest.raises(UsageError, match="0-127"):
        RedBlock(payload_type=128, payload=b"")
    for offset in (-1, 16384):
        with pytest.raises(UsageError, match="0-16383"):
            RedBlock(payload_type=111, timestamp_offset=offset, payload=b"")


def _offsets(payload: bytes) -> list[int]:
    return [block.timestamp_offset for block in parse_red(payload)[0]]


def test_the_sender_repeats_the_latest_packets_oldest_first() -> None:
    sender = RedSender(2)
    payloads = [sender.send(b"packet %d" % number, number * 960) for number in range(4)]
    assert {payload_type for payload_type, _ in payloads} == {63}
    redundant, primary = parse_red(payloads[3][1])
    assert [(block.payload, block.timestamp_offset) for block in redundant] == [(b"packet 1", 1920), (b"packet 2", 960)]
    assert primary.payload == b"packet 3"
    assert {block.payload_type for block in (*redundant, primary)} == {111}
    assert [len(parse_red(payload)[0]) for _, payload in payloads] == [0, 1, 2, 2]


def test_offsets_are_right_across_the_wrap_of_the_timestamp() -> None:
    sender = RedSender(1)
    sender.send(b"a", (1 << 32) - 480)
    assert _offsets(sender.send(b"b", 480)[1]) == [960]


def test_copies_too_old_for_the_field_end_the_row() -> None:
    sender = RedSender(3)
    sender.send(b"a", 0)
    sender.send(b"b", 960)
    assert _offsets(sender.send(b"c", 960 + 16383)[1]) == [16383]
    # 400 ms of silence: nothing is young enough.
    assert _offsets(sender.send(b"d", 960 + 16383 + 19200)[1]) == []


def test_copies_that_do_not_fit_end_the_row_even_if_an_older_one_would() -> None:
    sender = RedSender(3, max_bytes=100)
    sender.send(b"a", 0)
    sender.send(bytes(90), 960)
    sender.send(b"c", 1920)
    payload_type, payload = sender.send(b"d", 2880)
    assert (payload_type, _offsets(payload)) == (63, [960])


@pytest.mark.parametrize(("primary_bytes", "num_copies"), [(34, 1), (35, 0), (39, 0)])
def test_the_payload_never_exceeds_its_limit(primary_bytes: int, num_copies: int) -> None:
    sender = RedSender(2, max_bytes=40)
    sender.send(b"a", 0)
    payload_type, payload = sender.send(bytes(primary_bytes), 960)
    assert payload_type == 63
    assert len(payload) <= 40
    assert len(_offsets(payload)) == num_copies


@pytest.mark.parametrize("packet", [b"", bytes(40), bytes(1024)], ids=["empty", "no room", "too large a copy"])
def test_a_packet_that_red_cannot_carry_travels_alone(packet: bytes) -> None:
    sender = RedSender(2, max_bytes=40 if len(packet) == 40 else 1200)
    sender.send(b"a", 0)
    assert sender.send(packet, 960) == (111, packet)
    redundant, _ = parse_red(sender.send(b"c", 1920)[1])
    assert b"a" in [block.payload for block in redundant] or len(packet) == 40
    assert all(len(block.payload) <= 1023 for block in redundant)


def test_copies_are_stripped_and_the_primary_is_not() -> None:
    sender = RedSender(1, strip=lambda packet: packet[:2])
    sender.send(b"long", 0)
    redundant, primary = parse_red(sender.send(b"longer", 960)[1])
    assert [block.payload for block in redundant] == [b"lo"]
    assert primary.payload == b"longer"


def test_a_large_packet_becomes_a_copy_if_stripping_makes_it_small() -> None:
    sender = RedSender(1, max_bytes=2000, strip=lambda packet: packet[:2])
    assert sender.send(bytes(1500), 0) == (111, bytes(1500))
    assert [block.payload for block in parse_red(sender.send(b"b", 960)[1])[0]] == [b"\0\0"]


def test_without_copies_the_sender_still_speaks_red() -> None:
    sender = RedSender(0, red_payload_type=100, opus_payload_type=96)
    for number in range(3):
        assert sender.send(b"a", number * 960) == (100, b"\x60a")


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"num_copies": -1}, "0-9"),
        ({"num_copies": 10}, "0-9"),
        ({"num_copies": 1, "max_bytes": 0}, "at least 1"),
        ({"num_copies": 1, "red_payload_type": 128}, "0-127"),
        ({"num_copies": 1, "opus_payload_type": -1}, "0-127"),
    ],
)
def test_an_impossible_sender_is_refused_with_the_allowed_range(settings: dict[str, int], rule: str) -> None:
    num_copies = settings.pop("num_copies")
    with pytest.raises(UsageError, match=rule):
        RedSender(num_copies, **settings)


@given(
    st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 40_000)), max_size=30),
    st.integers(0, 9),
    st.integers(1, 1400),
)
def test_whatever_is_sent_the_payloads_obey_every_limit(
    packets: list[tuple[int, int]], num_copies: int, max_bytes: int
) -> None:
    sender = RedSender(num_copies, max_bytes=max_bytes)
    timestamp = 0
    for number, (num_bytes, step) in enumerate(packets):
        timestamp += step
        packet = bytes([number]) * num_bytes
        payload_type, payload = sender.send(packet, timestamp % (1 << 32))
        if payload_type == 111:
            assert payload == packet
            continue
        redundant, primary = parse_red(payload)
        assert len(payload) <= max_bytes
        assert len(redundant) <= num_copies
        assert primary.payload == packet
        ages = [block.timestamp_offset for block in redundant]
        assert ages == sorted(ages, reverse=True)


def test_the_number_of_copies_may_change_between_packets() -> None:
    sender = RedSender(1)
    counts = []
    for number in range(8):
        if number == 3:
            sender.num_copies = 3
        if number == 6:
            sender.num_copies = 0
        counts.append(len(parse_red(sender.send(b"packet", 960 * number)[1])[0]))
    # Copies that were not wanted before are there at once.
    assert counts == [0, 1, 1, 3, 3, 3, 0, 0]
    with pytest.raises(UsageError, match="0-9"):
        sender.num_copies = 10


def test_the_padding_that_holds_redundancy_is_stripped_from_copies_and_stays_in_the_primary() -> None:
    sender = RedSender(2, strip=strip_extensions)
    frame = write_packet(Toc(config=9), [bytes(30)])
    packets = [add_extension(frame, 126, b"D\x0c" + bytes([number]) * 200) for number in range(3)]
    payload = [sender.send(packet, 960 * number)[1] for number, packet in enumerate(packets)][-1]
    redundant, primary = parse_red(payload)
    assert [block.payload for block in redundant] == [frame, frame]
    assert primary.payload == packets[2]

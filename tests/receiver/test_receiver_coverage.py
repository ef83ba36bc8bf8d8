"""Redundancy is parsed and decoded as far back as a gap reaches, and further when another asks."""

import numpy as np
import pytest
from constant_parts import PACKET_RTP, TABLES, CountingDecoder, make_packet, row_value
from hypothesis import given
from hypothesis import strategies as st

from dred.receiver import BufferedPacket, DecodedRedundancy, RedundancyReader, read_redundancy

FRAME_RTP = 480
TIMESTAMP = 100 * PACKET_RTP


class RecordingDecoder(CountingDecoder):
    """Remembers how many latents it was given at a time."""

    def __init__(self) -> None:
        self.num_latents: list[int] = []

    def decode_latents(self, state: list[int], latents: np.ndarray, levels: np.ndarray) -> np.ndarray:
        assert len(latents) == len(levels)
        self.num_latents.append(len(latents))
        return super().decode_latents(state, latents, levels)


def read(decoder: CountingDecoder, *, num_latents: int = 20, asked_for: int | None = None) -> DecodedRedundancy:
    packet = BufferedPacket.from_payload(
        make_packet(1, num_latents=num_latents), sequence=100, timestamp=TIMESTAMP, is_copy=False
    )
    redundancy = read_redundancy(packet, [RedundancyReader(tables=TABLES, decoder=decoder)], asked_for=asked_for)
    assert redundancy is not None
    return redundancy


def shown(redundancy: DecodedRedundancy, timestamp: int, num_frames: int) -> list[float | None]:
    """What stands in the rows, None where they are unknown."""
    features, unknown = redundancy.features_from(timestamp, num_frames)
    assert features.shape == (num_frames, 20)
    return [None if number in unknown else float(row[0]) for number, row in enumerate(features)]


def test_a_short_gap_takes_one_call_about_the_latents_that_reach_it() -> None:
    decoder = RecordingDecoder()
    gap = TIMESTAMP - PACKET_RTP
    redundancy = read(decoder, asked_for=gap)
    assert redundancy.covers(gap)
    # 50 ms before the gap up to its end; the newest frame needed of the 25 ms ahead is row 1 of the packet.
    assert shown(redundancy, gap - 5 * FRAME_RTP, 7) == [row_value(row) for row in range(7, 0, -1)]
    assert decoder.num_latents == [2]


def test_asking_further_back_decodes_only_what_is_missing() -> None:
    decoder = RecordingDecoder()
    redundancy = read(decoder, asked_for=TIMESTAMP)
    for back in (2, 10, 40, 10):
        timestamp = TIMESTAMP - back * FRAME_RTP
        assert redundancy.covers(timestamp)
        assert shown(redundancy, timestamp, 2) == [row_value(back), row_value(back - 1)]
    assert sum(decoder.num_latents) == 11


def test_a_time_that_is_not_covered_is_not_decoded() -> None:
    decoder = RecordingDecoder()
    redundancy = read(decoder, num_latents=3, asked_for=TIMESTAMP - 50 * FRAME_RTP)
    assert not redundancy.covers(TIMESTAMP - 50 * FRAME_RTP)
    assert shown(redundancy, TIMESTAMP - 50 * FRAME_RTP, 4) == [None] * 4
    assert shown(redundancy, TIMESTAMP + 5 * FRAME_RTP, 4) == [None] * 4
    assert decoder.num_latents == []


@pytest.mark.parametrize(
    ("back", "rows"), [(13, (None, None, 11, 10)), (2, (2, 1, 0, None)), (0, (0, None, None, None))]
)
def test_the_edges_of_what_is_covered_are_told(back: int, rows: tuple[int | None, ...]) -> None:
    redundancy = read(RecordingDecoder(), num_latents=3)
    expected = [None if row is None else row_value(row) for row in rows]
    assert shown(redundancy, TIMESTAMP - back * FRAME_RTP, 4) == expected


@given(
    asked_for=st.none() | st.integers(-120, 20),
    asked=st.lists(st.tuples(st.integers(-120, 20), st.integers(1, 30)), min_size=1, max_size=6),
)
def test_whatever_is_asked_in_whatever_order_gives_the_same(
    asked_for: int | None, asked: list[tuple[int, int]]
) -> None:
    lazy = read(RecordingDecoder(), asked_for=None if asked_for is None else TIMESTAMP + asked_for * FRAME_RTP)
    for frames, num_frames in asked:
        timestamp = TIMESTAMP + frames * FRAME_RTP
        whole = read(RecordingDecoder())
        assert lazy.covers(timestamp) == whole.covers(timestamp)
        assert shown(lazy, timestamp, num_frames) == shown(whole, timestamp, num_frames)

"""Which latents a packet takes, where they lie in time, and how silence is left out."""

import numpy as np
import pytest
from counting_encoder import CountingEncoder, parse_written, steps_of

from dred.bitstream import ParsedRedundancy
from dred.errors import UsageError
from dred.sender import DredConfig, LatentHistory

VOIP_LOOKAHEAD = 104
LOW_DELAY_LOOKAHEAD = 40
ALL = DredConfig(dq=0, q0=0)


class Talk:
    """A history that is fed packet by packet."""

    def __init__(self, *, lookahead_samples: int = VOIP_LOOKAHEAD) -> None:
        self.encoder = CountingEncoder()
        self.history = LatentHistory(self.encoder.tables, lookahead_samples=lookahead_samples)

    def push(self, *, packet_ms: float = 20, active: bool = True, count: int = 1) -> None:
        for _ in range(count):
            for step in self.history.take_in(np.zeros(int(packet_ms * 16), np.float32), active=active):
                self.history.remember(*self.encoder.encode(step))

    def write(self, config: DredConfig = ALL, *, max_bytes: int = 1000) -> ParsedRedundancy | None:
        written = self.history.write(config, max_bytes=max_bytes)
        return None if written is None else parse_written(written, self.encoder)

    def send(self, *, packet_ms: float = 20, active: bool = True) -> ParsedRedundancy | None:
        self.push(packet_ms=packet_ms, active=active)
        return self.write()


def test_a_packet_takes_the_newest_state_and_every_second_latent_newest_first() -> None:
    talk = Talk()
    talk.push(count=9)
    parsed = talk.write()
    assert parsed is not None
    assert steps_of(parsed) == [9, 7, 5, 3]


@pytest.mark.parametrize(
    ("packet_ms", "lookahead_samples", "offsets"),
    [
        pytest.param(20, VOIP_LOOKAHEAD, [10], id="20 ms"),
        pytest.param(40, VOIP_LOOKAHEAD, [10], id="40 ms"),
        pytest.param(60, VOIP_LOOKAHEAD, [10], id="60 ms"),
        pytest.param(10, VOIP_LOOKAHEAD, [2, 6], id="10 ms"),
        pytest.param(5, VOIP_LOOKAHEAD, [2, 4, -2, 0], id="5 ms"),
        pytest.param(20, LOW_DELAY_LOOKAHEAD, [9], id="20 ms, low delay"),
        pytest.param(10, LOW_DELAY_LOOKAHEAD, [1, 5], id="10 ms, low delay"),
        pytest.param(5, LOW_DELAY_LOOKAHEAD, [1, 3, -3, -1], id="5 ms, low delay"),
    ],
)
def test_offsets_are_those_that_libopus_was_seen_to_send(
    packet_ms: float, lookahead_samples: int, offsets: list[int]
) -> None:
    talk = Talk(lookahead_samples=lookahead_samples)
    talk.push(packet_ms=packet_ms, count=24)
    seen = []
    for _ in range(12):
        parsed = talk.send(packet_ms=packet_ms)
        assert parsed is not None
        seen.append(parsed.offset_ticks)
    cycle = len(offsets)
    assert sorted(seen[:cycle]) == sorted(offsets)
    assert seen == seen[:cycle] * (12 // cycle)


@pytest.mark.parametrize("packet_ms", [10, 20, 40, 60])
def test_offset_and_step_name_the_same_time(packet_ms: int) -> None:
    talk = Talk()
    talk.push(packet_ms=packet_ms, count=6)
    for number in range(6, 12):
        parsed = talk.send(packet_ms=packet_ms)
        assert parsed is not None
        # Step n ends 20 n ms behind the start of the input, 11 samples later; the decoder's output lags by 104.
        end_ms = 20 * steps_of(parsed)[0] - 11 / 16 + 104 / 16
        assert number * packet_ms + parsed.offset_ticks * 2.5 == pytest.approx(end_ms, abs=1.25 + 0.1)


@pytest.mark.parametrize(
    ("duration_ms", "num_latents"),
    [(20, 1), (29, 1), (30, 2), (40, 2), (70, 3), (100, 3), (200, 6), (500, 13), (990, 26), (1000, 26), (1040, 26)],
)
def test_the_duration_sets_the_number_of_latents(duration_ms: int, num_latents: int) -> None:
    talk = Talk()
    talk.push(count=60)
    parsed = talk.write(DredConfig(duration_ms=duration_ms, q0=0, dq=0))
    assert parsed is not None
    assert parsed.num_latents == num_latents


def test_at_the_start_there_are_as_many_latents_as_there_were_pairs_of_steps() -> None:
    talk = Talk()
    counts = []
    for _ in range(6):
        parsed = talk.send()
        counts.append(0 if parsed is None else parsed.num_latents)
    assert counts == [0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("q0", "dq", "qmax", "levels"),
    [
        (6, 5, 15, [6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15]),
        (4, 3, 15, [4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 9, 9]),
        (0, 7, 9, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]),
        (3, 0, 15, [3] * 20),
        (15, 7, 15, [15] * 20),
    ],
)
def test_older_speech_is_coarser_by_the_schedule(q0: int, dq: int, qmax: int, levels: list[int]) -> None:
    talk = Talk()
    talk.push(count=60)
    parsed = talk.write(DredConfig(q0=q0, dq=dq, qmax=qmax))
    assert parsed is not None
    assert (parsed.header.q0, parsed.header.dq, parsed.header.qmax) == (q0, dq, qmax)
    assert parsed.levels[:20].tolist() == levels


@pytest.mark.parametrize("max_bytes", [60, 80, 120, 200])
def test_a_payload_takes_no_more_bytes_than_it_may(max_bytes: int) -> None:
    talk = Talk()
    talk.push(count=60)
    whole, parsed = talk.write(), talk.write(max_bytes=max_bytes)
    assert whole is not None
    assert parsed is not None
    assert max_bytes // 2 < parsed.num_bytes <= max_bytes < whole.num_bytes
    assert steps_of(parsed) == steps_of(whole)[: parsed.num_latents]


def test_a_payload_that_has_no_room_is_left_out() -> None:
    talk = Talk()
    talk.push(count=60)
    assert talk.write(max_bytes=8) is None


# --- silence. Source of the rules: libopus 1.6.1 dnn/dred_encoder.c.


def test_silence_alone_is_not_described() -> None:
    talk = Talk()
    assert [talk.send(active=False) for _ in range(60)] == [None] * 60


def test_silent_latents_at_the_new_end_are_skipped_and_the_offset_says_so() -> None:
    talk = Talk()
    talk.push(count=40)
    last_step = talk.encoder.num_steps
    seen = []
    for _ in range(6):
        parsed = talk.send(active=False)
        assert parsed is not None
        seen.append((steps_of(parsed)[0] - last_step, parsed.offset_ticks))
    # A latent describes 40 ms, so the first one after the last word still holds its end; then 20 ms are 8 ticks.
    assert seen == [(1, 10), (1, 2), (1, -6), (1, -14), (1, -22), (1, -30)]


def test_redundancy_goes_on_until_the_speech_is_out_of_reach_and_then_ends() -> None:
    talk = Talk()
    talk.push(count=40)
    parsed = [talk.send(active=False) for _ in range(80)]
    has_redundancy = [found is not None for found in parsed]
    num_packets = has_redundancy.index(False)
    assert not any(has_redundancy[num_packets:])
    # 26 latents, 52 steps: the last payload holds two latents, since a single one far back is not worth it.
    assert 45 <= num_packets <= 50
    last = parsed[num_packets - 1]
    assert last is not None
    assert last.num_latents == 2
    assert -384 <= last.offset_ticks <= -360


def test_silent_latents_at_the_old_end_are_not_sent() -> None:
    talk = Talk()
    talk.push(count=40, active=False)
    silent_steps = talk.encoder.num_steps
    talk.push(count=6)
    # Just out of silence payloads start late; a packet later they start now.
    talk.write()
    parsed = talk.send()
    assert parsed is not None
    newest = talk.encoder.num_steps
    assert steps_of(parsed)[0] == newest
    # One latent more than holds speech, so that the oldest word has its beginning.
    assert steps_of(parsed)[-1] in (silent_steps - 1, silent_steps)


def test_a_pause_between_two_words_is_sent() -> None:
    talk = Talk()
    talk.push(count=10)
    talk.push(count=10, active=False)
    talk.push(count=10)
    talk.write()
    parsed = talk.send()
    assert parsed is not None
    assert steps_of(parsed) == list(range(31, 1, -2))


def test_just_out_of_silence_the_redundancy_stays_where_it_was_once() -> None:
    talk = Talk()
    talk.push(count=40)
    before = [talk.send(active=False) for _ in range(6)][-1]
    onset, after = talk.send(), talk.send()
    assert before is not None
    assert onset is not None
    assert after is not None
    # The first packet of speech carries the onset itself: its redundancy ends where that of the packet before it did.
    assert steps_of(onset)[0] == steps_of(before)[0]
    assert onset.offset_ticks == before.offset_ticks - 8
    assert steps_of(after)[0] == talk.encoder.num_steps
    assert after.offset_ticks == 10


def test_a_single_latent_far_back_is_not_worth_an_extension() -> None:
    talk = Talk()
    talk.push(count=40, active=False)
    talk.push(count=1)
    talk.push(count=6, active=False)
    parsed = talk.write()
    assert parsed is None or parsed.num_latents > 1


@pytest.mark.parametrize("num_samples", [100, 1_960])
def test_a_packet_is_a_multiple_of_the_shortest_frame_up_to_120_ms(num_samples: int) -> None:
    with pytest.raises(UsageError, match="40 samples"):
        Talk().history.take_in(np.zeros(num_samples, np.float32), active=True)


@pytest.mark.parametrize("part", [0, 1], ids=["latent", "state"])
def test_values_that_are_not_finite_are_refused(part: int) -> None:
    talk = Talk()
    talk.push(count=2)
    pair = [np.zeros(dim, np.float32) for dim in (talk.encoder.tables.latent.dim, talk.encoder.tables.state.dim)]
    pair[part][3] = np.nan
    talk.history.remember(*pair)
    with pytest.raises(UsageError, match="finite"):
        talk.write()


@pytest.mark.parametrize("lookahead_samples", [-1, 641])
def test_a_look_ahead_that_no_offset_can_tell_is_refused(lookahead_samples: int) -> None:
    with pytest.raises(UsageError, match="0 to 640"):
        Talk(lookahead_samples=lookahead_samples)


def test_the_longest_look_ahead_can_be_told() -> None:
    talk = Talk(lookahead_samples=640)
    talk.push(count=4)
    parsed = talk.write()
    assert parsed is not None
    assert parsed.offset_ticks == 16

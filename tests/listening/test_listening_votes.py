"""Votes on disk: one per step, balanced rows, several at once, and all there after a process is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dred.errors import FileFormatError, UsageError
from dred.listening import Step, Votes
from dred.listening.votes import TooManyRatersError, VoteOutOfTurnError

STEPS = tuple(Step(f"item{number}", swapped=number % 2 == 1) for number in range(5))


@pytest.fixture
def votes(tmp_path: Path) -> Votes:
    return Votes(tmp_path / "votes.sqlite3", "plan")


def start(votes: Votes, token: str = "t", now_s: float = 0.0, num_rows: int = 4) -> int:
    return votes.start_rater(token, now_s, num_rows, lambda row, rater: STEPS)


def test_steps_are_answered_in_their_order_and_come_back_as_cast(votes: Votes) -> None:
    rater = start(votes, now_s=100.0)
    for number, step in enumerate(STEPS):
        current = votes.current_step(rater)
        assert current is not None
        assert (current.number, current.step) == (number, step)
        votes.record(rater, number, answer=number + 1, plays=2, now_s=110.0 + 3 * number)
    assert votes.current_step(rater) is None
    cast = votes.cast()
    assert [(vote.step, vote.answer, vote.plays) for vote in cast] == [(step, n, 2) for n, step in enumerate(STEPS, 1)]
    assert [vote.seconds for vote in cast] == [10, 3, 3, 3, 3]


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_vote_out_of_turn_is_refused_and_changes_nothing(votes: Votes, number: int) -> None:
    rater = start(votes)
    votes.record(rater, 0, 4, 1, 1.0)
    with pytest.raises(VoteOutOfTurnError, match="but 1"):
        votes.record(rater, number, 1, 1, 2.0)
    assert [vote.answer for vote in votes.cast()] == [4]


def test_a_listener_is_known_by_the_token_and_the_file_does_not_hold_it(votes: Votes, tmp_path: Path) -> None:
    rater = start(votes, token="a-very-secret-token")
    assert votes.find_rater("a-very-secret-token") == rater
    assert votes.find_rater("another") is None
    votes.close()
    assert not any(b"a-very-secret-token" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_new_listener_gets_the_row_with_the_fewest_listeners(votes: Votes) -> None:
    rows: list[int] = []

    def remember(row: int, rater: int) -> tuple[Step, ...]:
        rows.append(row)
        return STEPS

    for number in range(7):
        votes.start_rater(f"t{number}", float(number), 3, remember)
    assert rows == [0, 1, 2, 0, 1, 2, 0]


def test_rows_of_those_who_gave_up_are_free_again_and_of_those_who_finished_are_not(votes: Votes) -> None:
    rows: list[int] = []

    def remember(row: int, rater: int) -> tuple[Step, ...]:
        rows.append(row)
        return STEPS

    finisher = votes.start_rater("finishes", 0.0, 3, remember)
    votes.start_rater("gives up", 0.0, 3, remember)
    for number in range(len(STEPS)):
        votes.record(finisher, number, 1, 1, 1.0)
    a_day_later = 86_400.0
    for number in range(3):
        votes.start_rater(f"later{number}", a_day_later, 3, remember)
    assert rows == [0, 1, 1, 2, 0]


def test_many_listeners_at_once_are_all_kept_apart(votes: Votes) -> None:
    def take_part(number: int) -> int:
        rater = start(votes, token=f"t{number}", num_rows=4)
        for place in range(len(STEPS)):
            votes.record(rater, place, number % 5 + 1, 1, float(place))
        return rater

    with ThreadPoolExecutor(8) as pool:
        raters = list(pool.map(take_part, range(24)))
    assert sorted(raters) == list(range(24))
    assert Counter(vote.rater for vote in votes.cast()) == dict.fromkeys(range(24), len(STEPS))


def test_of_two_votes_for_a_step_at_once_one_is_kept(votes: Votes) -> None:
    rater = start(votes)

    def vote(answer: int) -> bool:
        try:
            votes.record(rater, 0, answer, 1, 0.0)
        except VoteOutOfTurnError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(vote, range(1, 9)))
    assert sum(kept) == 1
    assert [cast.answer for cast in votes.cast()] == [kept.index(True) + 1]


def test_two_processes_share_a_file(votes: Votes, tmp_path: Path) -> None:
    other = Votes(tmp_path / "votes.sqlite3", "plan")
    rater = start(votes)
    other.record(rater, 0, 3, 1, 0.0)
    current = votes.current_step(rater)
    assert current is not None
    assert current.number == 1


KILLED = """
import sys
from pathlib import Path
from dred.listening import Step, Votes

votes = Votes(Path(sys.argv[1]), "plan")
rater = votes.start_rater("t", 0.0, 1, lambda row, rater: [Step(f"item{n}") for n in range(100_000)])
for number in range(100_000):
    votes.record(rater, number, number % 5 + 1, 1, float(number))
    print(number, flush=True)
"""


def test_every_acknowledged_vote_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite3"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.communicate()[0].splitlines() if line.endswith(tuple("0123456789"))]
    survived = Votes(path, "plan").cast()
    assert len(survived) >= len(acknowledged) >= 50
    assert [vote.answer for vote in survived] == [number % 5 + 1 for number in range(len(survived))]


def test_votes_of_another_plan_are_refused(votes: Votes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="belong to another plan"):
        Votes(tmp_path / "votes.sqlite3", "another plan")


def test_what_is_no_file_of_votes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite3"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(FileFormatError, match="a file of votes"):
        Votes(path, "plan")


def test_a_file_that_cannot_be_made_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot use .*unable to open"):
        Votes(tmp_path / "missing" / "votes.sqlite3", "plan")


def test_a_test_takes_a_thousand_listeners_and_no_more(votes: Votes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dred.listening.votes._MAX_RATERS", 3)
    raters = [start(votes, token=f"t{number}") for number in range(3)]
    with pytest.raises(TooManyRatersError, match="has the 3 listeners"):
        start(votes, token="one too many")
    assert votes.find_rater("one too many") is None
    votes.record(raters[0], 0, 1, 1, 1.0)


def test_damage_that_shows_later_is_told(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite3"
    votes = Votes(path, "plan")
    for number in range(200):
        start(votes, token=f"t{number}")
    votes.close()
    whole = path.read_bytes()
    # All but the first page, which names the tables.
    path.write_bytes(whole[:4096] + b"x" * (len(whole) - 4096))
    with pytest.raises(FileFormatError, match="a file of votes"):
        Votes(path, "plan").cast()


def test_tables_of_another_program_are_told(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE votes (election TEXT)")
    connection.close()
    with pytest.raises(UsageError, match=r"cannot use .*votes\.sqlite3: cannot join"):
        Votes(path, "plan").cast()


def test_a_file_that_another_process_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dred.listening.votes._BUSY_TIMEOUT_S", 0.05)
    votes = Votes(tmp_path / "votes.sqlite3", "plan")
    holder = sqlite3.connect(tmp_path / "votes.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(UsageError, match="locked"):
        start(votes)
    holder.execute("ROLLBACK")
    assert start(votes) == 0
    holder.close()

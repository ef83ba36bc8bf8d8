"""The votes, in an SQLite file: what was acknowledged is on the disk, whatever happens to the process.

    start_rater -> steps of this listener -> current_step ... record -> the next one -> ... -> None: done

No name, address or browser of a listener is kept; of the token that a browser holds, a digest.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from dred.errors import FileFormatError, UsageError
from dred.listening.steps import Step

__all__ = ["CastVote", "CurrentStep", "TooManyRatersError", "VoteOutOfTurnError", "Votes"]

_BUSY_TIMEOUT_S = 10.0
# Who has not voted for so long may have given up: their row is free for the next listener.
_PATIENCE_S = 3600.0
# Of one test: anyone who reaches the server can begin, and nothing may grow without an end. Our choice.
_MAX_RATERS = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS test (plan TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS raters (
    number INTEGER PRIMARY KEY, token_digest TEXT NOT NULL UNIQUE, plan_row INTEGER NOT NULL, started_s REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS steps (
    rater INTEGER NOT NULL REFERENCES raters, step INTEGER NOT NULL, item TEXT NOT NULL, swapped INTEGER NOT NULL,
    PRIMARY KEY (rater, step), UNIQUE (rater, item)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS votes (
    rater INTEGER NOT NULL, step INTEGER NOT NULL, answer INTEGER NOT NULL, plays INTEGER NOT NULL,
    voted_s REAL NOT NULL, PRIMARY KEY (rater, step), FOREIGN KEY (rater, step) REFERENCES steps
) WITHOUT ROWID;
"""


class VoteOutOfTurnError(UsageError):
    """A vote for another step than the one that is next: a second vote, or one from another window."""


class TooManyRatersError(UsageError):
    """A test takes no more listeners."""


@dataclass(frozen=True, slots=True)
class CurrentStep:
    """What a listener has to answer now.

    Attributes:
        number: Counted from 0 over all steps.
        step: What is heard.
    """

    number: int
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class CastVote:
    """An answer as it was given.

    Attributes:
        rater: Number of the listener, from 0.
        number: Of the step.
        step: What was heard.
        answer: Counted from 1.
        plays: How often it was played.
        seconds: Since the answer before, or the start.
    """

    rater: int
    number: int
    step: Step
    answer: int
    plays: int
    seconds: float


class Votes:
    """All votes of a test; safe to use from several threads, and from several processes."""

    def __init__(self, path: Path, plan: str) -> None:
        """Open or create the file of a test.

        Args:
            path: The file.
            plan: Digest of the test's plan.

        Raises:
            UsageError: The file cannot be opened, or belongs to another plan.
            FileFormatError: It is not a file of votes.
        """
        self._path = path
        self._lock = threading.Lock()
        with _explained(path):
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare(plan)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, plan: str) -> None:
        with _explained(self._path):
            self._connection.execute("PRAGMA journal_mode=WAL")
            # A commit waits for the disk: an acknowledged vote survives a power cut, too.
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            self._connection.executescript(_SCHEMA)
        with self._transaction() as connection:
            (stored,) = connection.execute("SELECT max(plan) FROM test").fetchone()
            if stored is None:
                connection.execute("INSERT INTO test VALUES (?)", (plan,))
        if stored not in (None, plan):
            raise UsageError(f"the votes in {self._path} belong to another plan")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def start_rater(
        self, token: str, now_s: float, num_rows: int, make_steps: Callable[[int, int], Sequence[Step]]
    ) -> int:
        """Let a listener in.

        Args:
            token: What this listener will be known by.
            now_s: Time since any epoch.
            num_rows: How many rows the plan has; the one with the fewest listeners is taken.
            make_steps: From a row and the listener's number to the steps.

        Returns:
            The listener's number.

        Raises:
            TooManyRatersError: There are 1000 listeners.
        """
        with self._transaction() as connection:
            (number,) = connection.execute("SELECT ifnull(max(number) + 1, 0) FROM raters").fetchone()
            if number >= _MAX_RATERS:
                raise TooManyRatersError(f"this test has the {_MAX_RATERS} listeners that it takes")
            taken = dict(connection.execute(_TAKEN_ROWS, (now_s - _PATIENCE_S,)).fetchall())
            row = min(range(num_rows), key=lambda candidate: taken.get(candidate, 0))
            connection.execute("INSERT INTO raters VALUES (?, ?, ?, ?)", (number, _digest(token), row, now_s))
            connection.executemany(
                "INSERT INTO steps VALUES (?, ?, ?, ?)",
                [(number, place, step.item, step.swapped) for place, step in enumerate(make_steps(row, number))],
            )
        return int(number)

    def find_rater(self, token: str) -> int | None:
        """Return the listener's number; None for an unknown token."""
        with self._transaction() as connection:
            found = connection.execute("SELECT number FROM raters WHERE token_digest = ?", (_digest(token),)).fetchone()
        return found[0] if found else None

    def steps(self, rater: int) -> tuple[Step, ...]:
        """Return all steps of a listener."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT item, swapped FROM steps WHERE rater = ? ORDER BY step", (rater,))
            return tuple(Step(item, bool(swapped)) for item, swapped in rows)

    def current_step(self, rater: int) -> CurrentStep | None:
        """Return what a listener has to answer now; None if all is done."""
        with self._transaction() as connection:
            return _current(connection, rater)

    def record(self, rater: int, number: int, answer: int, plays: int, now_s: float) -> CurrentStep | None:
        """Keep an answer; it is on the disk on return.

        Args:
            rater: The listener.
            number: The step that is answered.
            answer: Counted from 1.
            plays: How often it was played.
            now_s: Time since the same epoch.

        Returns:
            What comes next; None if all is done.

        Raises:
            VoteOutOfTurnError: Another step is next. Nothing is kept.
        """
        with self._transaction() as connection:
            current = _current(connection, rater)
            if current is None or current.number != number:
                raise VoteOutOfTurnError(
                    f"step {number} is not to be answered now, but {current.number if current else 'none'}"
                )
            connection.execute("INSERT INTO votes VALUES (?, ?, ?, ?, ?)", (rater, number, answer, plays, now_s))
            return _current(connection, rater)

    def cast(self) -> list[CastVote]:
        """Return all answers, by listener, then in order."""
        with self._transaction() as connection:
            rows = connection.execute(_ALL_VOTES).fetchall()
        return [
            CastVote(
                rater=rater,
                number=number,
                step=Step(item, bool(swapped)),
                answer=answer,
                plays=plays,
                seconds=max(0.0, seconds),
            )
            for rater, number, item, swapped, answer, plays, seconds in rows
        ]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of the body or nothing.

        Raises:
            UsageError: The file cannot be used now: a full disk, another process that holds it for long.
            FileFormatError: It is damaged, or holds something else.
        """
        with self._lock, _explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


_TAKEN_ROWS = """
SELECT plan_row, count(*) FROM raters WHERE
    max(started_s, (SELECT ifnull(max(voted_s), 0) FROM votes WHERE rater = number)) > ?
    OR (SELECT count(*) FROM votes WHERE rater = number) = (SELECT count(*) FROM steps WHERE rater = number)
GROUP BY plan_row
"""
_ALL_VOTES = """
SELECT rater, step, item, swapped, answer, plays,
    voted_s - ifnull(lag(voted_s) OVER (PARTITION BY rater ORDER BY step), started_s)
FROM votes JOIN steps USING (rater, step) JOIN raters ON number = rater ORDER BY rater, step
"""


def _current(connection: sqlite3.Connection, rater: int) -> CurrentStep | None:
    found = connection.execute(
        "SELECT step, item, swapped FROM steps WHERE rater = ?1 "
        "AND step = (SELECT count(*) FROM votes WHERE rater = ?1)",
        (rater,),
    ).fetchone()
    return CurrentStep(found[0], Step(found[1], bool(found[2]))) if found else None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error that names the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UsageError(f"cannot use {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise FileFormatError(f"a file of votes ({error})", value=path.name) from error


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()

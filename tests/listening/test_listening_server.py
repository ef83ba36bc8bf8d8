"""The test as browsers meet it: one vote per step, resumed after a reload, and nothing that a request can break."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_listener import OPINIONS, ScriptedListener
from tone_evaluation import read_tone, tone_evaluation

from asgi_client import Client
from dred.listening import ListeningConfig, Method, Plan, Results, Votes, analyse, join, make_plan, votes_csv
from dred.listening.plan_file import plan_digest

pytest.importorskip("starlette", reason="starlette is not installed")

from dred.listening.server import ListeningTest, build_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SECONDS_PER_ANSWER = 20.0


class Session:
    """A test that runs in this process."""

    def __init__(self, folder: Path, method: Method = Method.ACR) -> None:
        self.plan: Plan = make_plan(tone_evaluation(), ListeningConfig(method=method, per_rater=6))
        self.votes = Votes(folder / "votes.sqlite3", plan_digest(self.plan))
        clock, tokens = count(1), count(1)
        test = ListeningTest(
            plan=self.plan,
            votes=self.votes,
            read_speech=read_tone,
            now_s=lambda: next(clock) * SECONDS_PER_ANSWER,
            new_token=lambda: f"{next(tokens):043d}",
        )
        self.app = build_app(test)

    def client(self) -> Client:
        return Client(self.app)

    def listen(self, listener: ScriptedListener, *, steps: int | None = None) -> Client:
        """Let a listener take part, to the end or for so many steps."""
        client = self.client()
        state = client.post("/raters", {}).json
        for _ in range(10_000 if steps is None else steps):
            if state["stage"] == "done":
                break
            wavs = [client.get(address).body for address in state["audio"]]
            reply = client.vote(state, listener.answer(state, wavs))
            assert reply.status == 200
            state = reply.json
        return client

    def results(self) -> Results:
        return analyse(self.plan, join(self.plan, self.votes.cast()))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


def listener(seed: int, **traits: Any) -> ScriptedListener:
    return ScriptedListener(np.random.default_rng(seed), **traits)


@pytest.mark.parametrize("method", list(Method))
def test_scripted_listeners_opinions_and_biases_are_recovered(tmp_path: Path, method: Method) -> None:
    session = Session(tmp_path, method)
    biases = (0.6, 0.0, 0.0, -0.6)
    for seed, bias in enumerate(biases):
        session.listen(listener(seed, bias=bias))
    session.listen(listener(9, is_careless=True))
    results = session.results()
    assert [rater.counts for rater in results.raters] == [True, True, True, True, False]
    found = {result.condition: result.adjusted.mean for result in results.conditions}
    for one, other in (("clean", "dred"), ("dred", "lbrr"), ("lbrr", "plc")):
        assert found[one] - found[other] == pytest.approx(OPINIONS[one] - OPINIONS[other], abs=0.45)
    assert [result.better for result in results.differences[:1]] == ["clean"]
    # Of a pair the second is judged: who likes what comes last does so in either order, and it cancels.
    expected = 1.2 if method is Method.ACR else 0.0
    assert results.effects[0] - results.effects[3] == pytest.approx(expected, abs=0.5)


def test_a_reload_goes_on_where_the_listener_was(session: Session) -> None:
    client = session.listen(listener(1), steps=9)
    before = client.get("/state").json
    assert before == client.get("/state").json
    assert before["step"] == 9
    assert len(session.votes.cast()) == 9


def test_a_restart_of_the_server_loses_nothing(tmp_path: Path) -> None:
    first = Session(tmp_path)
    cookie = first.listen(listener(1), steps=5).cookie
    first.votes.close()
    second = Session(tmp_path)
    client = second.client()
    client.cookie = cookie
    assert client.get("/state").json["step"] == 5
    assert len(second.votes.cast()) == 5


def test_a_step_takes_one_vote(session: Session) -> None:
    client = session.client()
    state = client.post("/raters", {}).json
    assert client.vote(state, 1).status == 200
    again = client.vote(state, 1)
    assert again.status == 409
    assert again.json["state"]["step"] == 1
    assert client.vote({"step": 7}, 1).status == 409
    assert [vote.answer for vote in session.votes.cast()] == [1]


def test_a_vote_is_checked_against_its_own_step_even_if_another_request_is_faster(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = session.client()
    client.post("/raters", {})
    record = Votes.record

    def overtaken(votes: Votes, rater: int, number: int, answer: int, plays: int, now_s: float) -> object:
        record(votes, rater, 0, 1, 1, now_s)
        return record(votes, rater, number, answer, plays, now_s)

    monkeypatch.setattr(Votes, "record", overtaken)
    # Of three tones none is the ninth.
    assert client.vote({"step": 1}, 9).status == 400
    assert session.votes.cast() == []


def test_listeners_at_the_same_time_do_not_meet(session: Session) -> None:
    clients = [session.client() for _ in range(3)]
    states = [client.post("/raters", {}).json for client in clients]
    assert len({client.cookie for client in clients}) == 3
    for _ in range(4):
        states = [client.vote(state, 1).json for client, state in zip(clients, states)]
    votes = session.votes.cast()
    assert {rater: sum(vote.rater == rater for vote in votes) for rater in range(3)} == dict.fromkeys(range(3), 4)


def test_a_full_test_says_so(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dred.listening.votes._MAX_RATERS", 1)
    session.client().post("/raters", {})
    refused = session.client()
    reply = refused.post("/raters", {})
    assert (reply.status, refused.cookie) == (503, "")
    assert "listeners that it takes" in reply.json["error"]


def test_votes_that_cannot_be_kept_are_not_acknowledged(session: Session) -> None:
    client = session.client()
    state = client.post("/raters", {}).json
    # As on a full disk.
    session.votes._connection.execute("PRAGMA query_only=ON")
    reply = client.vote(state, 1)
    assert (reply.status, reply.json) == (500, {"error": "the computer that runs this page has a problem"})
    session.votes._connection.execute("PRAGMA query_only=OFF")
    assert session.votes.cast() == []


def test_addresses_of_sounds_tell_nothing_and_are_a_listeners_own(session: Session) -> None:
    ours, theirs = session.client(), session.client()
    address = ours.post("/raters", {}).json["audio"][0]
    theirs.post("/raters", {})
    assert not any(word in address for word in ("clean", "dred", "plc", "clip"))
    assert ours.get(address).status == 200
    assert theirs.get(address).status == 404
    assert session.client().get(address).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"step": 0}',
        b'{"step": "0", "answer": 1, "plays": 1}',
        b'{"step": 0, "answer": 99, "plays": 1}',
        b'{"step": -1, "answer": 1, "plays": 1}',
        b"[" * 3_000,
    ],
    ids=range(10),
)
def test_a_vote_that_is_none_is_refused_with_a_reason(session: Session, body: bytes) -> None:
    client = session.client()
    client.post("/raters", {})
    reply = client.request("POST", "/votes", body=body)
    assert reply.status in (400, 413)
    assert reply.json["error"]
    assert session.votes.cast() == []


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.post("/votes", {"step": 0, "answer": 1, "plays": 1}), 403),
        (lambda client: client.get("/nowhere"), 404),
        (lambda client: client.get("/votes"), 405),
        (lambda client: client.get("/audio/x.wav"), 403),
        (lambda client: client.get("/", host="evil.example"), 400),
        (lambda client: client.request("POST", "/votes", body=b"x" * 100_000), 413),
    ],
    ids=["stranger", "path", "method", "sound", "host", "size"],
)
def test_requests_that_break_a_rule_get_a_status_and_a_reason(
    session: Session, ask: Callable[[Client], Any], status: int
) -> None:
    reply = ask(session.client())
    assert reply.status == status
    assert reply.json["error"]


def test_the_table_of_votes_has_all_of_them(session: Session) -> None:
    session.listen(listener(1))
    ballots = join(session.plan, session.votes.cast())
    lines = votes_csv(ballots, session.results()).splitlines()
    assert len(lines) == 1 + len(session.votes.cast())
    assert lines[0].startswith("rater,step,role,condition")

"""Which requests get in at all, and what any bytes come to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_client import Client
from dred.errors import RemoteDataError
from dred.listening.requests import VoteRequest, parse_vote
from dred.local_server import Guard, is_own_host, json_reply

pytest.importorskip("starlette", reason="starlette is not installed")

JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8410", "127.0.0.1:1", "[::1]:8410", "192.168.1.7:8410", "Studio.local:80"]
)
def test_own_names_and_addresses_get_in(host: str) -> None:
    assert is_own_host(host, ["studio.local"])


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example", "evil.example:8410", "a b", "[::1", "localhost:x", "é"]
)
def test_other_names_do_not(host: str) -> None:
    assert not is_own_host(host, ["studio.local"])


def ask(*headers: tuple[bytes, bytes], method: str = "POST", host: str = "127.0.0.1:8410") -> tuple[int, str]:
    reply = Client(Guard(json_reply({}), ())).request(method, "/votes", headers=headers, host=host)
    return reply.status, reply.json.get("error", "")


def test_a_post_of_the_page_itself_gets_in() -> None:
    assert ask(JSON) == (200, "")
    assert ask(JSON, (b"origin", b"http://127.0.0.1:8410")) == (200, "")
    assert ask((b"content-type", b"Application/JSON; charset=utf-8")) == (200, "")


def test_a_page_behind_a_proxy_is_the_same_site_if_the_browser_says_so() -> None:
    assert ask(JSON, (b"origin", b"https://listen.example"), (b"sec-fetch-site", b"same-origin")) == (200, "")


@pytest.mark.parametrize("site", [b"http://evil.example", b"null", b"http://127.0.0.1:9999", b"\xff"])
def test_a_post_from_another_site_does_not(site: bytes) -> None:
    assert ask(JSON, (b"origin", site)) == (400, "the Origin header names another site")
    assert ask(JSON, (b"origin", site), (b"sec-fetch-site", b"cross-site"))[0] == 400


@pytest.mark.parametrize("kind", [b"text/plain", b"application/x-www-form-urlencoded", b"", b"multipart/form-data"])
def test_a_form_of_another_site_does_not(kind: bytes) -> None:
    assert ask((b"content-type", kind)) == (400, "the Content-Type must be application/json")


def test_a_name_that_was_bent_to_this_machine_does_not() -> None:
    assert ask(method="GET", host="evil.example") == (400, "the Host header does not name this machine")


def test_every_reply_forbids_the_browser_what_the_page_does_not_need() -> None:
    headers = Client(Guard(json_reply({}), ())).get("/").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["step", "answer", "plays"]), inner),
    max_leaves=8,
)


@given(st.binary(max_size=2000) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_vote_or_break_a_rule(body: bytes) -> None:
    try:
        vote = parse_vote(body)
    except RemoteDataError:
        return
    assert vote.step >= 0
    assert 1 <= vote.answer <= 9


def test_a_vote_is_read() -> None:
    assert parse_vote(b'{"answer": 4, "plays": 1, "step": 7}') == VoteRequest(7, 4, 1)


@pytest.mark.parametrize(
    "body",
    [
        b'{"step": true, "answer": 1, "plays": 1}',
        b'{"step": 1.0, "answer": 1, "plays": 1}',
        b'{"step": 1, "answer": 0, "plays": 1}',
        b'{"step": 1, "answer": 1, "plays": 0}',
        b'{"step": 1, "answer": 1, "plays": 1, "rater": 0}',
        b'{"step": 1, "answer": NaN, "plays": 1}',
        b'{"step": ' + b"9" * 5000 + b', "answer": 1, "plays": 1}',
        b"[" * 100_000,
    ],
    ids=["true", "float", "answer 0", "plays 0", "more", "nan", "long", "deep"],
)
def test_what_only_looks_like_a_vote_breaks_a_rule(body: bytes) -> None:
    with pytest.raises(RemoteDataError):
        parse_vote(body)

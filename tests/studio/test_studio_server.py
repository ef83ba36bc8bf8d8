"""The studio as a web application: its page, who gets in, and one call at a time."""

import re
from collections.abc import Callable

import pytest

from asgi_client import Client
from dred.errors import RemoteDataError, UsageError
from dred.studio import StudioConfig
from dred.studio.server import build_app
from dred.studio.serving import studio_pages

pytest.importorskip("starlette", reason="starlette is not installed")

OFFER = {"sdp": "v=0"}


class FakeCall:
    """Answers an offer by what it was told."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    async def answer(self, offer: str) -> str:
        if offer != "v=0":
            raise RemoteDataError("a session description")
        return f"answer to {offer}"

    async def close(self, reason: str = "") -> None:
        self.ends.append(reason)


@pytest.fixture
def calls() -> list[FakeCall]:
    return []


@pytest.fixture
def client(calls: list[FakeCall]) -> Client:
    def make_call() -> FakeCall:
        calls.append(FakeCall())
        return calls[-1]

    return Client(build_app(studio_pages(StudioConfig()), make_call))


def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/").body.decode()
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    own = [address for address in addresses if not address.startswith("data:")]
    assert len(own) == 5
    for address in own:
        reply = client.get(address)
        assert reply.status == 200
        assert not re.search(rb"https?://|//[a-z]", re.sub(rb"^\s*//.*$", b"", reply.body, flags=re.MULTILINE))
    assert "http" not in page
    assert " style=" not in page, "the page's policy forbids inline styles"


def test_the_page_offers_every_scheme_and_explains_every_source(client: Client) -> None:
    page = client.get("/").body.decode()
    assert re.findall(r'name="scheme" value="([^"]*)"', page) == [
        "clean", "plc", "neural-plc", "red", "lbrr", "dred", "dred+lbrr"
    ]  # fmt: skip
    for source in ("received", "LBRR", "RED", "DRED", "PLC"):
        assert f"<b>{source}</b>" in page


def test_the_clip_is_there(client: Client) -> None:
    reply = client.get("/clip")
    assert (reply.headers["content-type"], reply.body[:4]) == ("audio/flac", b"fLaC")


def test_a_call_is_answered_and_the_next_one_ends_it(client: Client, calls: list[FakeCall]) -> None:
    assert client.post("/calls", OFFER).json == {"sdp": "answer to v=0"}
    assert calls[0].ends == []
    assert client.post("/calls", OFFER).status == 200
    assert calls[0].ends == ["another page talks to the studio now"]
    assert calls[1].ends == []


@pytest.mark.parametrize("body", [{}, {"sdp": 1}, {"sdp": "v=0", "type": "offer"}, [], {"sdp": "nonsense"}])
def test_what_is_no_offer_is_refused(client: Client, calls: list[FakeCall], body: object) -> None:
    assert client.post("/calls", OFFER).status == 200
    reply = client.post("/calls", body)
    assert reply.status == 400
    assert reply.json["error"]


def test_a_broken_offer_leaves_no_call_behind(client: Client, calls: list[FakeCall]) -> None:
    client.post("/calls", {"sdp": "nonsense"})
    assert calls[0].ends == [""]


def test_a_long_body_is_refused(client: Client) -> None:
    assert client.post("/calls", {"sdp": "a" * 100_000}).status == 413


Ask = Callable[[Client], int]


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get("/", host="evil.example").status,
        lambda client: (
            client.request(
                "POST", "/calls", headers=[(b"content-type", b"application/json"), (b"origin", b"http://evil.example")]
            ).status
        ),
        lambda client: client.request("POST", "/calls", headers=[(b"content-type", b"text/plain")]).status,
    ],
    ids=["bent name", "another site", "form"],
)
def test_strangers_do_not_get_in(client: Client, calls: list[FakeCall], ask: Ask) -> None:
    assert ask(client) == 400
    assert not calls


def test_there_is_nothing_else(client: Client) -> None:
    assert client.get("/calls").status == 405
    assert client.get("/etc").status == 404
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]


def test_the_page_begins_with_the_network_that_is_asked_for() -> None:
    page, _ = studio_pages(StudioConfig(), "train")["/"]
    assert page.count(b" selected") == 1
    assert b'<option value="train" selected>' in page
    with pytest.raises(UsageError, match="moon"):
        studio_pages(StudioConfig(), "moon")

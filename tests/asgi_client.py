"""A browser without a network: requests go straight into an application, byte for byte."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1:8410"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Keeps the cookie that it was given."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cookie = ""

    def get(self, path: str, **named: Any) -> Reply:
        return self.request("GET", path, **named)

    def post(self, path: str, content: object, **named: Any) -> Reply:
        return self.request("POST", path, body=json.dumps(content).encode(), **named)

    def vote(self, state: Any, answer: int) -> Reply:
        return self.post("/votes", {"step": state["step"], "answer": answer, "plays": 1})

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        host: str = HOST,
        headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"application/json"),),
    ) -> Reply:
        sent = [(b"host", host.encode("latin-1")), *headers]
        if self.cookie:
            sent.append((b"cookie", self.cookie.encode("latin-1")))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": sent,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8410),
        }
        reply = asyncio.run(self._ask(scope, body))
        if "set-cookie" in reply.headers:
            self.cookie = reply.headers["set-cookie"].partition(";")[0]
        return reply

    async def _ask(self, scope: dict[str, Any], body: bytes) -> Reply:
        # In pieces, as networks deliver.
        pieces = [body[start : start + 300] for start in range(0, len(body), 300)] or [b""]
        incoming = [
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            for number, piece in enumerate(pieces)
        ]
        outgoing: list[Any] = []

        async def receive() -> Any:
            if incoming:
                return incoming.pop(0)
            return await asyncio.sleep(3600)

        async def send(message: Any) -> None:
            outgoing.append(message)

        await self.app(scope, receive, send)
        start = outgoing[0]
        return Reply(
            start["status"],
            {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]},
            b"".join(message.get("body", b"") for message in outgoing[1:]),
        )

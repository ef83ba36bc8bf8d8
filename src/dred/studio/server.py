"""The studio as a web application, without a socket of its own.

| request      | answer                                                            |
|--------------|-------------------------------------------------------------------|
| GET /        | the page, with its styles and scripts                             |
| GET /clip    | the bundled recording                                             |
| POST /calls  | `{"sdp": offer}` begins a call: `{"sdp": answer}`                 |

There is one call at a time; a new one ends the one before. What breaks a rule gets a status of 400 or above and
`{"error": reason}`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from dred.errors import DredError, RemoteDataError
from dred.local_server import (
    Guard,
    RefusedError,
    data_reply,
    json_reply,
    read_body,
    tell_failure,
    tell_http_error,
    tell_refusal,
)
from dred.studio.messages import MAX_OFFER_BYTES, parse_offer

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
else:
    # An optional package: imported when an application is built.
    Starlette = Request = Response = Any

__all__ = ["AnyCall", "build_app"]


class AnyCall(Protocol):
    """A call, as the application sees it."""

    async def answer(self, offer: str) -> str:
        """Take an offer's session description and return the answer's; RemoteDataError if it is none."""
        ...

    async def close(self, reason: str = "") -> None:
        """End the call and tell the page why."""
        ...


def build_app(
    pages: Mapping[str, tuple[bytes, str]], make_call: Callable[[], AnyCall], names: Collection[str] = ()
) -> Starlette:
    """Build the application.

    Args:
        pages: By path, what is served, and its media type.
        make_call: Prepares a call.
        names: Names of this machine, beside localhost and its addresses, that browsers may use.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect
    from starlette.routing import Route

    handlers = _Handlers(pages, make_call)
    return Starlette(
        routes=[
            *(Route(path, handlers.page, methods=["GET"]) for path in pages),
            Route("/calls", handlers.begin_call, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, names=names)],
        exception_handlers={
            HTTPException: tell_http_error,
            RefusedError: tell_refusal,
            ClientDisconnect: tell_failure,
            DredError: tell_failure,
            Exception: tell_failure,
        },
        lifespan=handlers.lifespan,
    )


class _Handlers:
    """The answers to requests, and the call that is going on."""

    def __init__(self, pages: Mapping[str, tuple[bytes, str]], make_call: Callable[[], AnyCall]) -> None:
        self._pages = pages
        self._make_call = make_call
        self._call: AnyCall | None = None
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await self._end("the studio was closed")

    async def page(self, request: Request) -> Response:
        return data_reply(*self._pages[request.scope["path"]])

    async def begin_call(self, request: Request) -> Response:
        body = await read_body(request, MAX_OFFER_BYTES)
        try:
            offer = parse_offer(body)
            async with self._changing:
                return json_reply({"sdp": await self._exchange(offer)})
        except RemoteDataError as error:
            raise RefusedError(400, error.rule) from error

    async def _exchange(self, offer: str) -> str:
        await self._end("another page talks to the studio now")
        self._call = self._make_call()
        try:
            return await self._call.answer(offer)
        except RemoteDataError:
            await self._end("")
            raise

    async def _end(self, reason: str) -> None:
        call, self._call = self._call, None
        if call is not None:
            await call.close(reason)

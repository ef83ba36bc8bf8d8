"""What stands before every request: which names and sites may ask, and what every reply tells the browser."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from dred.local_server.replies import json_reply

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
else:
    # An optional package.
    ASGIApp = Message = Receive = Scope = Send = Any

__all__ = ["Guard", "is_own_host"]

_HOST_FORM = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "media-src blob:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware: refuses requests under a stranger's name or from another site."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """Stand before an application that is known by these names."""
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        from starlette.datastructures import Headers, MutableHeaders

        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        await (json_reply({"error": refusal}, 400) if refusal else self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> str | None:
        host = headers.get("host", "")
        if scope["type"] != "http" or not is_own_host(host, self._names):
            return "the Host header does not name this machine"
        if scope["method"] == "POST":
            # Other sites cannot send JSON here without asking first, nor hide where they are.
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return "the Content-Type must be application/json"
            # Behind a proxy the page has another name than this server; then the browser tells that they are one.
            is_same = headers.get("sec-fetch-site") == "same-origin"
            if not is_same and headers.get("origin", f"http://{host}") not in (f"http://{host}", f"https://{host}"):
                return "the Origin header names another site"
        return None


def is_own_host(header: str, names: Collection[str]) -> bool:
    """Tell whether a Host header names this machine: an address, or one of the names.

    A page elsewhere can have its own name point to this machine (DNS rebinding), but it cannot have the browser say
    another name. Addresses need no name and are fine.
    """
    form = _HOST_FORM.fullmatch(header)
    if form is None:
        return False
    host = form[1].strip("[]").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host in {"localhost", *(name.lower() for name in names)}
    return True

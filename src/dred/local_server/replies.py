"""Replies to browsers, and bodies from them."""

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
else:
    # An optional package: imported when there is something to reply.
    Request = Response = Any

__all__ = ["RefusedError", "data_reply", "json_reply", "read_body", "tell_failure", "tell_http_error", "tell_refusal"]

logger = logging.getLogger(__name__)


class RefusedError(Exception):
    """A request that cannot be granted.

    Attributes:
        status: The status of HTTP.
        reason: Why.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def data_reply(data: bytes, media_type: str) -> Response:
    """Reply with data."""
    from starlette.responses import Response

    return Response(data, media_type=media_type)


def json_reply(content: Mapping[str, Any], status: int = 200) -> Response:
    """Reply with JSON."""
    from starlette.responses import Response

    return Response(json.dumps(content).encode(), status, media_type="application/json")


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a body of at most `max_bytes`.

    Raises:
        RefusedError: It is longer.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise RefusedError(413, f"a body has at most {max_bytes} bytes")
    return body


async def tell_refusal(request: Request, error: Any) -> Response:
    """Tell why a request is refused."""
    return json_reply({"error": error.reason}, error.status)


async def tell_http_error(request: Request, error: Any) -> Response:
    """Tell that there is no such page, or that it wants another method."""
    reply = json_reply({"error": error.detail}, error.status_code)
    reply.headers.update(error.headers or {})
    return reply


async def tell_failure(request: Request, error: Exception) -> Response:
    """Tell that this machine failed: a full disk, a file that is gone."""
    logger.error("%s %s: %s", request.method, request.url.path, error)
    return json_reply({"error": "the computer that runs this page has a problem"}, 500)

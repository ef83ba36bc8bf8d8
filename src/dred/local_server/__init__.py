"""What pages served to a browser on this machine share: who may ask, replies, and serving itself.

A request passes the `Guard`, which knows this machine's names and the page's own site; then the application answers.
"""

from dred.local_server.guard import Guard, is_own_host
from dred.local_server.replies import (
    RefusedError,
    data_reply,
    json_reply,
    read_body,
    tell_failure,
    tell_http_error,
    tell_refusal,
)
from dred.local_server.serving import own_names, require_packages, serve_app

__all__ = [
    "Guard",
    "RefusedError",
    "data_reply",
    "is_own_host",
    "json_reply",
    "own_names",
    "read_body",
    "require_packages",
    "serve_app",
    "tell_failure",
    "tell_http_error",
    "tell_refusal",
]

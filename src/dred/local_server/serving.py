"""An application on an address of this machine, until the process is interrupted."""

import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dred.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp
else:
    # An optional package.
    ASGIApp = Any

__all__ = ["own_names", "require_packages", "serve_app"]

_GRACE_S = 3


def require_packages(purpose: str, names: Sequence[str], extra: str) -> None:
    """Check that optional packages are installed.

    Args:
        purpose: What needs them, to begin a sentence with.
        names: Their names.
        extra: The extra of dred that brings them.

    Raises:
        UsageError: One is missing.
    """
    if any(find_spec(name) is None for name in names):
        raise UsageError(f"{purpose} needs {', '.join(names[:-1])} and {names[-1]}: pip install 'dred[{extra}]'")


def own_names(host: str) -> tuple[str, ...]:
    """Return the names that browsers may call this machine by, when it listens on an address."""
    return (host, socket.gethostname(), f"{socket.gethostname()}.local")


def serve_app(app: ASGIApp, *, host: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serve until the process is interrupted. Needs uvicorn.

    Args:
        app: The application.
        host: Address to listen on.
        port: 0 to 65535; 0 for any that is free.
        on_start: Called with the address once browsers can connect.

    Raises:
        UsageError: The address cannot be used.
        KeyboardInterrupt: The process was interrupted.
    """
    import uvicorn

    with _listening_socket(host, port) as listening:
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE_S
        )
        shown = f"[{host}]" if ":" in host else host
        on_start(f"http://{shown}:{listening.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listening])


def _listening_socket(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"cannot listen on {host}, port {port}: {reason}") from error

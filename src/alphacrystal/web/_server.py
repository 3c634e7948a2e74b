"""Serving until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import uvicorn

from alphacrystal.errors import InputError
from alphacrystal.web._application import create_app
from alphacrystal.web._connections import LimitedConnection
from alphacrystal.web._job import JOBS_FOLDER, SERVER_LOCK
from alphacrystal.web._process import locked
from alphacrystal.web._settings import ServeSettings

BACKLOG = 128


def serve(settings: ServeSettings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve the page and the API until the process is interrupted.

    Args:
        settings: Where and for whom.
        on_ready: Called with the page's address once it can be opened; it ends in # and the token.

    Raises:
        InputError: The address or the folder cannot be used.
    """
    app = create_app(settings)
    with _exclusive(settings.folder), contextlib.closing(_listen(settings)) as listener:
        config = uvicorn.Config(
            app,
            http=LimitedConnection,
            ws="none",
            log_level=logging.ERROR,  # each malformed request would be a warning
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=3,
        )
        server = uvicorn.Server(config)
        if on_ready is not None:
            on_ready(page_address(settings, listener.getsockname()[1]))
        server.run(sockets=[listener])


def page_address(settings: ServeSettings, port: int) -> str:
    """Address of the page; the part behind # never leaves the browser."""
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(settings.host, settings.host)  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    token = "" if settings.token is None else f"#token={quote(settings.token, safe='')}"
    return f"http://{host}:{port}/{token}"


def _listen(settings: ServeSettings) -> socket.socket:
    try:
        addresses = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        return socket.create_server(addresses[0][4][:2], family=addresses[0][0], backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not an address"
        listener = f"{settings.host} port {settings.port}"
        raise InputError(
            f"Cannot listen on {listener} ({reason}): choose another --port or --host."
        ) from error


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder: two servers would start its jobs twice."""
    lock = folder / JOBS_FOLDER / SERVER_LOCK
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(lock))
        except BlockingIOError as error:
            raise InputError(
                f"Another server has the folder {folder}: stop it, or choose another --folder."
            ) from error
        except OSError as error:
            raise InputError(
                f"The file {lock} cannot be used as a lock ({error.strerror or error}): delete it."
            ) from error
        yield

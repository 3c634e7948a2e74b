"""The application: its parts, its routes, and one sentence for each error."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alphacrystal import __version__
from alphacrystal.errors import (
    AlphaCrystalError,
    ConflictError,
    FolderGoneError,
    InputError,
    MissingError,
    OverloadedError,
    QueueFullError,
    StorageLimitError,
    TimeLimitError,
    TooLargeError,
    WrongTokenError,
    one_line,
)
from alphacrystal.web import _exploration_routes, _job_routes, _page_routes, _run_routes, _series_routes
from alphacrystal.web._compare import PRELOAD, TIME_LIMIT_S
from alphacrystal.web._disk import DiskGauge
from alphacrystal.web._exploration import ExplorationLibrary
from alphacrystal.web._guard import Guard
from alphacrystal.web._inputs import PRELOAD as STRUCTURE_PRELOAD
from alphacrystal.web._library import RunLibrary
from alphacrystal.web._names import plain_text
from alphacrystal.web._parts import ServerParts
from alphacrystal.web._pattern import PRELOAD as PATTERN_PRELOAD
from alphacrystal.web._pool import ComputePool
from alphacrystal.web._queue import JobQueue
from alphacrystal.web._settings import ServeSettings, check_access

COMPARE_LIMIT_S = TIME_LIMIT_S + 10  # the clock is not checked within one pair
STRUCTURE_LIMIT_S = 10.0
PATTERN_LIMIT_S = 20.0

#: HTTP status by error; other errors of the input have 422, failures of the server 500.
STATUSES: dict[type[AlphaCrystalError], int] = {
    WrongTokenError: 403,
    MissingError: 404,
    ConflictError: 409,
    StorageLimitError: 409,
    TooLargeError: 413,
    QueueFullError: 429,
    FolderGoneError: 503,
    OverloadedError: 503,
    TimeLimitError: 504,
}

_log = logging.getLogger(__name__)

DESCRIPTION = (
    "Crystal structure prediction: start jobs, watch them, read and compare their results. If the server "
    "has a token, send it as `Authorization: Bearer TOKEN`."
)


def create_app(settings: ServeSettings) -> FastAPI:
    """The server as an ASGI application; its jobs start and stop with it.

    Raises:
        InputError: The address needs a token and there is none, or the folder cannot be used.
    """
    check_access(settings)
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        folder = settings.folder.resolve(strict=True)
        disk = DiskGauge(folder, settings.limits.disk_mb)
        queue = JobQueue(folder, settings.limits, disk)
    except OSError as error:
        raise InputError(
            f"The folder {settings.folder} cannot be written ({error.strerror}): choose another --folder."
        ) from error

    comparisons = ComputePool(
        "comparing runs", processes=1, waiting=2, limit_s=COMPARE_LIMIT_S, preload=PRELOAD
    )
    structures = ComputePool(
        "reading structures",
        processes=1,
        waiting=8,
        limit_s=STRUCTURE_LIMIT_S,
        preload=(*PRELOAD, *STRUCTURE_PRELOAD),
    )
    patterns = ComputePool(
        "reading powder patterns",
        processes=1,
        waiting=4,
        limit_s=PATTERN_LIMIT_S,
        preload=PATTERN_PRELOAD,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(disk.open)
        await run_in_threadpool(queue.open)
        try:
            yield
        finally:
            for pool in (comparisons, structures, patterns):
                await run_in_threadpool(pool.close)
            await run_in_threadpool(queue.close)
            await run_in_threadpool(disk.close)

    # The usual documentation pages load scripts from other servers: the description alone is served.
    app = FastAPI(
        title="AlphaCrystal",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.parts = ServerParts(
        settings,
        queue,
        RunLibrary(folder),
        ExplorationLibrary(folder),
        disk,
        comparisons,
        structures,
        patterns,
    )
    for routes in (_job_routes, _run_routes, _series_routes, _exploration_routes, _page_routes):
        app.include_router(routes.router)
    app.add_exception_handler(AlphaCrystalError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_values)
    app.add_exception_handler(HTTPException, _refuse_request)
    app.add_exception_handler(Exception, _report_failure)
    app.add_middleware(Guard, settings=settings)
    return app


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AlphaCrystalError)
    default = 422 if error.exit_code == 2 else 500
    return _answer(str(error), STATUSES.get(type(error), default))


async def _refuse_values(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = one_line(".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0]))
    return _answer(f"{field}: {first['msg'].removeprefix('Value error, ')}.", 422)


async def _refuse_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _answer(f"{error.detail}.", error.status_code, error.headers)


async def _report_failure(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer("Internal failure: the server's log says more.", 500)


def _answer(sentence: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": plain_text(sentence)}, status, headers)

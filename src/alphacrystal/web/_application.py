"""The application: its parts, its routes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alphacrystal import __version__
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.web import _job_routes, _page_routes, _run_routes
from alphacrystal.web._disk import DiskGauge
from alphacrystal.web._guard import Guard
from alphacrystal.web._library import RunLibrary
from alphacrystal.web._parts import ServerParts
from alphacrystal.web._queue import JobQueue
from alphacrystal.web._refusals import status_of
from alphacrystal.web._settings import ServeSettings, check_access

_log = logging.getLogger(__name__)

DESCRIPTION = (
    "Crystal structure prediction: start jobs, watch them, read and compare their results. Where the server "
    "asks for a token, send it as `Authorization: Bearer TOKEN`."
)


def create_app(settings: ServeSettings) -> FastAPI:
    """The server as an ASGI application; its jobs start and stop with it.

    Raises:
        InputError: Nobody would be asked for a token where somebody should be, or the folder cannot be used.
    """
    check_access(settings)
    folder = settings.folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        disk = DiskGauge(folder, settings.limits.disk_mb)
        queue = JobQueue(folder, settings.limits, disk)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be written ({error.strerror}): choose another --folder."
        ) from error

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(queue.open)
        try:
            yield
        finally:
            await run_in_threadpool(queue.close)

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
    app.state.parts = ServerParts(settings, queue, RunLibrary(folder), disk)
    for routes in (_job_routes, _run_routes, _page_routes):
        app.include_router(routes.router)
    app.add_exception_handler(AlphaCrystalError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_values)
    app.add_exception_handler(HTTPException, _refuse_plainly)
    app.add_exception_handler(Exception, _fail)
    app.add_middleware(Guard, settings=settings)
    return app


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AlphaCrystalError)
    status = 403 if isinstance(error, _page_routes.WrongTokenError) else status_of(error)
    return JSONResponse({"detail": str(error)}, status)


async def _refuse_values(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return JSONResponse({"detail": f"{place}: {first['msg']}."}, 422)


async def _refuse_plainly(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": f"{error.detail}."}, error.status_code, error.headers)


async def _fail(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"detail": "Internal failure: the server's log says more."}, 500)

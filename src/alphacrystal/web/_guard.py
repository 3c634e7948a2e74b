"""Access control and limits of all requests and answers; wraps the whole application."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from alphacrystal.web._settings import ServeSettings, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 16 * 1024  # of a request without files
BODY_TIME_LIMIT_S = 10.0
UPLOAD_PATH = "/api/jobs"  # its requests may contain a powder pattern and structure files
UPLOAD_TIME_LIMIT_S = 60.0
MAX_UPLOADS = 4  # at the same time: their bodies are in memory
MAX_DISCARDED = 64 * 2**20  # bytes of a request that is too large, read so that its client gets the answer
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
COOKIE = "alphacrystal_session"
#: Open without a token: the empty page, its looks, and the way in.
OPEN_PATHS = {"/", "/api/session"}
OPEN_FOLDER = "/assets/"

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

#: The rest of such a request must not be taken for the next one.
_CLOSE = {"connection": "close"}


class Guard:
    """Checks each request before the application receives it, and adds the same headers to each answer."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app = app
        self._settings = settings
        self._uploads = 0  # at present

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it with a refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets here
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        upload = refusal is None and is_upload(scope)
        if upload and self._uploads >= MAX_UPLOADS:
            upload, refusal = False, _refuse(503, "Too many files arrive: try again in a minute.", _CLOSE)
        self._uploads += upload
        try:
            if refusal is None and scope["method"] not in SAFE_METHODS:
                try:
                    receive = _replay(await self._body(receive, upload=upload), receive)
                except _RefusedBodyError as error:
                    refusal = _refuse(error.status, str(error), _CLOSE)
            await (refusal or self._app)(scope, receive, guarded)
        finally:
            self._uploads -= upload

    async def _body(self, receive: Receive, *, upload: bool) -> bytes:
        """The body of a request.

        Raises:
            _RefusedBodyError: It is too large or too slow.
        """
        seconds = UPLOAD_TIME_LIMIT_S if upload else BODY_TIME_LIMIT_S
        limits = self._settings.limits
        files = limits.pattern_bytes + limits.structures_bytes
        limit = MAX_BODY_BYTES + (files + 2) // 3 * 4 if upload else MAX_BODY_BYTES
        try:
            body = await _read_body(receive, limit, seconds, discarded=MAX_DISCARDED if upload else 0)
        except TimeoutError:
            raise _RefusedBodyError(408, f"The request did not arrive within {seconds:g} s.") from None
        if body is not None:
            return body
        if not upload:
            raise _RefusedBodyError(413, f"A request may have {MAX_BODY_BYTES} bytes at most.")
        raise _RefusedBodyError(
            413,
            f"The request is larger than one with a powder pattern of {limits.pattern_mb:g} MB and structure "
            f"files of {limits.structures_mb:g} MB, the limit of this server: give smaller files.",
        )

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._settings.on_loopback and not _names_loopback(host):
            # A page of another site whose name points to this server (DNS rebinding).
            return _refuse(400, "This server answers only to the name it was started with.")
        if scope["method"] not in SAFE_METHODS:
            origin = headers.get("origin")
            foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
            if foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site"):
                return _refuse(403, "Requests from pages of other sites are refused.")
        token = self._settings.token
        if token is not None and not _is_open(scope["path"]) and not has_token(headers, token):
            return _refuse(401, "Give the server's token.", {"WWW-Authenticate": "Bearer"})
        return None


def session_of(token: str) -> str:
    """Value of the session cookie, instead of the token."""
    return hmac.new(token.encode(), b"alphacrystal session", hashlib.sha256).hexdigest()


def equal_secrets(secret: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing."""
    return secrets.compare_digest(secret.encode("utf-8", "surrogateescape"), expected.encode())


def has_token(headers: Headers, token: str) -> bool:
    """Whether a request carries the token (Authorization: Bearer) or a session of it."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and equal_secrets(credentials.strip(), token):
        return True
    try:
        cookies: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return False
    return COOKIE in cookies and equal_secrets(cookies[COOKIE].value, session_of(token))


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)


def _refuse(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status, headers)


class _RefusedBodyError(Exception):
    """A body that is too large or too slow, with the HTTP status and the sentence of the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def is_upload(scope: Mapping[str, Any]) -> bool:
    """Whether a request may contain files: its route takes one, and it has no small length."""
    if scope["method"] != "POST" or scope["path"] != UPLOAD_PATH:
        return False
    length = Headers(raw=list(scope["headers"])).get("content-length", "")
    return not (length.isdecimal() and len(length) < 16 and int(length) <= MAX_BODY_BYTES)


async def _read_body(receive: Receive, limit: int, seconds: float, *, discarded: int) -> bytes | None:
    """The whole body; None if it has more than ``limit`` bytes.

    Args:
        receive: Of the request.
        limit: Bytes at most.
        seconds: Time at most.
        discarded: Bytes that are read beyond the limit at most.

    Raises:
        TimeoutError: It does not come in time, or the visitor is gone.
    """
    body, length = bytearray(), 0
    async with asyncio.timeout(seconds):
        while length <= limit + discarded:
            message: MutableMapping[str, Any] = await receive()
            if message["type"] != "http.request":
                raise TimeoutError
            part: bytes = message.get("body", b"")
            length += len(part)
            if length <= limit:
                body += part
            else:
                body.clear()
            if not message.get("more_body", False):
                return bytes(body) if length <= limit else None
    return None


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

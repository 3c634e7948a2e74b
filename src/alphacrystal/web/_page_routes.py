"""The page and the session; accessible without a token, since they contain no data of the user."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from fastapi import APIRouter, Response

from alphacrystal.errors import MissingError, WrongTokenError
from alphacrystal.generate import GENERATORS
from alphacrystal.report import page_style
from alphacrystal.web._fields import offered_potentials, offered_second_potentials
from alphacrystal.web._guard import COOKIE, equal_secrets, session_of
from alphacrystal.web._parts import ANY_REFUSAL, TOO_LARGE, Parts
from alphacrystal.web._views import TokenInput

router = APIRouter()

DEFAULT_POTENTIAL = "chgnet"
_SCRIPT, _STYLE = "text/javascript", "text/css"
_ASSETS = {
    "serve.css": _STYLE,
    "api.js": _SCRIPT,
    "compare.js": _SCRIPT,
    "explore.js": _SCRIPT,
    "form.js": _SCRIPT,
    "icon.svg": "image/svg+xml",
    "inputs.js": _SCRIPT,
    "jobs.js": _SCRIPT,
    "page.js": _SCRIPT,
    "runs.js": _SCRIPT,
    "series.js": _SCRIPT,
    "show.js": _SCRIPT,
}


@router.get("/", include_in_schema=False)
def show_page() -> Response:
    """The page, with the generators and potentials that it offers."""
    generators = [(spec.name, spec.label) for spec in GENERATORS.built_in() if spec.on_page]
    potentials = [(name, name) for name in offered_potentials()]
    second = [(name, name) for name in offered_second_potentials()]
    page = _text("serve.html").replace("{generators}", _options(generators, "distance_matrix"))
    page = page.replace("{potentials}", _options(potentials, DEFAULT_POTENTIAL))
    return Response(page.replace("{second_potentials}", _options(second, "")), media_type="text/html")


def _options(choices: list[tuple[str, str]], default: str) -> str:
    """Options of a select element."""
    return "".join(
        f'<option value="{escape(name)}"{" selected" if name == default else ""}>{escape(label)}</option>'
        for name, label in choices
    )


@router.get("/assets/{name}", include_in_schema=False)
def show_asset(name: str) -> Response:
    """One of the scripts and style sheets of the page."""
    if name == "page.css":
        return Response(page_style(), media_type=_STYLE)
    if name not in _ASSETS:
        raise MissingError("There is no such file.")
    return Response(_text(name), media_type=_ASSETS[name])


@router.post("/api/session", status_code=204, tags=["session"], responses=ANY_REFUSAL | TOO_LARGE)
def open_session(body: TokenInput, parts: Parts) -> Response:
    """Exchange the token for a cookie, so that links of the page work."""
    token = parts.settings.token
    response = Response(status_code=204)
    if token is not None:
        if not equal_secrets(body.token, token):
            raise WrongTokenError("This is not the server's token.")
        response.set_cookie(COOKIE, session_of(token), httponly=True, samesite="strict", path="/")
    return response


@router.delete("/api/session", status_code=204, tags=["session"], responses=ANY_REFUSAL | TOO_LARGE)
def close_session() -> Response:
    """Forget the cookie."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")
    return response


@cache
def _text(name: str) -> str:
    return files("alphacrystal.web").joinpath("assets", name).read_text(encoding="utf-8")

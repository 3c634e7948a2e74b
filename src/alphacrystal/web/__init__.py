"""`alphacrystal serve`: a local page and a JSON API over predictions and explorations (extra `web`).

Jobs are processes of the command line, so they outlive the server; their results are ordinary run folders.
"""

from alphacrystal.web._application import create_app
from alphacrystal.web._explore_request import ExploreRequest
from alphacrystal.web._process import TOKEN_VARIABLE
from alphacrystal.web._request import JobRequest
from alphacrystal.web._server import serve
from alphacrystal.web._settings import MAX_PATTERN_MB, MAX_STRUCTURES_MB, Limits, ServeSettings

__all__ = [
    "MAX_PATTERN_MB",
    "MAX_STRUCTURES_MB",
    "TOKEN_VARIABLE",
    "ExploreRequest",
    "JobRequest",
    "Limits",
    "ServeSettings",
    "create_app",
    "serve",
]

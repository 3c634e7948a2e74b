"""`alphacrystal serve`: a local page and a JSON API over the same pipeline (extra `web`).

Jobs are processes of the command line, so they outlive the server; their results are ordinary run folders.
"""

from alphacrystal.web._application import create_app
from alphacrystal.web._process import TOKEN_VARIABLE
from alphacrystal.web._request import JobRequest
from alphacrystal.web._server import serve
from alphacrystal.web._settings import MAX_PATTERN_MB, Limits, ServeSettings

__all__ = ["MAX_PATTERN_MB", "TOKEN_VARIABLE", "JobRequest", "Limits", "ServeSettings", "create_app", "serve"]

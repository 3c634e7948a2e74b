"""The environment of the processes that a server starts: nothing is imported from its current folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import alphacrystal

#: Environment variable of the server's token; its jobs need not know it.
TOKEN_VARIABLE = "ALPHACRYSTAL_SERVE_TOKEN"  # noqa: S105 - the name, not the token
#: Current folder of the processes: only the administrator can put a file there (matplotlibrc, sitecustomize).
NEUTRAL_FOLDER = "/"
#: Variables that hold a path, which may be relative to the server's current folder.
_PATHS = ("ALPHACRYSTAL_MODELS",)


def job_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """``os.environ`` without the token and without import folders that depend on the current folder.

    ``PYTHONPATH`` keeps its absolute entries, save the current folder; an entry that is empty or relative
    means the current folder to Python.

    Args:
        variables: Used instead of ``os.environ``.
    """
    given = dict(os.environ if variables is None else variables)
    given.pop(TOKEN_VARIABLE, None)
    package = str(Path(alphacrystal.__file__).resolve().parents[1])
    entries = [
        entry
        for entry in given.pop("PYTHONPATH", "").split(os.pathsep)
        if Path(entry).is_absolute() and (str(Path(entry).resolve()) == package or not _is_current(entry))
    ]
    if package not in entries and not Path(package).is_relative_to(sys.prefix):
        entries.append(package)
    if entries:
        given["PYTHONPATH"] = os.pathsep.join(entries)
    given["PYTHONSAFEPATH"] = "1"
    for name in _PATHS:
        if given.get(name):
            given[name] = str(Path(given[name]).absolute())
    return given


def _is_current(folder: str) -> bool:
    try:
        return Path(folder).samefile(".")
    except OSError:  # one of them is gone
        return False

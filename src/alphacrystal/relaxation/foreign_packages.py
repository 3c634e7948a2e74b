"""Helpers to load potentials of other packages: quiet imports and clear errors."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

from alphacrystal.errors import PotentialError


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and standard output of another package."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def require_package(package: str, name: str, extra: str) -> None:
    """Refuse a potential whose package is missing.

    Raises:
        PotentialError: Names the extra to install.
    """
    if find_spec(package) is None:
        raise PotentialError(
            f"The potential {name} needs the package {package}: pip install 'alphacrystal[{extra}]'."
        )


def first_line(error: Exception) -> str:
    """The first line of an error message, for a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160].rstrip(". ")

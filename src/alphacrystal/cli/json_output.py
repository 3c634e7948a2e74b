"""``--json``: the result of a command as one JSON object on each line of standard output, for programs."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON instead of text: one object, or one a line where there are several."
    ),
]


def print_json(value: object) -> None:
    """Print a dataclass, model or mapping as one line; numbers that are not finite become null.

    Letters beyond ASCII are JSON escapes where standard output is not in UTF-8.
    """
    from alphacrystal.report import plain_json

    typer.echo(json.dumps(plain_json(value), ensure_ascii=not prints_unicode()))


def prints_unicode() -> bool:
    """Whether standard output takes any letter."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "").startswith("utf")

"""Command lines of the processes of jobs."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from alphacrystal.config import NEGATABLE


def command_line(command: str, values: Mapping[str, object], argument: str, *, resume: bool) -> list[str]:
    """Arguments of a process that runs a command.

    Args:
        command: For example "predict".
        values: Settings by name; a list gives an option for each of its values.
        argument: Follows `--`, so that it cannot be an option.
        resume: Whether to continue the earlier run in the output folder.
    """
    return [
        sys.executable,
        "-P",  # nothing is imported from the current folder
        "-c",
        "from alphacrystal.cli import main; main()",
        command,
        *(option for name, value in values.items() for option in _options(name, value)),
        *(["--resume"] if resume else []),
        "--",
        argument,
    ]


def _options(name: str, value: object) -> list[str]:
    """A setting as options of the command line; none where it is not set."""
    flag = name.replace("_", "-")
    if value is None or value == ():
        return []
    if isinstance(value, bool):
        return [f"--{flag}"] if value else [f"--no-{flag}"] if name in NEGATABLE else []
    if isinstance(value, Mapping):
        return [f"--{flag}={key}={item:g}" for key, item in value.items()]
    if isinstance(value, list):
        return [f"--{flag}={item}" for item in value]
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return [f"--{flag}={text}"]

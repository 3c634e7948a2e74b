"""Commands of AlphaCrystal as processes with limits, for the tools of the MCP server.

Each calculation is a process of the command line: it can be stopped at any time, and nothing that it prints
reaches the connection of the server.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import anyio
import anyio.abc

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.runtime.contained_paths import check_inside
from alphacrystal.runtime.torch_device import AUTO

MAX_STRUCTURE_LENGTH = 1_000_000  # characters
MAX_OUTPUT_BYTES = 64_000_000  # of one command
MAX_ERROR_LINES = 50  # of the end of standard error
STOP_SECONDS = 10.0  # between the request to stop and the kill
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}(?:/[A-Za-z0-9][A-Za-z0-9_.-]{0,119})?")

#: Called with done, total and stage.
Report = Callable[[float, float, str], Awaitable[None]]

_PROGRESS = re.compile(r"[^:]*: (.+) (\d+)/(\d+)(?: .*)?")


class TimeLimitError(AlphaCrystalError):
    """A command reached the limit of time."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits of an MCP server.

    Attributes:
        folder: Folder of all runs; nothing outside is read or written.
        candidates: Candidates of one prediction at most.
        seconds: Wall time of one command at most; its finished part is kept.
        workers: Relaxation processes of one command.
        potential: Potential of all relaxations.
        device: Its device.
    """

    folder: Path
    candidates: int = 100
    seconds: float = 1800.0
    workers: int = 2
    potential: str = "chgnet"
    device: str = AUTO

    def run_folder(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            InputError: The name is none, or its folder does not exist or is reached through a link.
        """
        path = self.folder / name
        if RUN_NAME.fullmatch(name) is None or ".." in path.parts or not path.is_dir():
            raise InputError(f"There is no run {name[:80]!r}: list_runs names all runs.")
        check_inside(path, self.folder)
        return path


def options(values: dict[str, object]) -> list[str]:
    """Settings as options of the command line; those that are None, false or empty are left out."""
    result = []
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            result.append(flag)
        elif isinstance(value, list | tuple):
            result += [f"{flag}={','.join(map(str, value))}"] if value else []
        elif value not in (None, False, ""):
            result.append(f"{flag}={value}")
    return result


async def run_command(
    limits: ServerLimits, arguments: Sequence[str], report: Report | None = None
) -> list[dict[str, Any]]:
    """Run a command and return the objects that it prints.

    Args:
        limits: Limits of the server.
        arguments: Command and options, without --json.
        report: Called with the progress of the command.

    Raises:
        TimeLimitError: It reached the limit of time.
        AlphaCrystalError: It failed, with its sentence.
    """
    command = [
        *(sys.executable, "-P", "-c", "from alphacrystal.cli import main; main()"),
        *(arguments[0], "--json", *arguments[1:]),
    ]
    output, lines = bytearray(), list[str]()
    with anyio.move_on_after(limits.seconds) as scope:
        async with await anyio.open_process(command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(_read_output, process, output)
                    group.start_soon(_read_errors, process, lines, report)
                code = await process.wait()
            finally:
                with anyio.CancelScope(shield=True):
                    await _stop(process)
    if scope.cancelled_caught:
        raise TimeLimitError(f"The command was stopped after {limits.seconds:g} s, the limit of this server.")
    if code:
        raise AlphaCrystalError(_sentence(lines))
    return [json.loads(line) for line in output.decode("utf-8").splitlines() if line.strip()]


async def _read_output(process: anyio.abc.Process, output: bytearray) -> None:
    assert process.stdout is not None
    async for chunk in process.stdout:
        output += chunk
        if len(output) > MAX_OUTPUT_BYTES:
            raise AlphaCrystalError("The result is too large: request fewer structures.")


async def _read_errors(process: anyio.abc.Process, lines: list[str], report: Report | None) -> None:
    """Collect the last lines of standard error and report the progress among them."""
    assert process.stderr is not None
    rest = b""
    async for chunk in process.stderr:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            text = line.decode("utf-8", errors="replace")
            match = _PROGRESS.fullmatch(text)
            if match is None:
                lines[:] = [*lines, text][-MAX_ERROR_LINES:]
            elif report is not None:
                await report(float(match[2]), float(match[3]), match[1])
    if rest:
        lines.append(rest.decode("utf-8", errors="replace"))


def _sentence(lines: Sequence[str]) -> str:
    """The error of a command: its last line that begins with "Error: ", else the last line."""
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    others = [line for line in lines if line.strip()]
    return (errors or others or ["The command failed without a message."])[-1]


async def _stop(process: anyio.abc.Process) -> None:
    """End a process that still runs; it first has time to store its finished part."""
    if process.returncode is not None:
        return
    process.terminate()
    with anyio.move_on_after(STOP_SECONDS):
        await process.wait()
        return
    process.kill()
    await process.wait()

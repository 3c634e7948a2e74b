"""The real command line, called in this process or as a subprocess, and finished runs to look at."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from alphacrystal.cli import main

torch.set_num_threads(1)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on standard error."""
        assert "Traceback" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("Error: ")


Run = Callable[..., Outcome]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Outcome:
    """`alphacrystal ARGUMENTS` in this process, through its real entry point."""
    before = sys.argv, signal.getsignal(signal.SIGTERM)
    capsys.readouterr()
    sys.argv = ["alphacrystal", *map(str, arguments)]
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before[0]
        signal.signal(signal.SIGTERM, before[1])
    assert isinstance(code, int)
    captured = capsys.readouterr()
    return Outcome(code, captured.out, captured.err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs the command line in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ALPHACRYSTAL_MODELS", raising=False)
    return lambda *arguments: call(capsys, *arguments)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function that starts the command line as a process of its own, ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, path: Path | None = None) -> subprocess.Popen[str]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"}
        if path is not None:
            paths = [str(path), os.environ.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        process = subprocess.Popen(
            [sys.executable, "-c", "from alphacrystal.cli import main; main()", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the shipped weights that a test may damage."""
    copy = tmp_path / "weights"
    shutil.copytree(str(files("alphacrystal.learn") / "weights"), copy)
    return copy


@pytest.fixture
def potentials(offer: Callable[[str, str, dict[str, str]], Path]) -> Callable[[str, dict[str, str]], Path]:
    """A function that installs a distribution offering potentials: source text and functions by name."""
    return lambda source, names: offer("alphacrystal.potentials", source, names)


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Path], list[dict[str, str]]]:
    """A function that reads a CSV file."""

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return read

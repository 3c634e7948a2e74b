"""The real command line, called in this process or as a subprocess, and finished runs to look at."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the shipped weights that a test may damage."""
    copy = tmp_path / "weights"
    shutil.copytree(str(files("alphacrystal_weights")), copy)
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

"""The real command line, called in this process or as a subprocess, and finished runs to look at."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch

from alphacrystal import PredictConfig, predict

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
def prediction_of_salt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a prediction of NaCl with three candidates, not relaxed; only to be read."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    predict("NaCl", PredictConfig(candidates=3, max_atoms=4, relax=False), folder=folder)
    return folder


@pytest.fixture
def finished_run(prediction_of_salt: Path, tmp_path: Path) -> Path:
    """A copy of it in the working directory of a test, which may change it."""
    shutil.copytree(prediction_of_salt, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="session")
def prediction_of_a_list(tmp_path_factory: pytest.TempPathFactory, start_command: Callable[..., Any]) -> Path:
    """Folder of predictions of NaCl and MgO with two candidates each, not relaxed; only to be read."""
    folder = tmp_path_factory.mktemp("finished") / "batch"
    options = ("--candidates", "2", "--max-atoms", "4", "--no-relax", "--out", folder)
    process = start_command("predict", "NaCl", "MgO", *options)
    assert process.wait() == 0, process.communicate()
    return folder


@pytest.fixture
def finished_list(prediction_of_a_list: Path, tmp_path: Path) -> Path:
    """A copy of them in the working directory of a test, which may change it."""
    shutil.copytree(prediction_of_a_list, tmp_path / "batch")
    return tmp_path / "batch"


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Path], list[dict[str, str]]]:
    """A function that reads a CSV file."""

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return read

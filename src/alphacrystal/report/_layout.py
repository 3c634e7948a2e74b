"""The layout of a run folder: file names, format versions, and the sentence on a damaged file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

RUN_FILE = "run.json"
EVENTS_FILE = "events.jsonl"
SUMMARY_FILE = "summary.csv"
INDEX_FILE = "index.csv"
RESULTS_FILE = "results.json"
CANDIDATES_FILE = "candidates.extxyz"
PAGE_FILE = "report.html"
PATTERNS_FILE = "xrd.csv"
STRUCTURES_FOLDER = "structures"
REFINED_FOLDER = "refined"  # with the cells that fit the measured pattern
FIGURES_FOLDER = "figures"
CHECKPOINT_FOLDER = "checkpoint"
REQUEST_FILE = "request.json"  # in the checkpoint folder
SERIES_FILE = "series.json"  # in the checkpoint folder of a series of pressures
INPUTS_FOLDER = "inputs"  # of the structure files that the server puts in the folder before the run
MEASURED_STEM = "measured"  # of the pattern that the server puts in the folder before the run

RUN_FORMAT: Literal["alphacrystal-run"] = "alphacrystal-run"
RESULTS_FORMAT = "alphacrystal-results"
#: Format 2 (0.2.0) renames two energy columns, separates enthalpies from energies, and has ``pressure_gpa``
#: instead of ``energy_unit_note``.
FORMAT_VERSION = 2


def damaged(path: Path) -> str:
    """The sentence on a file of a run that cannot be used."""
    return f"The file {path} is missing or damaged; repeat the run with --resume to write it again."


def pressure_folder(folder: Path, pressure: float) -> Path:
    """Run folder of one pressure of a series, e.g. "20GPa"."""
    return folder / f"{pressure:g}GPa"


def pressure_of_note(note: str) -> float:
    """Pressure in GPa from the ``energy_unit_note`` of format 1, e.g. "enthalpy at 10 GPa"; 0 if empty.

    Raises:
        ValueError: It is no such note.
    """
    return float(note.removeprefix("enthalpy at ").removesuffix(" GPa")) if note else 0.0


def default_folder(name: str) -> Path:
    """runs/NAME-TIME, the folder of a run without --out; a suffix separates runs of the same second."""
    base = f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    folder = Path("runs") / base
    for number in range(2, 1000):
        if not folder.exists():
            break
        folder = Path("runs") / f"{base}-{number}"
    return folder

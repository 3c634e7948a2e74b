"""Predictions and targets from files, folders and run folders."""

from __future__ import annotations

import re
from pathlib import Path

from alphacrystal.errors import InputError
from alphacrystal.evaluation._families import ComparedCrystal

_RECORDS = (".jsonl", ".jsonl.gz")
_STRUCTURES = (".cif", ".mcif", ".vasp", ".poscar", ".xyz", ".extxyz")
_RUN = "run.json"


def read_predicted(path: Path) -> list[ComparedCrystal]:
    """Candidates, of each formula the best first.

    A run folder gives its ranked list; a folder of run folders that of each; any other folder its structure
    files in the order of their names (2 before 10), those of its subfolders too; extended XYZ its frames;
    records (.jsonl) their lines.

    Raises:
        InputError: There is nothing there, or a file cannot be read.
    """
    return _read(path, first_only=False)


def read_targets(path: Path) -> list[ComparedCrystal]:
    """Targets, as `read_predicted` reads; of a run folder only the first structure.

    Raises:
        InputError: There is nothing there, or a file cannot be read.
    """
    return _read(path, first_only=True)


def _read(path: Path, *, first_only: bool) -> list[ComparedCrystal]:
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return _read_file(path)
    if (path / _RUN).is_file():
        return _read_run(path, first_only=first_only)
    crystals: list[ComparedCrystal] = []
    for item in _in_order(path):
        crystals += _read_run(item, first_only=first_only) if item.is_dir() else _read_file(item)
    if not crystals:
        raise InputError(
            f"The folder {path} holds no structure files (CIF, POSCAR, extended XYZ) and no run."
        )
    return crystals


def _in_order(folder: Path) -> list[Path]:
    """Structure files and run folders below a folder, in the natural order of their names."""
    paths: list[Path] = []
    for item in sorted(folder.iterdir(), key=lambda one: _natural(one.name)):
        if item.is_dir():
            paths += [item] if (item / _RUN).is_file() else _in_order(item)
        elif _is_structure(item):
            paths.append(item)
    return paths


def _natural(name: str) -> list[tuple[int, int, str]]:
    words = re.split(r"(\d+)", name.lower())
    return [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words]


def _is_structure(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith((*_STRUCTURES, *_RECORDS)) or name.startswith(("poscar", "contcar"))


def _read_file(path: Path) -> list[ComparedCrystal]:
    from alphacrystal.data import read_records, read_structures

    if path.name.lower().endswith(_RECORDS):
        return [ComparedCrystal.of(record.checked_structure(), record.id) for record in read_records(path)]
    structures = read_structures(path)
    if len(structures) == 1:
        return [ComparedCrystal.of_file(structures[0], path)]
    return [ComparedCrystal.of(structure, f"{path}#{place}") for place, structure in enumerate(structures, 1)]


def _read_run(folder: Path, *, first_only: bool) -> list[ComparedCrystal]:
    from alphacrystal.report import read_run_folder

    rows = sorted(read_run_folder(folder).rows, key=lambda row: row.rank)
    return [
        crystal for row in (rows[:1] if first_only else rows) for crystal in _read_file(folder / row.file)
    ]

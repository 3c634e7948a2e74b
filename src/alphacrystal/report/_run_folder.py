"""Write a run folder (layout and columns: docs/run-folder.md)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.report._chemistry import chemistry
from alphacrystal.report._diffraction import patterns_csv, powder_pattern
from alphacrystal.report._events import plain_json
from alphacrystal.report._html import report_html
from alphacrystal.report._layout import (
    CANDIDATES_FILE,
    CHECKPOINT_FOLDER,
    EVENTS_FILE,
    FORMAT_VERSION,
    INDEX_FILE,
    INPUTS_FOLDER,
    MEASURED_STEM,
    PAGE_FILE,
    PATTERNS_FILE,
    REFINED_FOLDER,
    REQUEST_FILE,
    RESULTS_FILE,
    RUN_FILE,
    RUN_FORMAT,
    STRUCTURES_FOLDER,
    SUMMARY_FILE,
)
from alphacrystal.report._pattern_fit import refined_cif
from alphacrystal.report._results import candidates_extxyz, results_json
from alphacrystal.report._run_record import RunFile
from alphacrystal.report._structure_text import cif_text
from alphacrystal.report._summary import summary_csv
from alphacrystal.runtime.atomic_write import storage_sentence, temporary_path, write_text_atomically
from alphacrystal.runtime.contained_paths import refuse_links
from alphacrystal.runtime.folder_lock import LOCK_FILE

if TYPE_CHECKING:
    from alphacrystal.report._prediction import Prediction
    from alphacrystal.report._run_record import RunRecord

_RUN_SUFFIXES = {".json", ".jsonl", ".csv", ".extxyz", ".html", ".cif"}
_MEASURED_NAME = re.compile(rf"{MEASURED_STEM}(\.[a-z]{{1,5}}){{1,2}}")
_CIF_NAME = re.compile(r"\d{3,}_[A-Za-z0-9]+_sg\d{1,3}\.cif")


def write_run_folder(folder: Path, prediction: Prediction, run: RunRecord, *, page: bool = True) -> None:
    """Write every file of a run folder except ``events.jsonl``, which an ``EventLog`` appends to.

    Each file is replaced atomically. A folder may be written again: CIFs that only an earlier list had are
    removed last; other files stay. Without ``page`` there is no ``report.html`` (by far the largest file) and
    no ``xrd.csv``.

    Raises:
        AlphaCrystalError: A file cannot be written (disk full, no permission, ...).
    """
    structures = folder / STRUCTURES_FOLDER
    try:
        structures.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(structures, error)) from error
    rows = prediction.rows
    cifs = {
        row.file: cif_text(ranked.structure, ranked.space_group_number, name=Path(row.file).stem)
        for row, ranked in zip(rows, prediction.ranked, strict=True)
    }
    for file, text in cifs.items():
        write_text_atomically(folder / file, text)
    _write_refined(folder / REFINED_FOLDER, prediction, [Path(row.file).name for row in rows])
    write_text_atomically(folder / SUMMARY_FILE, summary_csv(rows))
    facts = chemistry(prediction.ranked)
    write_text_atomically(folder / RESULTS_FILE, results_json(prediction, rows, facts))
    write_text_atomically(folder / CANDIDATES_FILE, candidates_extxyz(prediction))
    if page:
        patterns = [powder_pattern(ranked.structure) for ranked in prediction.ranked]
        write_text_atomically(folder / PATTERNS_FILE, patterns_csv(rows, patterns))
        write_text_atomically(folder / PAGE_FILE, report_html(prediction, run, rows, cifs, patterns, facts))
    write_text_atomically(folder / RUN_FILE, _run_file(prediction, run).model_dump_json(indent=2) + "\n")
    _remove_stale_cifs(structures, keep={Path(file).name for file in cifs})


def _write_refined(folder: Path, prediction: Prediction, names: Sequence[str]) -> None:
    """Write the CIFs with the cells that fit the measured pattern, and remove those of an earlier list."""
    texts = {
        name: text
        for name, ranked in zip(names, prediction.ranked, strict=True)
        if (text := refined_cif(ranked, Path(name).stem)) is not None
    }
    if not texts and not folder.is_dir():
        return
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(folder, error)) from error
    for name, text in texts.items():
        write_text_atomically(folder / name, text)
    _remove_stale_cifs(folder, keep=set(texts))


def prepare_output_folder(path: Path, *, resume: bool = False) -> Path:
    """Create the output folder of a run, or check the one that exists, and return it.

    Args:
        path: The folder; its parents are created too.
        resume: Whether the folder may hold an earlier run to continue.

    Raises:
        InputError: It is a file, is not empty (without ``resume``), holds no run, or a link or a pipe (with
            ``resume``), or cannot be written.
    """
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"The output folder {path} is a file; choose another folder with --out.")
        path.mkdir(parents=True, exist_ok=True)
        if not all(map(_of_unstarted_run, path.iterdir())):
            if not resume:
                raise InputError(
                    f"The output folder {path} is not empty; "
                    "continue its run with --resume or choose another folder with --out."
                )
            if not _holds_a_run(path):
                raise InputError(
                    f"The folder {path} holds no run to resume; give the folder of an earlier run with --out."
                )
            refuse_links(path)
            _refuse_folders_as_files(path)
        probe = temporary_path(path / RUN_FILE)
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"The output folder {path} cannot be written ({reason}); choose another folder with --out."
        ) from error
    return path


def _of_unstarted_run(item: Path) -> bool:
    """Whether an item of an output folder may be of a run that was killed before its first event.

    Such a run leaves the lock, the probe for permission to write, and a checkpoint folder without a file. The
    server puts a measured pattern and a folder of structure files into it before it starts the run.
    """
    if item.name in {LOCK_FILE, temporary_path(Path(RUN_FILE)).name}:
        return True
    if _MEASURED_NAME.fullmatch(item.name):
        return item.is_file() and not item.is_symlink()
    if item.name == INPUTS_FOLDER:
        return not item.is_symlink() and all(map(_is_input, item.glob("*/*")))
    if item.name != CHECKPOINT_FOLDER or item.is_symlink() or not item.is_dir():
        return False
    return all(child.name == temporary_path(Path(REQUEST_FILE)).name for child in item.iterdir())


def _is_input(path: Path) -> bool:
    """Whether a file is an uploaded one; links are none, nor are files in links."""
    return path.is_file() and not path.is_symlink() and not path.parent.is_symlink()


def _refuse_folders_as_files(path: Path) -> None:
    """Refuse a folder that has the name of a file of a run."""
    for parent, folders, _ in os.walk(path):
        for name in sorted(folders):
            if Path(name).suffix in _RUN_SUFFIXES:
                raise InputError(f"{Path(parent, name)} is no regular file; remove it.")


def _holds_a_run(path: Path) -> bool:
    marks = (RUN_FILE, EVENTS_FILE, INDEX_FILE, REQUEST_FILE)
    folders = [path, *(item for item in path.iterdir() if item.is_dir())]
    return any((folder / mark).is_file() for folder in folders for mark in marks)


def _run_file(prediction: Prediction, run: RunRecord) -> RunFile:
    return RunFile(
        format=RUN_FORMAT,
        format_version=FORMAT_VERSION,
        formula=prediction.formula,
        formula_text=prediction.formula_text,
        complete=prediction.complete,
        notes=prediction.notes,
        cells=prediction.cells,
        disorder=prediction.disorder,
        structures=len(prediction.ranked),
        candidates=len(prediction.candidates),
        relaxed=len(prediction.relaxations),
        potential=prediction.potential,
        hull_reference=prediction.hull_reference,
        pressure_gpa=prediction.pressure_gpa,
        seed=run.seed,
        configuration=plain_json(run.configuration),
        versions=dict(run.versions),
        model_hashes=dict(run.model_hashes),
        machine=dict(run.machine),
        timings_s={stage: round(float(seconds), 3) for stage, seconds in prediction.timings.items()},
        started=run.started.isoformat(timespec="seconds"),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _remove_stale_cifs(structures: Path, keep: set[str]) -> None:
    try:
        for path in structures.iterdir():
            leftover = path.name.startswith(".") and path.name.endswith(".cif.tmp")
            if leftover or (_CIF_NAME.fullmatch(path.name) and path.name not in keep):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(structures, error)) from error

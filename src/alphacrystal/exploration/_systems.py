"""Explorations of several chemical systems, one after the other, and the table of their results."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from alphacrystal.config import PredictConfig
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.exploration._explore import explore
from alphacrystal.exploration._log import read_log
from alphacrystal.exploration._system import ChemicalSystem, parse_system
from alphacrystal.exploration._tasks import Budget, parse_budget
from alphacrystal.report import default_folder
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.runtime.bounded_files import read_bounded_text
from alphacrystal.runtime.csv_cells import write_csv
from alphacrystal.runtime.folder_lock import lock_folder

SYSTEMS_FILE = "systems.csv"
MAX_SYSTEMS = 10_000
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class SystemRow:
    """The result of one chemical system; the fields are the columns of ``systems.csv``, in order.

    Attributes:
        system: Elements with hyphens.
        status: "done" or "failed".
        predicted: Formulas that were predicted or have failed.
        on_hull: Compounds on the hull at the lowest pressure, separated by blanks.
        new: Those of them that the table of known phases does not have.
        stopped: Why the exploration ended.
        reason: Why it failed.
        folder: Folder of its results, in that of the table.
    """

    system: str
    status: str
    predicted: int
    on_hull: str
    new: str
    stopped: str
    reason: str
    folder: str


def read_systems(path: Path) -> list[ChemicalSystem]:
    """The chemical systems of a text file, one in each line; empty lines and those with # are left out.

    Raises:
        InputError: The file cannot be read, names no system, or a line is no system.
    """
    try:
        text = read_bounded_text(path, _MAX_BYTES, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: give a file with one system a line.") from error
    systems: dict[tuple[str, ...], ChemicalSystem] = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        try:
            system = parse_system(content)
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        systems[system.elements] = system
    if not systems:
        raise InputError(f"{path} names no chemical system: write one in each line, e.g. Li-P-S.")
    if len(systems) > MAX_SYSTEMS:
        raise InputError(f"{path} names {len(systems)} systems: divide it into files of {MAX_SYSTEMS}.")
    return list(systems.values())


def explore_systems(
    systems: Sequence[ChemicalSystem],
    config: PredictConfig | None = None,
    *,
    budget: str | Budget = "30min",
    folder: Path | None = None,
    on_system: Callable[[SystemRow], None] | None = None,
    **options: Any,
) -> list[SystemRow]:
    """Explore several chemical systems in folders of one folder, and write ``systems.csv``.

    A system that fails does not stop the others, unless the first one shows an error of the settings.
    Systems that ended in an earlier start are only read.

    Args:
        systems: Chemical systems.
        config: As for ``explore``.
        budget: Of each system.
        folder: Output folder; runs/systems-TIME if None.
        on_system: Called after each system.
        **options: Of ``explore``.

    Raises:
        InputError: A setting or the folder cannot be used.
        KeyboardInterrupt: Raised again; the table has the finished systems.
    """
    limit = budget if isinstance(budget, Budget) else parse_budget(budget)
    path = folder if folder is not None else default_folder("systems")
    rows: list[SystemRow] = []
    with lock_folder(path, create=True):
        for system in systems:
            try:
                row = _explored(system, config, limit, path / system.name, options)
            except AlphaCrystalError as error:
                if not rows and isinstance(error, InputError):  # of the settings, so of all systems
                    raise
                row = SystemRow(system.name, "failed", 0, "", "", "", str(error), system.name)
            rows.append(row)
            _write(path, rows)
            if on_system is not None:
                on_system(rows[-1])
    return rows


def _explored(
    system: ChemicalSystem,
    config: PredictConfig | None,
    budget: Budget,
    folder: Path,
    options: dict[str, Any],
) -> SystemRow:
    """The row of a system after its exploration."""
    log = read_log(folder)
    if log is not None and log.stopped and budget.formulas is None:
        budget = Budget(formulas=log.formulas)  # its time is spent: nothing is added
    result = explore(system.elements, config, budget=budget, folder=folder, **options)
    compounds = [phase for phase in result.stable if len(phase.counts) > 1]
    return SystemRow(
        system=result.system.name,
        status="done",
        predicted=result.predicted,
        on_hull=" ".join(phase.formula for phase in compounds),
        new=" ".join(phase.formula for phase in compounds if phase.known == "new"),
        stopped=result.stopped,
        reason="",
        folder=result.folder.name,
    )


def _write(folder: Path, rows: Sequence[SystemRow]) -> None:
    stream, columns = io.StringIO(), tuple(field.name for field in fields(SystemRow))
    write_csv(stream, columns, ([getattr(row, name) for name in columns] for row in rows))
    write_text_atomically(folder / SYSTEMS_FILE, stream.getvalue())

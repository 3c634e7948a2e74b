"""A series of pressures: one folder with a run for each pressure, enthalpies and transitions."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from alphacrystal.errors import InputError, MissingError
from alphacrystal.report import (
    CHECKPOINT_FOLDER,
    ENTHALPIES_FILE,
    SERIES_FILE,
    TRANSITIONS_FILE,
    EnthalpyRow,
    SummaryRow,
    TransitionRow,
    read_pressure_series,
)
from alphacrystal.web._files import entries, is_regular, open_folder, read_file
from alphacrystal.web._library import MAX_RUN_BYTES, read_summary
from alphacrystal.web._names import RUN_FILE, check_name, run_id

MAX_LISTS = 50  # of a series; more are not shown
_LIST_FOLDER = re.compile(r"-?\d[\d.e+-]{0,20}GPa")


class SeriesList(BaseModel):
    """The list at one pressure.

    Attributes:
        run: Id of its run.
        pressure_gpa: GPa.
        structures: Structures in the list.
        best: The first of them, null without one.
    """

    run: str
    pressure_gpa: float
    structures: int
    best: SummaryRow | None


class StableRange(BaseModel):
    """A range of pressure in which one phase has the lowest enthalpy.

    Attributes:
        begin_gpa: GPa.
        end_gpa: GPa.
        phase: Number of the phase, from 1.
        space_group_number: International number.
        space_group_symbol: Hermann-Mauguin short symbol.
        cell_formula: Content of the primitive cell.
    """

    begin_gpa: float
    end_gpa: float
    phase: int
    space_group_number: int
    space_group_symbol: str
    cell_formula: str


class Series(BaseModel):
    """A series of pressures.

    Attributes:
        id: Name of its folder.
        formula: Reduced formula.
        complete: Whether enthalpies and transitions are computed.
        lists: Finished lists by pressure, ascending.
        stable: Phase of lowest enthalpy by range of pressure, ascending; transitions lie between them.
        enthalpies: Each phase at each pressure, as in `enthalpies.csv`.
        transitions: As in `transitions.csv`.
    """

    id: str
    formula: str
    complete: bool
    lists: list[SeriesList]
    stable: list[StableRange]
    enthalpies: list[EnthalpyRow]
    transitions: list[TransitionRow]


def is_series(root: Path, name: str) -> bool:
    """Whether a folder below ``root`` is a series of pressures."""
    marks = ((TRANSITIONS_FILE,), (CHECKPOINT_FOLDER, SERIES_FILE))
    return any(is_regular(root, name, *mark) for mark in marks)


def read_series(root: Path, name: str) -> Series:
    """The series of pressures in a folder below ``root``.

    Raises:
        MissingError: There is none of this name, or it has no finished list.
        InputError: A file is damaged.
    """
    check_name(name, "series of pressures")
    lists, formula = _lists(root, name) if is_series(root, name) else ([], "")
    if not lists:
        raise MissingError("There is no series of pressures of this name with a finished list.")
    enthalpies: list[EnthalpyRow] = []
    transitions: list[TransitionRow] = []
    complete = is_regular(root, name, TRANSITIONS_FILE)
    if complete:
        try:
            tables = [
                read_file(root, name, table, limit=MAX_RUN_BYTES)
                for table in (ENTHALPIES_FILE, TRANSITIONS_FILE)
            ]
            enthalpies, transitions = read_pressure_series(root / name, tables[0], tables[1])
        except (OSError, InputError) as error:
            raise InputError(
                f"The series {name} is damaged: {ENTHALPIES_FILE} or {TRANSITIONS_FILE} cannot be read; "
                "repeat the run with --resume."
            ) from error
    return Series(
        id=name,
        formula=formula,
        complete=complete,
        lists=lists,
        stable=_stable(lists, enthalpies, transitions),
        enthalpies=enthalpies,
        transitions=transitions,
    )


def _lists(root: Path, name: str) -> tuple[list[SeriesList], str]:
    """The readable lists and their formula."""
    with open_folder(root, name) as folder:
        names = sorted(entry for entry in entries(folder) if _LIST_FOLDER.fullmatch(entry))
    lists, formula = [], ""
    for inner in names[:MAX_LISTS]:
        if not is_regular(root, name, inner, RUN_FILE):
            continue
        try:
            run = read_summary(root, (name, inner))
        except InputError:  # the list of runs shows it with its problem
            continue
        formula = run.formula
        lists.append(
            SeriesList(
                run=run_id((name, inner)),
                pressure_gpa=run.pressure_gpa,
                structures=len(run.rows),
                best=run.rows[0] if run.rows else None,
            )
        )
    return sorted(lists, key=lambda item: item.pressure_gpa), formula


def _stable(
    lists: list[SeriesList], enthalpies: list[EnthalpyRow], transitions: list[TransitionRow]
) -> list[StableRange]:
    """Ranges of the phase of lowest enthalpy; without a transition it is the first phase."""
    first_rows = {row.phase: row for row in reversed(enthalpies)}
    numbers = [transitions[0].low_phase, *(item.high_phase for item in transitions)] if transitions else [1]
    bounds = [lists[0].pressure_gpa, *(item.pressure_gpa for item in transitions), lists[-1].pressure_gpa]
    return [
        StableRange(
            begin_gpa=bounds[place],
            end_gpa=bounds[place + 1],
            phase=number,
            space_group_number=row.space_group_number,
            space_group_symbol=row.space_group_symbol,
            cell_formula=row.cell_formula,
        )
        for place, number in enumerate(numbers)
        if (row := first_rows.get(number)) is not None
    ]

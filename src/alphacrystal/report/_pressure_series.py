"""Files of a series of pressures: enthalpies and transitions as CSV, figure, page and structures."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ConfigDict, FiniteFloat, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated_dataclass

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.report._html import page_style, page_template
from alphacrystal.report._layout import PAGE_FILE, STRUCTURES_FOLDER, damaged
from alphacrystal.report._structure_text import cif_text, typeset_formula, typeset_symbol
from alphacrystal.report._summary import cell_formula, csv_text
from alphacrystal.runtime.atomic_write import storage_sentence, write_text_atomically
from alphacrystal.runtime.csv_cells import original_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.ranking import PhaseEnthalpies, PhaseRange

ENTHALPIES_FILE = "enthalpies.csv"
TRANSITIONS_FILE = "transitions.csv"
ENTHALPY_FIGURE = "enthalpies"
_DRAWN = 12  # phases in the figure
_SYMPREC = 0.1  # Å


@dataclass(frozen=True, slots=True, eq=False)
class PressurePhase:
    """A phase of a series of pressures.

    Attributes:
        formula: Reduced formula in the spelling of the user.
        space_group_number: International number at the lowest pressure and 0.1 Å.
        space_group_symbol: Hermann-Mauguin short symbol.
        structures: Primitive cell at each pressure.
        enthalpies: At each pressure.
    """

    formula: str
    space_group_number: int
    space_group_symbol: str
    structures: tuple[Structure, ...]
    enthalpies: PhaseEnthalpies

    @property
    def cell_formula(self) -> str:
        """Content of the primitive cell, e.g. "Na2Cl2"."""
        return cell_formula(self.formula, self.structures[0].composition)


@validated_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class EnthalpyRow:
    """A phase at a pressure; the fields are the columns of ``enthalpies.csv``, in order.

    Attributes:
        phase: Number of the phase, from 1.
        pressure_gpa: GPa.
        enthalpy_per_atom_ev: eV/atom.
        volume_per_atom_a3: Å³/atom.
        cell_formula: Content of the primitive cell.
        space_group_number: International number at 0.1 Å.
        space_group_symbol: Hermann-Mauguin short symbol.
        file: CIF path relative to the folder.
    """

    phase: PositiveInt
    pressure_gpa: FiniteFloat
    enthalpy_per_atom_ev: FiniteFloat
    volume_per_atom_a3: FiniteFloat
    cell_formula: str
    space_group_number: PositiveInt
    space_group_symbol: str
    file: str


@validated_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class TransitionRow:
    """A transition under pressure; the fields are the columns of ``transitions.csv``, in order.

    Attributes:
        pressure_gpa: GPa.
        low_phase: Number of the phase below it.
        high_phase: Number of the phase above it.
        low_space_group: International number of the first.
        high_space_group: International number of the second.
    """

    pressure_gpa: FiniteFloat
    low_phase: PositiveInt
    high_phase: PositiveInt
    low_space_group: PositiveInt
    high_space_group: PositiveInt


_ENTHALPY_ROWS, _TRANSITION_ROWS = TypeAdapter(list[EnthalpyRow]), TypeAdapter(list[TransitionRow])


def read_pressure_series(
    folder: Path, enthalpies: bytes, transitions: bytes
) -> tuple[list[EnthalpyRow], list[TransitionRow]]:
    """The rows of ``enthalpies.csv`` and ``transitions.csv``.

    Args:
        folder: Folder of the series, for messages.
        enthalpies: Content of the first file.
        transitions: Content of the second.

    Raises:
        InputError: One of them is damaged.
    """
    name = ENTHALPIES_FILE
    try:
        rows = _ENTHALPY_ROWS.validate_python(_dicts(enthalpies))
        name = TRANSITIONS_FILE
        return rows, _TRANSITION_ROWS.validate_python(_dicts(transitions))
    except (ValidationError, ValueError, csv.Error) as error:
        raise InputError(damaged(folder / name)) from error


def _dicts(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by column.

    Raises:
        ValueError: It is not UTF-8, or a row has more or fewer cells than the header.
    """
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    return [dict(zip(header, map(original_text, row), strict=True)) for row in rows if row]


def write_pressure_series(
    folder: Path,
    formula: str,
    pressures: Sequence[float],
    phases: Sequence[PressurePhase],
    ranges: Sequence[PhaseRange],
    *,
    page: bool = True,
) -> None:
    """Write CIFs of the phases, ``enthalpies.csv``, the figure, ``report.html`` and ``transitions.csv``.

    The last file is the sign that the series is complete.

    Args:
        folder: Folder of the series; each list has a subfolder "<pressure>GPa".
        formula: Reduced formula.
        pressures: GPa, ascending.
        phases: Phases, each with its enthalpies at some or all of the pressures.
        ranges: Phase of lowest enthalpy by range of pressure.
        page: Whether to draw the figure and write the page.

    Raises:
        AlphaCrystalError: A file cannot be written.
    """
    from alphacrystal.crystal import standard_structure

    target = folder / STRUCTURES_FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlphaCrystalError(storage_sentence(target, error)) from error
    plain = phases[0].cell_formula if phases else formula
    rows = []
    for number, phase in enumerate(phases, 1):
        for place, pressure in enumerate(phase.enthalpies.pressures.tolist()):
            structure, group, symbol = standard_structure(phase.structures[place], symprec=_SYMPREC)
            name = f"phase{number:02d}_{plain}_sg{group}_{pressure:g}GPa"
            write_text_atomically(target / f"{name}.cif", cif_text(structure, group, name=name))
            rows.append(
                EnthalpyRow(
                    phase=number,
                    pressure_gpa=pressure,
                    enthalpy_per_atom_ev=round(float(phase.enthalpies.enthalpies[place]), 6),
                    volume_per_atom_a3=round(float(phase.enthalpies.volumes[place]), 6),
                    cell_formula=phase.cell_formula,
                    space_group_number=group,
                    space_group_symbol=symbol,
                    file=f"{STRUCTURES_FOLDER}/{name}.cif",
                )
            )
    write_text_atomically(folder / ENTHALPIES_FILE, _table(EnthalpyRow, rows))
    if page and phases:
        _, picture = _figure(folder, formula, phases, ranges)
        write_text_atomically(folder / PAGE_FILE, _page(formula, pressures, phases, ranges, picture))
    changes = [
        TransitionRow(
            pressure_gpa=round(low.end_gpa, 3),
            low_phase=low.phase + 1,
            high_phase=high.phase + 1,
            low_space_group=phases[low.phase].space_group_number,
            high_space_group=phases[high.phase].space_group_number,
        )
        for low, high in pairwise(ranges)
    ]
    write_text_atomically(folder / TRANSITIONS_FILE, _table(TransitionRow, changes))


def _table(row_type: type[EnthalpyRow | TransitionRow], rows: Sequence[EnthalpyRow | TransitionRow]) -> str:
    return csv_text(tuple(field.name for field in fields(row_type)), map(asdict, rows))


def _figure(
    folder: Path, formula: str, phases: Sequence[PressurePhase], ranges: Sequence[PhaseRange]
) -> tuple[Path, Path]:
    import numpy as np

    from alphacrystal.plots import EnthalpyCurve, enthalpy_pressure

    reference = phases[0].enthalpies
    curves = []
    for number, phase in enumerate(phases[:_DRAWN], 1):
        known = phase.enthalpies
        name = f"{typeset_symbol(phase.space_group_symbol)}, {typeset_formula(phase.cell_formula)}"
        grid = np.linspace(known.pressures[0], known.pressures[-1], 200)
        curves.append(
            EnthalpyCurve(
                f"{number}: {name}",
                known.pressures,
                known.enthalpies - reference.at(known.pressures),
                grid,
                known.at(grid) - reference.at(grid),
            )
        )
    return enthalpy_pressure(
        curves,
        folder / ENTHALPY_FIGURE,
        transitions=[item.end_gpa for item in ranges[:-1]],
        title=typeset_formula(formula),
    )


def _page(
    formula: str,
    pressures: Sequence[float],
    phases: Sequence[PressurePhase],
    ranges: Sequence[PhaseRange],
    picture: Path,
) -> str:
    stable = []
    for number, begin, end in ranges:
        phase = phases[number]
        symbol, cell = typeset_symbol(phase.space_group_symbol), typeset_formula(phase.cell_formula)
        stable.append((number + 1, symbol, phase.space_group_number, cell, begin, end))
    table = []
    for number, phase in enumerate(phases, 1):
        computed = phase.enthalpies
        known = dict(zip(computed.pressures.tolist(), computed.enthalpies.tolist(), strict=True))
        values = [f"{known[pressure]:.4f}" if pressure in known else "" for pressure in pressures]
        symbol, cell = typeset_symbol(phase.space_group_symbol), typeset_formula(phase.cell_formula)
        table.append((number, symbol, phase.space_group_number, cell, values))
    return page_template("pressures.html.j2").render(
        formula=typeset_formula(formula),
        style=page_style(),
        picture=base64.b64encode(picture.read_bytes()).decode(),
        ranges=stable,
        pressures=[f"{value:g}" for value in pressures],
        table=table,
    )

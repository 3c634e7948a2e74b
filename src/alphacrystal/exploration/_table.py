"""The table of a hull: ``hull.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._hull import PREDICTED, Hull, Phase, row_facts

STRUCTURES_FOLDER = "structures"
NEAR = 0.05  # eV/atom above the hull up to which structures are written


@dataclass(frozen=True, slots=True, config=ConfigDict(allow_inf_nan=False))
class HullRow:
    """One phase; the fields are the columns of ``hull.csv``, in order.

    Attributes:
        formula: Reduced formula.
        space_group_number: International number, None where unknown.
        space_group_symbol: Hermann-Mauguin short symbol, "" where unknown.
        n_atoms: Atoms in the primitive cell, None where unknown.
        energy_per_atom_ev: eV/atom at zero pressure, else None.
        enthalpy_per_atom_ev: eV/atom under pressure, else None.
        formation_energy_per_atom_ev: From the elements (under pressure: of the enthalpies), eV/atom.
        energy_above_hull_per_atom_ev: eV/atom (enthalpies under pressure); 0 on the hull.
        existence: Probability that a compound exists at the composition, None for elements.
        probability: That the structure is the known or ground-state structure of its formula.
        source: "predicted", "known" (known phase whose structure no prediction has) or "reference" (element).
        known: Identifier of the known phase; "other structure" if the formula is known with other structures,
            "new" if it is not known, "" if no table was used.
        converged: Whether the relaxation converged, None where unknown.
        flags: Keys of ``alphacrystal.ranking.FLAGS``, separated by blanks. A phase with the flag unknown is
            not used for the hull.
        volume_per_atom_a3: Å³/atom, None where unknown.
        decomposition: Phases on the hull at its composition with fractions of the atoms; "" on the hull.
        file: CIF relative to the folder, "" without one.
        run: Run folder relative to the folder of the exploration, "" without one.
        prototype: Names of the prototypes of its structure type, "" without one or where unknown.
        a: Å, of the conventional cell, as the five attributes that follow; None where unknown.
        b: Å.
        c: Å.
        alpha: Degrees.
        beta: Degrees.
        gamma: Degrees.
        density_g_cm3: g/cm³, None where unknown.
        r_wp: Fit to the measured pattern, 0 to about 1, None without a profile; this column and the next
            exist only in explorations with a pattern.
        unexplained_peaks: Measured peaks that the structure does not explain, None without a pattern.
    """

    formula: str
    space_group_number: int | None
    space_group_symbol: str
    n_atoms: int | None
    energy_per_atom_ev: float | None
    enthalpy_per_atom_ev: float | None
    formation_energy_per_atom_ev: float
    energy_above_hull_per_atom_ev: float
    existence: float | None
    probability: float | None
    source: str
    known: str
    converged: bool | None
    flags: str
    volume_per_atom_a3: float | None
    decomposition: str
    file: str
    run: str
    prototype: str = ""
    a: float | None = None
    b: float | None = None
    c: float | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    density_g_cm3: float | None = None
    r_wp: float | None = None
    unexplained_peaks: int | None = None


PATTERN_COLUMNS = ("r_wp", "unexplained_peaks")
HULL_COLUMNS: tuple[str, ...] = tuple(
    field.name for field in fields(HullRow) if field.name not in PATTERN_COLUMNS
)


def hull_columns(rows: Sequence[HullRow]) -> tuple[str, ...]:
    """The columns of ``hull.csv``: those of a pattern come last."""
    with_pattern = any(row.unexplained_peaks is not None for row in rows)
    return (*HULL_COLUMNS, *PATTERN_COLUMNS) if with_pattern else HULL_COLUMNS


def hull_table(exploration: Exploration, pressure_gpa: float | None = None) -> list[HullRow]:
    """The rows of ``hull.csv``: nearest to the hull first, then by formula.

    Args:
        exploration: An exploration.
        pressure_gpa: One of its pressures; the lowest if None.
    """
    hull = exploration.hull if pressure_gpa is None else exploration.hulls[pressure_gpa]
    return [hull_row(exploration, hull, index) for index in ordered_phases(hull)]


def ordered_phases(hull: Hull) -> list[int]:
    """Indices of the phases: those on the hull, then by energy above it, then by formula."""
    return sorted(
        range(len(hull.phases)),
        key=lambda i: (i not in hull.stable, round(float(hull.above[i]), 6), hull.phases[i].formula, i),
    )


def hull_row(exploration: Exploration, hull: Hull, index: int) -> HullRow:
    """The row of a phase."""
    phase = hull.phases[index]
    ambient = hull.pressure_gpa == 0
    above = round(float(hull.above[index]), 6)
    return HullRow(
        formula=phase.formula,
        energy_per_atom_ev=round(phase.energy_per_atom_ev, 6) if ambient else None,
        enthalpy_per_atom_ev=None if ambient else round(phase.energy_per_atom_ev, 6),
        formation_energy_per_atom_ev=round(float(hull.formation[index]), 6) + 0.0,
        energy_above_hull_per_atom_ev=above + 0.0,
        existence=exploration.compositions.probability(phase.formula),
        source=phase.source,
        r_wp=None if phase.r_wp is None else round(phase.r_wp, 5),
        decomposition=""
        if index in hull.stable
        else " + ".join(f"{share:.3g} {formula}" for formula, share in hull.decomposition(index)),
        file=f"{STRUCTURES_FOLDER}/{_cif_name(phase)}" if _has_file(phase, above) else "",
        run=phase.folder,
        **row_facts(phase),
    )


def _has_file(phase: Phase, above: float) -> bool:
    written = above <= NEAR or phase.unexplained_peaks is not None
    return phase.source == PREDICTED and bool(phase.file) and written


def _cif_name(phase: Phase) -> str:
    level = phase.folder.split("/")[1].partition("-")[0]
    rank = Path(phase.file).stem.partition("_")[0]
    return f"{phase.formula}_sg{phase.space_group_number}_{level}{rank}.cif"

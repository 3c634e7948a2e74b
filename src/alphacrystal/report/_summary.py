"""The rows of ``summary.csv``: one per ranked structure."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, get_type_hints

from alphacrystal.runtime.csv_cells import write_csv

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition

    from alphacrystal.rank import RankedStructure
    from alphacrystal.report._prediction import Prediction

STRUCTURES_FOLDER = "structures"


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One ranked structure; the fields are the columns of ``summary.csv``, in order.

    Attributes:
        rank: 1 is best, by the documented default order.
        file: CIF path relative to the run folder.
        formula: Reduced formula.
        cell_formula: Content of the primitive cell.
        z: Formula units in the primitive cell.
        n_atoms: Atoms in the primitive cell.
        space_group_number: International number.
        space_group_symbol: Hermann-Mauguin short symbol.
        energy_per_atom_ev: eV/atom after relaxation, None with --no-relax.
        formation_energy_ev_per_atom: eV/atom, None where not available.
        e_above_hull_ev_per_atom: eV/atom, None without a reference set.
        volume_per_atom_a3: Å³/atom.
        chemical_rank: Rank by prior × geometry.
        energy_rank: Rank by energy per atom, None without energies.
        log_probability: Natural log of prior × geometry, None where the generator has none.
        generator: Name of the generator.
        converged: Whether the relaxation converged, None with --no-relax.
        max_force_ev_per_a: Largest force left, eV/Å, None where not available.
        decomposition: Phases on the hull of the reference set, e.g. "0.5 MgO (mp-1265) + 0.5 TiO2 (mp-2657)"
            with fractions of the atoms; "" without a reference set.
        space_group_number_tight: International number at 0.01 Å instead of 0.1 Å.
    """

    rank: int
    file: str
    formula: str
    cell_formula: str
    z: int
    n_atoms: int
    space_group_number: int
    space_group_symbol: str
    energy_per_atom_ev: float | None
    formation_energy_ev_per_atom: float | None
    e_above_hull_ev_per_atom: float | None
    volume_per_atom_a3: float
    chemical_rank: int
    energy_rank: int | None
    log_probability: float | None
    generator: str
    converged: bool | None
    max_force_ev_per_a: float | None
    decomposition: str = ""
    space_group_number_tight: int | None = None


SUMMARY_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(SummaryRow))
#: Columns that folders of earlier versions lack.
ADDED_COLUMNS = frozenset({"decomposition", "space_group_number_tight"})
_DECIMALS = 6


def column_kinds() -> dict[str, object]:
    """The type of each column, e.g. ``float | None``."""
    return get_type_hints(SummaryRow)


def summary_rows(prediction: Prediction) -> list[SummaryRow]:
    """The table of a prediction, in rank order."""
    return [_row(prediction.formula, ranked) for ranked in prediction.ranked]


def _row(formula: str, ranked: RankedStructure) -> SummaryRow:
    composition = ranked.primitive.composition
    relaxation = ranked.relaxation
    return SummaryRow(
        rank=ranked.rank,
        file=f"{STRUCTURES_FOLDER}/{cif_file_name(formula, ranked)}",
        formula=formula,
        cell_formula=flat_formula(composition),
        z=formula_units(composition),
        n_atoms=len(ranked.primitive),
        space_group_number=ranked.space_group_number,
        space_group_symbol=ranked.space_group_symbol,
        energy_per_atom_ev=_finite(relaxation.energy_per_atom) if relaxation else None,
        formation_energy_ev_per_atom=_finite(ranked.formation_energy_per_atom),
        e_above_hull_ev_per_atom=_finite(ranked.energy_above_hull_per_atom),
        volume_per_atom_a3=round(ranked.structure.volume / len(ranked.structure), _DECIMALS),
        chemical_rank=ranked.chemical_rank,
        energy_rank=ranked.energy_rank,
        log_probability=_finite(ranked.candidate.log_probability),
        generator=ranked.candidate.generator,
        converged=relaxation.converged if relaxation else None,
        max_force_ev_per_a=_finite(relaxation.max_force) if relaxation else None,
        decomposition=" + ".join(map(str, ranked.decomposition)),
        space_group_number_tight=ranked.tight_space_group,
    )


def cif_file_name(formula: str, ranked: RankedStructure) -> str:
    """File name of a ranked structure, e.g. "001_Zr4Al3_sg191.cif"."""
    plain = formula
    if re.fullmatch(r"[A-Za-z0-9]+", formula) is None:  # e.g. LiFe2(ClO)2: brackets are trouble in a shell
        composition = ranked.primitive.composition
        plain = flat_formula(composition, divide_by=formula_units(composition))
    return f"{ranked.rank:03d}_{plain}_sg{ranked.space_group_number}.cif"


def flat_formula(composition: Composition, *, divide_by: int = 1) -> str:
    """Formula without brackets or spaces, e.g. "Pb4O4", elements by electronegativity."""
    parts = composition.formula.split()
    amounts = [re.fullmatch(r"([A-Z][a-z]?)(\d+)", part) for part in parts]
    text = ""
    for match in amounts:
        if match is None:
            return "".join(parts)
        count = int(match[2]) // divide_by
        text += match[1] + (str(count) if count > 1 else "")
    return text


def formula_units(composition: Composition) -> int:
    """Formula units Z of a cell content: the greatest common divisor of its counts."""
    return math.gcd(*(round(amount) for amount in composition.values()))


def summary_csv(rows: Iterable[SummaryRow]) -> str:
    """Text of ``summary.csv``; cells without a value are empty, truth values are "true" and "false"."""
    return csv_text(SUMMARY_COLUMNS, ({name: getattr(row, name) for name in SUMMARY_COLUMNS} for row in rows))


def csv_text(
    columns: tuple[str, ...], rows: Iterable[Mapping[str, object]], *, verbatim: Collection[str] = ()
) -> str:
    """CSV of rows by column name, as ``write_csv`` writes them."""
    stream = io.StringIO()
    write_csv(stream, columns, ([row[name] for name in columns] for row in rows), verbatim=verbatim)
    return stream.getvalue()


def _finite(value: float | None) -> float | None:
    return round(float(value), _DECIMALS) if value is not None and math.isfinite(value) else None

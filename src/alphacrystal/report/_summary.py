"""The rows of ``summary.csv``, one per ranked structure: built, written and read back."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from alphacrystal.composition import flat_name
from alphacrystal.disorder import ARRANGEMENTS, PARENT
from alphacrystal.errors import InputError
from alphacrystal.ranking import MODE_OF, novelty
from alphacrystal.report._layout import STRUCTURES_FOLDER, damaged
from alphacrystal.runtime.csv_cells import original_text, write_csv

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.core.composition import Composition

    from alphacrystal.ranking import DecompositionProduct, RankedStructure, SecondEnergy

MAX_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One ranked structure; the fields are the columns of ``summary.csv``, in order.

    Attributes:
        rank: 1 is best, by the documented default order.
        file: CIF path relative to the run folder.
        formula: Reduced formula in the spelling of the user, e.g. "BiVO4".
        cell_formula: Content of the primitive cell.
        z: Formula units in the primitive cell.
        n_atoms: Atoms in the primitive cell.
        space_group_number: International number.
        space_group_symbol: Hermann-Mauguin short symbol.
        energy_per_atom_ev: eV/atom after relaxation at zero pressure, else None.
        enthalpy_per_atom_ev: eV/atom after relaxation under pressure, else None.
        formation_energy_per_atom_ev: eV/atom, None where not available.
        energy_above_hull_per_atom_ev: eV/atom (enthalpies under pressure), None without a reference set.
        volume_per_atom_a3: Å³/atom.
        chemical_rank: Rank by prior × geometry.
        energy_rank: Rank by energy (enthalpy) per atom, None without energies.
        log_probability: Natural log of prior × geometry, None where the generator has none.
        generator: Name of the generator.
        converged: Whether the relaxation converged, None with --no-relax.
        max_force_ev_per_a: Largest remaining force, eV/Å, None where not available.
        decomposition: Phases on the hull of the reference set, e.g. "0.5 MgO (mp-1265) + 0.5 TiO2 (mp-2657)"
            with fractions of the atoms; "" without a reference set.
        space_group_number_tight: International number at 0.01 Å instead of 0.1 Å.
        probability: That the row is the known or ground-state structure, None where not available.
        known: Identifier of the known phase that it is, e.g. "mp-22862"; "other structure" if the formula is
            known with other structures only, "new" if the formula is not known, "" if no table was used.
        lowest_frequency_thz: Of the phonons in THz, negative for an imaginary one; None without phonons.
        vibrational_free_energy_per_atom_ev: eV/atom at the temperature of the run, None without phonons.
        plain_energy_per_atom_ev: eV/atom without dispersion, None where the relaxation has none and under
            pressure. Formation energies and energies above hull compare this energy.
        mode_of_rank: Rank of the structure whose unstable mode it follows, None without one in the list.
        flags: Keys of ``alphacrystal.ranking.FLAGS``, separated by blanks.
        r_wp: Weighted profile reliability factor of the fit to the measured pattern, 0 to about 1; None
            without a profile.
        unexplained_peaks: Measured peaks that the structure does not explain, None without a pattern.
        second_potential: Name of the second potential (``--rerank``), "" if it gave no energy.
        second_energy_per_atom_ev: eV/atom by the second potential at zero pressure, else None.
        second_enthalpy_per_atom_ev: eV/atom by the second potential under pressure, else None.
        second_above_lowest_per_atom_ev: eV/atom above the lowest row by the second potential.
        second_formation_energy_per_atom_ev: eV/atom, None without elemental references of this potential.
        second_energy_rank: Rank by the energy (enthalpy) of the second potential.
        a: Length in Å of the conventional cell in the ITA standard setting, as the five columns that follow;
            None in folders of earlier versions.
        b: Å.
        c: Å.
        alpha: Degrees.
        beta: Degrees.
        gamma: Degrees.
        density_g_cm3: g/cm³, None in folders of earlier versions.
        structure_type: Label of the structure type in the style of AFLOW, e.g. "AB2_tP6_136_a_f".
        prototype: Names of the prototypes of this structure type, e.g. "rutile"; "" without one.
        novelty: "known structure (mp-22862)", "known formula, other structure" or "new"; "" if no table was
            used.
        parent: Name of the disordered crystal that it is an ordered approximant of, "" otherwise.
        arrangements: Equivalent arrangements of its atoms in the supercells of this size; None for other
            structures.
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
    enthalpy_per_atom_ev: float | None
    formation_energy_per_atom_ev: float | None
    energy_above_hull_per_atom_ev: float | None
    volume_per_atom_a3: float
    chemical_rank: int
    energy_rank: int | None
    log_probability: float | None
    generator: str
    converged: bool | None
    max_force_ev_per_a: float | None
    decomposition: str = ""
    space_group_number_tight: int | None = None
    probability: float | None = None
    known: str = ""
    flags: str = ""
    lowest_frequency_thz: float | None = None
    vibrational_free_energy_per_atom_ev: float | None = None
    plain_energy_per_atom_ev: float | None = None
    mode_of_rank: int | None = None
    r_wp: float | None = None
    unexplained_peaks: int | None = None
    second_potential: str = ""
    second_energy_per_atom_ev: float | None = None
    second_enthalpy_per_atom_ev: float | None = None
    second_above_lowest_per_atom_ev: float | None = None
    second_formation_energy_per_atom_ev: float | None = None
    second_energy_rank: int | None = None
    a: float | None = None
    b: float | None = None
    c: float | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    density_g_cm3: float | None = None
    structure_type: str = ""
    prototype: str = ""
    novelty: str = ""
    parent: str = ""
    arrangements: int | None = None

    @property
    def energy_or_enthalpy_ev(self) -> float | None:
        """eV/atom: the enthalpy under pressure, else the energy."""
        return self.energy_per_atom_ev if self.enthalpy_per_atom_ev is None else self.enthalpy_per_atom_ev


SUMMARY_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(SummaryRow))
#: Values of the columns that folders of earlier versions lack.
_ADDED_COLUMNS: dict[str, Any] = {
    "enthalpy_per_atom_ev": None,
    "decomposition": "",
    "space_group_number_tight": None,
    "probability": None,
    "known": "",
    "flags": "",
    "lowest_frequency_thz": None,
    "vibrational_free_energy_per_atom_ev": None,
    "plain_energy_per_atom_ev": None,
    "mode_of_rank": None,
    "r_wp": None,
    "unexplained_peaks": None,
    "second_potential": "",
    "second_energy_per_atom_ev": None,
    "second_enthalpy_per_atom_ev": None,
    "second_above_lowest_per_atom_ev": None,
    "second_formation_energy_per_atom_ev": None,
    "second_energy_rank": None,
    **dict.fromkeys(("a", "b", "c", "alpha", "beta", "gamma", "density_g_cm3")),
    **dict.fromkeys(("structure_type", "prototype", "novelty", "parent"), ""),
    "arrangements": None,
}
#: Present names by the names of format 1.
_RENAMED_COLUMNS = {
    "formation_energy_ev_per_atom": "formation_energy_per_atom_ev",
    "e_above_hull_ev_per_atom": "energy_above_hull_per_atom_ev",
}
_DECIMALS = 6
_STRUCTURE_FILE = re.compile(rf"{STRUCTURES_FOLDER}/[^./\\\0][^/\\\0]*\.cif")


def column_types() -> dict[str, object]:
    """The type of each column, e.g. ``float | None``."""
    return get_type_hints(SummaryRow)


def summary_rows(
    formula: str, ranked: Sequence[RankedStructure], pressure_gpa: float = 0.0
) -> list[SummaryRow]:
    """The table of ranked structures, in their order.

    Args:
        formula: Reduced formula in the spelling of the user.
        ranked: Structures in rank order.
        pressure_gpa: Pressure of the relaxations; the energies are enthalpies where it is not zero.
    """
    ranks = {index: item.rank for item in ranked for index in (item.candidate_index, *item.duplicates)}
    return [_row(formula, structure, pressure_gpa, ranks) for structure in ranked]


def _row(formula: str, ranked: RankedStructure, pressure_gpa: float, ranks: Mapping[int, int]) -> SummaryRow:
    composition = ranked.primitive.composition
    relaxation, fit = ranked.relaxation, ranked.pattern_fit
    energy = _finite_or_none(relaxation.energy_per_atom) if relaxation else None
    return SummaryRow(
        rank=ranked.rank,
        file=f"{STRUCTURES_FOLDER}/{cif_file_name(formula, ranked)}",
        formula=formula,
        cell_formula=cell_formula(formula, composition),
        z=formula_units(composition),
        n_atoms=len(ranked.primitive),
        space_group_number=ranked.space_group_number,
        space_group_symbol=ranked.space_group_symbol,
        energy_per_atom_ev=energy if pressure_gpa == 0 else None,
        enthalpy_per_atom_ev=None if pressure_gpa == 0 else energy,
        formation_energy_per_atom_ev=_finite_or_none(ranked.formation_energy_per_atom),
        energy_above_hull_per_atom_ev=_finite_or_none(ranked.energy_above_hull_per_atom),
        volume_per_atom_a3=round(ranked.structure.volume / len(ranked.structure), _DECIMALS),
        chemical_rank=ranked.chemical_rank,
        energy_rank=ranked.energy_rank,
        log_probability=_finite_or_none(ranked.candidate.log_probability),
        generator=ranked.candidate.generator,
        converged=relaxation.converged if relaxation else None,
        max_force_ev_per_a=_finite_or_none(relaxation.max_force) if relaxation else None,
        decomposition=" + ".join(_product(item, composition, formula) for item in ranked.decomposition),
        space_group_number_tight=ranked.tight_space_group,
        probability=_finite_or_none(ranked.probability),
        known=ranked.known,
        flags=" ".join(ranked.flags),
        lowest_frequency_thz=ranked.phonons.lowest_frequency_thz if ranked.phonons else None,
        vibrational_free_energy_per_atom_ev=(
            ranked.phonons.free_energy_per_atom_ev if ranked.phonons else None
        ),
        mode_of_rank=_parent_rank(ranked.candidate.provenance.get(MODE_OF), ranks),
        plain_energy_per_atom_ev=_finite_or_none(ranked.plain_energy_per_atom) if pressure_gpa == 0 else None,
        r_wp=_finite_or_none(fit.profile.r_wp) if fit and fit.profile else None,
        unexplained_peaks=len(fit.unexplained.spacing) if fit else None,
        **_second(ranked.second, pressure_gpa),
        **_cell(ranked.structure),
        structure_type=ranked.structure_type,
        prototype=ranked.prototype,
        novelty=novelty(ranked.known),
        **_ordering(ranked.candidate.provenance),
    )


def _product(product: DecompositionProduct, composition: Composition, formula: str) -> str:
    """A phase of the hull; the compound itself in the spelling of the user."""
    same = product.formula == composition.reduced_formula
    return str(replace(product, formula=formula) if same else product)


def _ordering(provenance: Mapping[str, object]) -> dict[str, Any]:
    """The columns of an ordered approximant."""
    parent, number = provenance.get(PARENT), provenance.get(ARRANGEMENTS)
    if not isinstance(parent, Mapping):
        return {}
    return {
        "parent": str(parent.get("parent", "")),
        "arrangements": number if isinstance(number, int) else None,
    }


def _cell(structure: Structure) -> dict[str, Any]:
    """The columns of the conventional cell."""
    values = (*structure.lattice.parameters, structure.density)
    names = ("a", "b", "c", "alpha", "beta", "gamma", "density_g_cm3")
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


def _parent_rank(parent: object, ranks: Mapping[int, int]) -> int | None:
    return ranks.get(parent) if isinstance(parent, int) else None


def _second(second: SecondEnergy | None, pressure_gpa: float) -> dict[str, Any]:
    """The columns of the second potential."""
    if second is None:
        return {}
    energy = _finite_or_none(second.energy_per_atom)
    return {
        "second_potential": second.potential,
        "second_energy_per_atom_ev": energy if pressure_gpa == 0 else None,
        "second_enthalpy_per_atom_ev": None if pressure_gpa == 0 else energy,
        "second_above_lowest_per_atom_ev": _finite_or_none(second.above_lowest),
        "second_formation_energy_per_atom_ev": _finite_or_none(second.formation_energy_per_atom),
        "second_energy_rank": second.energy_rank,
    }


def cif_file_name(formula: str, ranked: RankedStructure) -> str:
    """File name of a ranked structure, e.g. "001_Zr4Al3_sg191.cif"."""
    plain = formula
    if re.fullmatch(r"[A-Za-z0-9]+", formula) is None:  # e.g. Ba(ClO3)2: a shell would interpret brackets
        composition = ranked.primitive.composition
        plain = cell_formula(formula, composition, divide_by=formula_units(composition))
    return f"{ranked.rank:03d}_{plain}_sg{ranked.space_group_number}.cif"


def cell_formula(formula: str, composition: Composition, *, divide_by: int = 1) -> str:
    """Content of a cell, e.g. "Bi2V2O8", with the elements in the order of a formula, e.g. BiVO4."""
    counts = {element.symbol: round(amount) // divide_by for element, amount in composition.items()}
    return flat_name(counts, formula)


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


def read_summary_csv(path: Path, content: bytes) -> tuple[SummaryRow, ...]:
    """The rows of a ``summary.csv`` of this or an earlier format.

    Args:
        path: Path of the file, for messages.
        content: Content of the file.

    Raises:
        InputError: It is not UTF-8, has too many or too few columns, a cell has a wrong type, or a structure
            file is not a CIF below ``structures``.
    """
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        header = [_RENAMED_COLUMNS.get(name, name) for name in next(lines, [])]
        if len(header) > MAX_COLUMNS:
            raise InputError(f"{path} has more than {MAX_COLUMNS} columns, the limit for such a file.")
        columns = {name: header.index(name) for name in SUMMARY_COLUMNS if name in header}
        if missing := set(SUMMARY_COLUMNS) - set(columns) - _ADDED_COLUMNS.keys():
            raise ValueError(f"no column {min(missing)}")
        types = column_types()
        rows = tuple(
            SummaryRow(
                **_ADDED_COLUMNS
                | {name: _parsed(cells[column], types[name]) for name, column in columns.items()}
            )
            for cells in lines
            if cells
        )
        if "novelty" not in columns:
            rows = tuple(replace(row, novelty=novelty(row.known)) for row in rows)
    except (ValueError, LookupError, TypeError, csv.Error) as error:
        raise InputError(damaged(path)) from error
    for row in rows:
        if not _STRUCTURE_FILE.fullmatch(row.file):
            raise InputError(
                f"{path} names the structure file {row.file[:200]!r}, which is no CIF in the folder "
                f"{STRUCTURES_FOLDER}: correct it or repeat the run."
            )
    return rows


def _parsed(text: str, column_type: object) -> Any:
    """A cell as its column's type; an empty cell is None where the column allows it."""
    if column_type is str:
        return original_text(text)
    if text == "" and column_type not in (int, float):
        return None
    if column_type in (int, int | None):
        return int(text)
    if column_type == bool | None:
        return {"true": True, "false": False}[text]
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def _finite_or_none(value: float | None) -> float | None:
    return round(float(value), _DECIMALS) if value is not None and math.isfinite(value) else None

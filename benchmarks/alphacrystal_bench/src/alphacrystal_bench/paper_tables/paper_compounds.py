"""The compounds of the paper's Tables 3 and 4, with the published values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Composition, Lattice, Structure

from alphacrystal.errors import InputError
from alphacrystal_bench.cspbench.compounds import Compound

Row = dict[str, Any]
DIGITS = 6  # of the coordinates that are kept
EnergiesOf = Callable[[str, Sequence[Structure]], Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class PaperCompound:
    """A compound of a table of the paper.

    Attributes:
        compound: The reference structure, with its id.
        by_id: Whether the paper names the id of this structure; otherwise it has only the same formula.
        printed: Published values by column; None where there is none.
        cell: Cell content in the paper, e.g. "Pb4O4"; empty where the paper gives the formula only.
        others: Ids of other structures that the paper may mean.
        reason: Reason for the choice of this structure.
    """

    compound: Compound
    by_id: bool
    printed: Mapping[str, Any]
    cell: str = ""
    others: tuple[str, ...] = ()
    reason: str = ""


def read_table3(file: Path) -> list[PaperCompound]:
    """The 30 compounds of Table 3; for two of them the smallest structure of the same formula.

    Raises:
        InputError: The file cannot be read.
    """
    return _read(file, _table3_compound)


def _table3_compound(row: Row) -> PaperCompound:
    printed = {
        "gnoa": row["gnoa_superpose"],
        "top_10": row["alphacrystal2_top10_superpose"],
        "top_20": row["alphacrystal2_top20_superpose"],
    }
    by_id = row.get("structure_id") is not None
    same = [row] if by_id else sorted(row["same_formula_candidates"], key=lambda item: item["nsites"])
    ids = [str(row["mp_id"])] if by_id else [str(item["id"]) for item in same]
    compound = Compound(ids[0], _reduced(row["formula"]), structure_of(same[0]), row["arity"])
    reason = "" if by_id else f"{row['mp_id']} is not available; the smallest cell of the same formula"
    return PaperCompound(compound, by_id, printed, others=tuple(ids[1:]), reason=reason)


def read_table4(file: Path, energies: EnergiesOf) -> list[PaperCompound]:
    """The 8 compounds of Table 4, each with the most probable reference structure.

    Of the structures with the cell size of the formula, the one with the lowest energy above the hull is
    taken; if none has an energy above the hull, the one with the lowest energy of ``energies``.

    Args:
        file: The table.
        energies: Energies per atom of structures of a formula; None for structures without energy.

    Raises:
        InputError: The file cannot be read.
    """
    return _read(file, lambda row: _table4_compound(row, energies))


def _table4_compound(row: Row, energies: EnergiesOf) -> PaperCompound:
    size = round(Composition(row["formula"]).num_atoms)
    of_size = [item for item in row["candidates"] if item["nsites"] == size]
    known = [item for item in of_size if item["e_above_hull"] is not None]
    if len(of_size) == 1:
        chosen, reason = of_size[0], "the only one of this cell size"
    elif known:
        chosen = min(known, key=lambda item: float(item["e_above_hull"]))
        reason = f"lowest known energy above the hull ({1000 * chosen['e_above_hull']:.0f} meV/atom)"
    else:
        values = energies(row["formula"], [structure_of(item) for item in of_size])
        order = [np.inf if value is None else value for value in values]
        chosen = of_size[int(np.argmin(order))]
        reason = "no energy above the hull is known; lowest energy with the potential"
    printed = {"AlphaCrystal-I": row["alphacrystal1"], "AlphaCrystal-II": row["alphacrystal2"]}
    compound = Compound(chosen["id"], _reduced(row["formula"]), structure_of(chosen))
    others = tuple(item["id"] for item in of_size if item is not chosen)
    return PaperCompound(compound, False, printed, row["formula"], others, reason)


def plain_structure(structure: Structure) -> Row:
    """A structure as JSON values: lattice in Å, species, fractional coordinates."""
    return {
        "lattice": np.round(structure.lattice.matrix, DIGITS).tolist(),
        "species": [site.specie.symbol for site in structure],
        "frac_coords": np.round(structure.frac_coords, DIGITS).tolist(),
    }


def structure_of(row: Mapping[str, Any]) -> Structure:
    """The structure of JSON values in the orientation of a CIF file.

    The point metrics are defined on CIF files, which contain lengths and angles but no orientation;
    fractional coordinates are wrapped into the cell.
    """
    lattice = Lattice.from_parameters(*Lattice(row["lattice"]).parameters)
    return Structure(lattice, row["species"], np.round(row["frac_coords"], DIGITS) % 1.0)


def standard_cell(row: Mapping[str, Any]) -> Row:
    """The same crystal in the primitive standard cell, which the Materials Project stores.

    Cells of Setyawan and Curtarolo, doi:10.1016/j.commatsci.2010.05.010; unchanged if the symmetry cannot be
    determined.
    """
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    try:
        standard = SpacegroupAnalyzer(structure_of(row), symprec=0.1).get_primitive_standard_structure()
    except (SymmetryUndeterminedError, ValueError):
        return dict(row)
    return plain_structure(standard)


def _reduced(formula: str) -> str:
    return str(Composition(formula).reduced_formula)


def _read(file: Path, compound_of: Callable[[Row], PaperCompound]) -> list[PaperCompound]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [compound_of(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The compounds in {file} cannot be read: {error}.") from error

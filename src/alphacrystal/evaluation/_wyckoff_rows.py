"""Coordinates of the independent atoms of two files, row by row, as CSPBenchMetrics compares them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.evaluation._metrics import NotComparableError
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


_SAME_SITE = 1e-4
_OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_COORDINATES = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")


@dataclass(frozen=True, slots=True, eq=False)
class IndependentAtoms:
    """The atoms that a file lists.

    Attributes:
        rows: Fractional coordinates as listed, shape (rows, 3).
        orbits: All atoms that symmetry makes of the rows, wrapped into [0, 1), shape (atoms, 3): one element
            after the other by electronegativity, rows in their order within one.
        multiplicities: Of each row, as listed; else the sizes of the orbits.
    """

    rows: FloatArray
    orbits: FloatArray
    multiplicities: tuple[int, ...]

    @classmethod
    def of(cls, structure: Structure) -> IndependentAtoms:
        """All atoms of a structure, as a file without symmetry would list them."""
        rows = np.array(structure.frac_coords)
        order = _electronegativity_order([site.specie.symbol for site in structure])
        return cls(rows, rows[order] % 1.0, (1,) * len(rows))

    @classmethod
    def read(cls, path: Path) -> IndependentAtoms | None:
        """The rows of a CIF; None where the file is none, or lacks coordinates or operations."""
        from pymatgen.io.cif import CifFile

        if path.suffix.lower() not in (".cif", ".mcif"):
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                block: Any = next(iter(CifFile.from_file(path).data.values()))
                return cls._of_block(block.data)
        except Exception:  # noqa: BLE001 - the parser raises anything
            return None

    @classmethod
    def _of_block(cls, block: dict[str, Any]) -> IndependentAtoms:
        from pymatgen.core.operations import SymmOp
        from pymatgen.io.cif import str2float

        operations: Sequence[str] | str = next(block[name] for name in _OPERATIONS if name in block)
        if isinstance(operations, str):
            operations = [operations]
        parsed = [SymmOp.from_xyz_str(text) for text in operations]
        rows = np.array([[str2float(text) for text in block[name]] for name in _COORDINATES], float).T
        orbits = [_orbit(row, parsed) for row in rows]
        labels = block.get("_atom_site_type_symbol") or block["_atom_site_label"]
        order = _electronegativity_order([re.match(r"[A-Z][a-z]?", label)[0] for label in labels])  # type: ignore[index]
        listed = block.get("_atom_site_symmetry_multiplicity")
        sizes = [int(text) for text in listed] if listed else [len(orbit) for orbit in orbits]
        return cls(rows, np.concatenate([orbits[index] for index in order]), tuple(sizes))


def _electronegativity_order(symbols: Sequence[str]) -> list[int]:
    from pymatgen.core import Element

    return sorted(range(len(symbols)), key=lambda index: Element(symbols[index]))


def _orbit(row: FloatArray, operations: Sequence[Any]) -> FloatArray:
    orbit: list[FloatArray] = []
    for operation in operations:
        point = np.asarray(operation.operate(row)) % 1.0
        differences = np.array(orbit).reshape(-1, 3) - point
        differences -= np.round(differences)
        if not (np.abs(differences) < _SAME_SITE).all(1).any():
            orbit.append(point)
    return np.array(orbit)


def wyckoff_differences(target: IndependentAtoms, predicted: IndependentAtoms) -> FloatArray:
    """Fractional differences of the independent atoms of both, row by row, shape (rows, 3).

    The predicted atoms, element after element, are dealt out to the target's rows, each as many as its
    multiplicity; of those the nearest counts. So rows of different elements are compared where the files list
    them in another order; periods and origins are not looked at.

    Raises:
        NotComparableError: The files list different numbers of atoms.
    """
    if len(target.rows) != len(predicted.rows):
        raise NotComparableError(
            f"the files list {len(target.rows)} and {len(predicted.rows)} independent atoms"
        )
    if sum(target.multiplicities) > len(predicted.orbits):
        raise NotComparableError(
            f"the target's cell holds {sum(target.multiplicities)} atoms and the predicted one "
            f"{len(predicted.orbits)}"
        )
    chosen = []
    ends = np.cumsum(target.multiplicities)
    for row, end, size in zip(target.rows, ends, target.multiplicities, strict=True):
        members = predicted.orbits[end - size : end]
        chosen.append(members[np.argmin(((members - row) ** 2).sum(1))] - row)
    return np.array(chosen)

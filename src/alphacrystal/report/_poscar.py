"""A crystal as VASP reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


def poscar_text(structure: Structure) -> str:
    """POSCAR of the conventional cell, atoms grouped by element."""
    from pymatgen.io.vasp.inputs import Poscar

    return str(Poscar(structure.get_sorted_structure()).get_str(significant_figures=10))

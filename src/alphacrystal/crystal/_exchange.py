"""Crystals as other packages hold them: pymatgen Structures and ASE Atoms, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, Union

from alphacrystal.crystal._structure_json import OCCUPANCY_TOLERANCE
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

StructureLike: TypeAlias = Union["Structure", "Atoms"]


def as_structure(crystal: StructureLike) -> Structure:
    """A crystal as a pymatgen Structure; an ordered Structure is returned as it is, not copied.

    Of ASE Atoms the cell, the elements and the positions are taken, nothing else. A site that one element
    holds in several oxidation states is a site of this element.

    Raises:
        InputError: It is neither, is not periodic in three directions, or is disordered Atoms.
    """
    from pymatgen.core.structure import Structure

    if isinstance(crystal, Structure):
        if not all(crystal.lattice.pbc):
            raise InputError(
                f"The Structure {crystal.composition.reduced_formula} is not periodic in three directions."
            )
        return crystal if crystal.is_ordered else _with_whole_sites(crystal)
    from ase import Atoms

    if not isinstance(crystal, Atoms):
        raise InputError(
            f"A crystal must be a pymatgen Structure or ASE Atoms, not {type(crystal).__name__}."
        )
    if crystal.cell.rank < 3 or not crystal.pbc.all():
        raise InputError(
            f"The Atoms {crystal.symbols} are not periodic in three directions: give a cell and pbc=True."
        )
    if not len(crystal) or not crystal.numbers.all():
        raise InputError(f"The Atoms {crystal.symbols or 'given'} hold no atoms, or some without an element.")
    _refuse_occupancies(crystal)
    from pymatgen.core.lattice import Lattice

    positions = crystal.get_scaled_positions(wrap=False)
    return Structure(Lattice(crystal.cell.array), crystal.get_chemical_symbols(), positions)


def _refuse_occupancies(atoms: Atoms) -> None:
    """Refuse Atoms that ASE read from a disordered CIF: they hold the first element of each site."""
    occupancies = atoms.info.get("occupancy")
    for contents in occupancies.values() if isinstance(occupancies, dict) else ():
        shares = [float(share) for share in contents.values()]
        if len(shares) > 1 or abs(sum(shares) - 1) > OCCUPANCY_TOLERANCE:
            raise InputError(
                f"The Atoms {atoms.symbols} are disordered (info['occupancy']): give the file that they were "
                "read from, or a pymatgen Structure."
            )


def _with_whole_sites(structure: Structure) -> Structure:
    """A structure of mixed valence with one element per site; a disordered one as it is."""
    elements = []
    for site in structure:
        symbols = {species.symbol for species in site.species}
        if len(symbols) != 1 or abs(site.species.num_atoms - 1) > OCCUPANCY_TOLERANCE:
            return structure
        elements.append(symbols.pop())
    return type(structure)(structure.lattice, elements, structure.frac_coords)


def as_structures(crystals: Sequence[StructureLike]) -> list[Structure]:
    """Each of them by ``as_structure``."""
    return [as_structure(crystal) for crystal in crystals]


def as_atoms(crystal: StructureLike) -> Atoms:
    """A crystal as ASE Atoms without calculator; Atoms are copied.

    Raises:
        InputError: It is neither Structure nor Atoms.
    """
    from ase import Atoms

    if isinstance(crystal, Atoms):
        copy: Atoms = crystal.copy()
        return copy
    structure = as_structure(crystal)
    return Atoms(
        numbers=list(structure.atomic_numbers),
        scaled_positions=structure.frac_coords,
        cell=structure.lattice.matrix,
        pbc=True,
    )

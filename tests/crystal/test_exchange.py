"""pymatgen Structures and ASE Atoms mean the same crystal, wherever one goes in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import as_atoms, as_structure, group_duplicates, standard_structure
from alphacrystal.data import read_crystals
from alphacrystal.errors import InputError
from alphacrystal.relaxation import AsePotential, RelaxSettings, relax

NAMES = ("halite", "rutile", "baddeleyite")


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_is_the_same_crystal(name: str, textbook: Callable[[str], Structure]) -> None:
    structure = textbook(name)
    back = as_structure(as_atoms(structure))
    np.testing.assert_allclose(back.lattice.matrix, structure.lattice.matrix, atol=1e-12)
    np.testing.assert_allclose(back.frac_coords, structure.frac_coords, atol=1e-12)
    assert back.species == structure.species


def test_structures_are_handed_through_and_atoms_copied(textbook: Callable[[str], Structure]) -> None:
    structure = textbook("halite")
    assert as_structure(structure) is structure
    atoms = as_atoms(structure)
    copy = as_atoms(atoms)
    copy.positions += 1
    assert not np.allclose(copy.positions, atoms.positions)


@pytest.mark.parametrize(
    ("crystal", "sentence"),
    [
        ("NaCl", "must be a pymatgen Structure or ASE Atoms, not str"),
        (Atoms("Na", cell=[4, 4, 4]), "Atoms Na are not periodic in three directions"),
        (Atoms("Na", cell=[4, 4, 0], pbc=True), "not periodic in three directions"),
        (Atoms("X", cell=[4, 4, 4], pbc=True), "without an element"),
        (Atoms(cell=[4, 4, 4], pbc=True), "hold no atoms"),
    ],
)
def test_what_is_no_crystal_is_refused(crystal: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        as_structure(crystal)  # type: ignore[arg-type]


def test_symmetry_and_equality_of_atoms(textbook: Callable[[str], Structure]) -> None:
    structure, atoms = textbook("rutile"), as_atoms(textbook("rutile"))
    assert standard_structure(atoms)[1:] == standard_structure(structure)[1:] == (136, "P4_2/mnm")
    assert group_duplicates([structure, as_atoms(textbook("anatase")), atoms]) == [[0, 2], [1]]


def test_atoms_relax_as_their_structure_does() -> None:
    structure = Structure(
        Lattice.cubic(3.8), ["Cu"] * 4, [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    )
    potential = AsePotential("emt", EMT(), supported_elements=frozenset({"Cu"}))
    settings = RelaxSettings(fmax=0.01)
    one, other = relax([structure, as_atoms(structure)], potential, settings)
    assert one.converged
    # Cells of both may differ in the last bit.
    assert other.energy_per_atom == pytest.approx(one.energy_per_atom, abs=1e-9)
    assert StructureMatcher(scale=False).fit(one.structure, other.structure)
    energies = potential.evaluate([structure, as_atoms(structure)]).energies
    assert energies[0] == pytest.approx(energies[1], abs=1e-9)


def test_mixed_valence_is_one_element_and_disorder_stays() -> None:
    cell = Lattice.cubic(4.3)
    oxide = Structure(cell, [{"Fe2+": 0.5, "Fe3+": 0.5}, "O2-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert [site.specie.symbol for site in as_structure(oxide)] == ["Fe", "O"]
    alloy = Structure(cell, [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    assert as_structure(alloy) is alloy
    vacancies = Structure(cell, [{"Cu": 0.5}], [[0, 0, 0]])
    assert as_structure(vacancies) is vacancies
    for disordered in (alloy, vacancies):
        with pytest.raises(InputError, match="disordered"):
            read_crystals(disordered)


def test_a_slab_is_refused() -> None:
    slab = Structure(Lattice(np.eye(3) * 5, pbc=(True, True, False)), ["Cu"], [[0, 0, 0]])
    with pytest.raises(InputError, match="not periodic in three directions"):
        as_structure(slab)

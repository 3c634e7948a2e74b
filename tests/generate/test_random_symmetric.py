"""Random search: what it keeps, how it ranks, when it stops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase.data import covalent_radii
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.crystal import LatticeParameters, min_image_distances
from alphacrystal.errors import InputError
from alphacrystal.generate import Budget, Candidate, EnergyFunction, RandomSymmetricGenerator
from alphacrystal.generate.arrangement import closest_contacts, expected_volume


def drawn(text: str, count: int, seed: int = 0, **more: object) -> list[Candidate]:
    generator = RandomSymmetricGenerator(**{"formula_units": [1], **more})
    return list(generator.generate(parse_formula(text), count, np.random.default_rng(seed)))


def test_no_two_atoms_are_closer_than_allowed() -> None:
    candidates = drawn("SrTiO3", 20, closest=0.8)
    assert len(candidates) == 20
    for candidate in candidates:
        structure = candidate.structure
        numbers = np.array(structure.atomic_numbers)
        distances = min_image_distances(structure.lattice.matrix, structure.frac_coords)
        ratio = distances / (covalent_radii[numbers][:, None] + covalent_radii[numbers])
        assert ratio[np.triu_indices(len(numbers), 1)].min() >= 0.8 - 1e-9


def test_closest_contacts_agree_with_pymatgen(textbook_crystal: Structure) -> None:
    crystal = textbook_crystal.get_primitive_structure()
    numbers = np.array(crystal.atomic_numbers)
    found = closest_contacts(crystal.lattice.matrix[None], crystal.frac_coords[None], numbers)[0]
    contacts = [
        neighbour.nn_distance / (covalent_radii[site.specie.Z] + covalent_radii[neighbour.specie.Z])
        for site in crystal
        for neighbour in crystal.get_neighbors(site, 8.0)
    ]
    assert found == pytest.approx(min(contacts))


def test_volumes_follow_the_prior() -> None:
    volumes = [candidate.structure.volume for candidate in drawn("NaCl", 60)]
    expected = expected_volume({"Na": 1, "Cl": 1})
    assert 0.8 < np.median(volumes) / expected < 1.4  # minimum distances keep the large ones
    assert expected == pytest.approx(44.9, rel=0.25)  # Å³ of halite, a = 5.64 Å


def test_perovskite_is_drawn_in_its_group(textbook: Callable[[str], Structure]) -> None:
    target = textbook("perovskite")
    matcher = StructureMatcher()
    found = drawn("SrTiO3", 12, space_group=221)
    assert any(matcher.fit(candidate.structure, target) for candidate in found)


def test_energies_rank_and_the_budget_counts_them(
    energies: EnergyFunction, textbook: Callable[[str], Structure]
) -> None:
    evaluated = 0

    def counted(structures: list[Structure]) -> np.ndarray:
        nonlocal evaluated
        evaluated += len(structures)
        return energies(structures)

    found = drawn("NaCl", 4, energies=counted, budget=Budget(energy_calls=40), space_group=225)
    assert evaluated == 40
    values = [candidate.provenance["energy_per_atom_ev"] for candidate in found]
    assert len(found) == 4
    assert values == sorted(values)
    assert StructureMatcher().fit(found[0].structure, textbook("halite"))


def test_a_given_cell_is_kept() -> None:
    cell = LatticeParameters(5.7, 5.7, 5.7, 90, 90, 90)
    candidates = drawn("NaCl", 3, lattice=cell, space_group=225)
    assert candidates
    for candidate in candidates:
        assert candidate.structure.volume == pytest.approx(5.7**3 / 4)


def test_time_and_proposals_end_the_run() -> None:
    assert drawn("NaCl", 10**6, budget=Budget(seconds=0.0)) == []
    assert len(drawn("NaCl", 10**6, budget=Budget(proposals=200))) <= 200


def test_what_cannot_be_placed_is_refused() -> None:
    with pytest.raises(InputError, match=r"CaF2 cannot be placed in space group 227 \(Fd-3m\)"):
        drawn("CaF2", 1, space_group=227)

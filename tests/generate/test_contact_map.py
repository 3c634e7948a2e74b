"""AlphaCrystal-I's generator: one crystal of each likely space group, from a predicted contact map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.crystal import atom_sites, contact_limits, min_image_distances
from alphacrystal.errors import InputError
from alphacrystal.generate import Budget, Candidate, ContactMapGenerator


def built(text: str, formula_units: list[int], count: int, **more: object) -> list[Candidate]:
    generator = ContactMapGenerator(formula_units, **more)
    return list(generator.generate(parse_formula(text), count, np.random.default_rng(0)))


@pytest.mark.parametrize("name", ["halite", "caesium chloride", "perovskite", "fluorite"])
def test_textbook_crystal_is_among_the_first_five(textbook: Callable[[str], Structure], name: str) -> None:
    target = textbook(name).get_primitive_structure()
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    found = built(target.composition.reduced_formula, [1], 5)
    assert any(matcher.fit(candidate.structure, target) for candidate in found)


def test_each_space_group_and_size_is_built_once() -> None:
    found = built("TiO2", [1, 2], 12)
    seen = [(c.hypothesis.space_group, c.hypothesis.formula_units) for c in found if c.hypothesis]
    assert len(seen) == len(found) == len(set(seen))


def test_the_reported_agreement_is_that_of_the_crystal() -> None:
    """F1 of the contacts of the crystal with the predicted ones, counted by pair of elements."""
    from alphacrystal.learn import contact_probabilities, load_model, models_folder

    candidates = built("SrTiO3", [1], 4)
    assert candidates
    for candidate in candidates:
        assert candidate.hypothesis is not None
        numbers = atom_sites(candidate.hypothesis).numbers
        np.testing.assert_array_equal(numbers, candidate.structure.atomic_numbers)
        upper = np.triu_indices(len(numbers), 1)
        wanted = (contact_probabilities(load_model("contact", models_folder()), numbers) > 0.5)[upper]
        distances = min_image_distances(candidate.structure.lattice.matrix, candidate.structure.frac_coords)
        margin = np.abs(distances - contact_limits(numbers))[upper].min()
        if margin < 0.3:
            continue  # the search counts a contact near the limit as half a one
        own = (distances <= contact_limits(numbers))[upper]
        kinds = list(zip(*np.sort(numbers[np.array(upper)], axis=0).tolist(), strict=True))
        common = sum(
            min(
                sum(o for o, k in zip(own, kinds, strict=True) if k == kind),
                sum(w for w, k in zip(wanted, kinds, strict=True) if k == kind),
            )
            for kind in set(kinds)
        )
        f1 = 2 * common / (own.sum() + wanted.sum())
        assert candidate.provenance["contact_f1"] == pytest.approx(f1, abs=0.06)


def test_only_cells_of_twelve_atoms_are_made() -> None:
    found = built("TiO2", [1, 2, 4, 6], 6)
    assert found
    assert all(len(candidate.structure) <= 12 for candidate in found)
    with pytest.raises(InputError, match="at most 12 atoms"):
        built("MgAl2O4", [2], 3)


def test_time_ends_the_run() -> None:
    assert built("NaCl", [1], 5, budget=Budget(seconds=0.0)) == []

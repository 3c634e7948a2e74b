"""Types in subgroups of known types: textbook derivatives, their coordinates and cells."""

import numpy as np
import pytest
import torch

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import atom_sites, canonical_letters, describe_symmetry, space_group
from alphacrystal.learn import (
    StructureType,
    load_model,
    nearest_prototypes,
    predict_distograms,
    predict_hypotheses,
    predict_orbit_distograms,
    prototype_coordinates,
)
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.coordinates.subgroup_types import SubgroupType, subgroup_types
from alphacrystal.learn.lattice.network import LatticeNet
from alphacrystal.learn.model_inputs import composition_arrays
from alphacrystal.learn.proposed_types import subgroup_type
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.learn.symmetry.member_table import MemberTable
from alphacrystal.learn.symmetry.network import SymmetryNet, SymmetryNetConfig
from alphacrystal.learn.symmetry.parent_types import scored_parents
from alphacrystal.learn.weight_files import models_folder

FCC = StructureType(225, ("a",))
ZINCBLENDE = StructureType(216, ("a", "c"))
RUTILE = StructureType(136, ("a", "f"))
CORUNDUM = StructureType(167, ("c", "e"))
PEROVSKITE = StructureType(221, ("a", "b", "c"))


def derived(text: str, known: list[StructureType], most_atoms: int = 20) -> dict[StructureType, SubgroupType]:
    """Subgroup types of a compound if only these types are known."""
    torch.manual_seed(0)
    members = np.zeros((len(known), MAX_ELEMENTS), dtype=np.int64)
    for row, structure_type in enumerate(known):  # each type is known from one compound
        members[row, : len(structure_type.letters)] = [3, 13, 8][: len(structure_type.letters)]
    table = MemberTable.of(members, np.arange(len(known)), np.zeros(len(known), dtype=np.int64))
    net = SymmetryNet(SymmetryNetConfig(width=16, layers=1, heads=2), known, table).eval()
    folder = models_folder(None)
    prototypes, lattice = load_model("coordinates", folder), load_model("lattice", folder)
    assert isinstance(prototypes, PrototypeCoordinates)
    assert isinstance(lattice, LatticeNet)
    formula = parse_formula(text)
    counts = [formula.counts[element] for element in formula.elements]
    numbers = torch.as_tensor(composition_arrays([formula.elements], [counts])[0])[0, : len(counts)]
    units = formula_units_within(formula, most_atoms)
    parents = scored_parents(net, numbers, counts, units)
    return subgroup_types(net, prototypes, lattice, parents, formula.elements, counts, units)


@pytest.mark.parametrize(
    ("text", "parent", "group", "letters", "atoms"),
    [
        ("K2NaAlF6", PEROVSKITE, 225, ("c", "a", "b", "e"), 10),  # elpasolite
        ("CuGaS2", ZINCBLENDE, 122, ("a", "b", "d"), 8),  # chalcopyrite
        ("CuAu", FCC, 123, ("a", "d"), 2),  # L1_0
        ("Ta2ZnO6", RUTILE, 136, ("e", "a", "fj"), 18),  # trirutile
        ("FeTiO3", CORUNDUM, 148, ("c", "c", "f"), 10),  # ilmenite
    ],
)
def test_textbook_derivatives_come_from_their_parents(
    text: str, parent: StructureType, group: int, letters: tuple[str, ...], atoms: int
) -> None:
    found = derived(text, [parent])
    structure_type = StructureType(group, canonical_letters(group, letters))
    assert structure_type in found
    assert len(found[structure_type].crystal.numbers) == atoms
    assert sum(structure_type.counts()) == atoms


def test_the_cell_is_that_of_the_parent() -> None:
    trirutile = derived("Ta2ZnO6", [RUTILE])[StructureType(136, canonical_letters(136, ("e", "a", "fj")))]
    # c/a of TiO2 is 0.644 (Abrahams and Bernstein, doi:10.1063/1.1676568); a trirutile has about three times
    # the ratio.
    assert np.exp(trirutile.ratios[1]) == pytest.approx(3 * 0.65, abs=0.1)
    chalcopyrite = derived("CuGaS2", [ZINCBLENDE])[StructureType(122, ("a", "b", "d"))]
    assert np.exp(chalcopyrite.ratios[1]) == pytest.approx(2)


def test_known_types_are_left_out() -> None:
    l1_0 = StructureType(123, canonical_letters(123, ("a", "d")))
    assert l1_0 in derived("CuAu", [FCC])
    assert l1_0 not in derived("CuAu", [FCC, l1_0])


def test_types_hold_whole_formula_units_and_fit_the_limit() -> None:
    for text, parents in (("CuAu3", [FCC]), ("Cu2ZnSnS4", [ZINCBLENDE, StructureType(122, ("a", "b", "d"))])):
        counts = parse_formula(text).counts
        found = derived(text, parents)
        assert found
        for structure_type in found:
            assert sum(structure_type.counts()) <= 20
            assert structure_type.stoichiometry() == tuple(counts.values())
            assert structure_type.letters == canonical_letters(
                structure_type.space_group, structure_type.letters
            )


def test_larger_index_is_less_probable() -> None:
    found = derived("FeTiO3", [CORUNDUM])
    ilmenite = found[StructureType(148, canonical_letters(148, ("c", "c", "f")))]
    assert ilmenite.score == max(item.score for item in found.values())
    assert len({item.score for item in found.values()}) > 1


def test_the_same_question_gets_the_same_answer() -> None:
    first, second = derived("K2NaAlF6", [PEROVSKITE]), derived("K2NaAlF6", [PEROVSKITE])
    assert list(first) == list(second)
    assert [item.score for item in first.values()] == [item.score for item in second.values()]
    for one, other in zip(first.values(), second.values(), strict=True):
        assert np.array_equal(one.positions(), other.positions())


@pytest.mark.parametrize("text", ["CuGaS2", "FeP3H6O6"])
def test_coordinates_of_hypotheses_have_their_type(text: str) -> None:
    formula = parse_formula(text)
    hypotheses = predict_hypotheses(formula, formula_units_within(formula, 40), 600)
    chosen = [hypothesis for hypothesis in hypotheses if subgroup_type(hypothesis)]
    tried = 0
    for hypothesis, positions in zip(chosen, prototype_coordinates(chosen), strict=True):
        if not len(positions):
            continue  # no free coordinates
        group = space_group(hypothesis.space_group)
        cell = group.primitive_basis(hypothesis.lattice.matrix())
        numbers = atom_sites(hypothesis).numbers
        found = describe_symmetry(cell, positions[0] @ group.to_primitive.T, numbers, symprec=1e-3)
        assert found.space_group == hypothesis.space_group
        assert found.occupation() == hypothesis.occupation
        tried += 1
    assert tried


def test_distances_of_hypotheses_follow_their_parent() -> None:
    formula = parse_formula("CuGaS2")
    hypotheses = [h for h in predict_hypotheses(formula, [1, 2, 4, 6, 8], 600) if subgroup_type(h)]
    small = [h for h in hypotheses if len(atom_sites(h).numbers) <= 20]
    assert small
    assert all(np.isfinite(distogram.expected).all() for distogram in predict_distograms(small))
    large = [h for h in hypotheses if len(atom_sites(h).numbers) > 20]
    nearest = nearest_prototypes(large)
    assert all(nearest)
    assert len(predict_orbit_distograms(large, nearest)) == len(large)

"""Anti-types and ordered derivatives: they fit the requested cells and are new to the vocabulary."""

import numpy as np
import pytest
import torch

from alphacrystal.composition import parse_formula
from alphacrystal.crystal import canonical_letters
from alphacrystal.learn import StructureType, load_model
from alphacrystal.learn.model_inputs import composition_arrays
from alphacrystal.learn.symmetry.derivative_types import (
    _derivatives,
    _orbit_splits,
    derivative_types,
)
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.symmetry.parent_types import scored_parents
from alphacrystal.learn.weight_files import models_folder


@pytest.fixture(scope="module")
def net() -> SymmetryNet:
    model = load_model("symmetry", models_folder(None))
    assert isinstance(model, SymmetryNet)
    return model


def related(net: SymmetryNet, text: str, units: list[int], group: int | None = None) -> dict:
    formula = parse_formula(text)
    counts = [formula.counts[element] for element in formula.elements]
    numbers, _ = composition_arrays([formula.elements], [counts])
    parents = scored_parents(net, torch.as_tensor(numbers)[0, : len(counts)], counts, units)
    return derivative_types(net, parents, counts, units, group)


@pytest.mark.parametrize("text", ["Mg2Si", "LiLaBi2", "Te2MoWSeS", "Zr7Al5B3", "KMgAg2SbS4", "LiNaKMgCaSO"])
def test_they_hold_the_cell_and_are_new(net: SymmetryNet, text: str) -> None:
    formula = parse_formula(text)
    counts = np.array(list(formula.counts.values()))
    found = related(net, text, [1, 2])
    assert found or text == "LiNaKMgCaSO"
    for structure_type, score in found.items():
        assert structure_type not in net.rows
        assert structure_type.letters == canonical_letters(structure_type.space_group, structure_type.letters)
        assert structure_type.counts() in {tuple(counts), tuple(2 * counts)}
        assert np.isfinite(score)


def test_only_the_requested_group(net: SymmetryNet) -> None:
    found = related(net, "LiLaBi2", [1, 2], group=129)
    assert found
    assert {structure_type.space_group for structure_type in found} == {129}
    everywhere = related(net, "LiLaBi2", [1, 2])
    assert {structure_type for structure_type in everywhere if structure_type.space_group == 129} <= set(
        found
    )


def test_anti_types_of_all_known_types_are_found(net: SymmetryNet) -> None:
    tried = 0
    for structure_type in net.types:
        swapped = StructureType(
            structure_type.space_group,
            canonical_letters(structure_type.space_group, structure_type.letters[::-1]),
        )
        rare = len(structure_type.letters) == 2 and structure_type.stoichiometry() in {(5, 3), (3, 5), (4, 7)}
        if rare and sum(structure_type.counts()) <= 11 and swapped not in net.rows:
            counts = swapped.stoichiometry()
            z = swapped.counts()[0] // counts[0]
            assert swapped in related(net, f"Zr{counts[0]}Al{counts[1]}", [z])
            tried += 1
    assert tried > 5


def test_two_elements_share_the_positions_of_one() -> None:
    binary = StructureType(225, ("a", "bc"))  # BiF3
    full_heusler = StructureType(225, canonical_letters(225, ("a", "b", "c")))
    assert list(_derivatives(binary, ((0,), (1, 2)), (1, 1, 2))) == [full_heusler]
    assert list(_derivatives(binary, ((0,), (1, 2)), (1, 2, 1))) == [
        StructureType(225, canonical_letters(225, ("a", "c", "b")))
    ]


def test_orbits_are_parted_in_every_way_that_counts() -> None:
    assert set(_orbit_splits(225, "bc", 1)) == {("b", "c")}
    assert set(_orbit_splits(123, "abcd", 2)) == {
        (part, "".join(sorted(set("abcd") - set(part)))) for part in ("ab", "ac", "ad", "bc", "bd", "cd")
    }
    assert _orbit_splits(225, "c", 1) == ()

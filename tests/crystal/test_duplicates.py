"""Which structures are one crystal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.crystal import group_duplicates, neighbour_fingerprint


@given(seed=st.integers(0, 10_000), enlarge=st.integers(1, 3))
@settings(max_examples=15)
@pytest.mark.parametrize("name", ["rutile", "quartz", "spinel", "baddeleyite"])
def test_fingerprint_does_not_depend_on_the_description(
    textbook: Callable[[str], Structure],
    redescribe: Callable[..., Structure],
    name: str,
    seed: int,
    enlarge: int,
) -> None:
    first = textbook(name)
    second = redescribe(first, seed, enlarge=enlarge)
    np.testing.assert_allclose(neighbour_fingerprint(second), neighbour_fingerprint(first), atol=1e-7)


def test_same_crystal_in_other_descriptions_is_one_group(
    textbook: Callable[[str], Structure], redescribe: Callable[..., Structure]
) -> None:
    crystals = [textbook("rutile"), textbook("anatase"), redescribe(textbook("rutile"), 5, enlarge=2)]
    assert group_duplicates(crystals) == [[0, 2], [1]]


def test_groups_hold_every_structure_once_and_polymorphs_stay_apart(
    textbook: Callable[[str], Structure],
) -> None:
    rutile, anatase, fluorite = (textbook(name) for name in ("rutile", "anatase", "fluorite"))
    titania = fluorite.replace_species({"Ca": "Ti", "F": "O"}, in_place=False).scale_lattice(110.0)
    wider = [crystal.copy().apply_strain(0.01) for crystal in (rutile, titania)]
    assert group_duplicates([rutile, anatase, titania, *wider]) == [[0, 3], [1], [2, 4]]
    assert group_duplicates([]) == []

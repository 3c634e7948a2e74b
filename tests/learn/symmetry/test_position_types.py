"""Structure types on the occupied positions of known types with other stoichiometries."""

import pytest

from alphacrystal.crystal import canonical_letters, multiplicities
from alphacrystal.learn.structure_types import StructureType, positions_key
from alphacrystal.learn.symmetry.network import SymmetryNet, SymmetryNetConfig
from alphacrystal.learn.symmetry.position_types import position_types

SPINEL = StructureType(227, canonical_letters(227, ("a", "d", "e")))
PYROCHLORE = StructureType(227, canonical_letters(227, ("c", "d", "f", "a")))


@pytest.fixture(scope="module")
def net() -> SymmetryNet:
    return SymmetryNet(SymmetryNetConfig(width=16, layers=1, heads=2), [SPINEL, PYROCHLORE])


def test_elements_share_the_positions_of_a_known_type(net: SymmetryNet) -> None:
    derived = position_types(net, [3, 4], [2], None, None)  # Fe3O4 on the positions of spinel
    inverse = StructureType(227, canonical_letters(227, ("ad", "e")))
    assert inverse in derived
    assert derived[inverse] == 0.0  # the logarithm of one compound
    for structure_type in derived:
        assert structure_type.counts() == (6, 8)
        assert positions_key(structure_type) == positions_key(SPINEL)


def test_one_element_takes_all_positions(net: SymmetryNet) -> None:
    (only,) = position_types(net, [1], [14], None, None)
    assert only.counts() == (14,)


def test_types_of_the_vocabulary_are_left_out(net: SymmetryNet) -> None:
    assert SPINEL not in position_types(net, [1, 2, 4], [2], None, None)


def test_all_atoms_are_placed(net: SymmetryNet) -> None:
    for counts in ([2, 2, 7], [4, 7], [1, 1, 1, 8]):
        for structure_type in position_types(net, counts, [1, 2], None, None):
            sizes = multiplicities(structure_type.space_group)
            placed = [sum(sizes[letter] for letter in letters) for letters in structure_type.letters]
            ratio = placed[0] / counts[0]
            assert placed == [ratio * count for count in counts]


def test_a_space_group_is_kept(net: SymmetryNet) -> None:
    assert position_types(net, [3, 4], [2], 225, None) == {}
    assert position_types(net, [3, 4], [2], 227, None)

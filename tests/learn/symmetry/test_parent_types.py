"""Known types as parents of a composition."""

import numpy as np
import torch

from alphacrystal.learn import StructureType
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.learn.symmetry.member_table import MemberTable
from alphacrystal.learn.symmetry.network import SymmetryNet, SymmetryNetConfig
from alphacrystal.learn.symmetry.parent_types import MAX_PERMUTED_ELEMENTS, arrangements, scored_parents

FLUORITE = StructureType(225, ("a", "c"))
FCC = StructureType(225, ("a",))


def test_a_composition_is_not_its_own_parent() -> None:
    for size in (2, 3, MAX_PERMUTED_ELEMENTS, MAX_PERMUTED_ELEMENTS + 1):
        whole = [((element,), element + 1) for element in range(size)]
        ways = [tuple(parts) for parts in arrangements(whole)]
        assert tuple(whole) not in ways
        assert len(set(ways)) == len(ways) > 0
        assert all(sum(count for _, count in parts) == sum(count for _, count in whole) for parts in ways)


def test_cells_that_divide_those_of_the_composition_are_parents() -> None:
    torch.manual_seed(0)
    members = np.zeros((2, MAX_ELEMENTS), dtype=np.int64)
    members[0, :2], members[1, 0] = [20, 9], 29  # CaF2, Cu
    table = MemberTable.of(members, np.arange(2), np.zeros(2, dtype=np.int64))
    net = SymmetryNet(SymmetryNetConfig(width=16, layers=1, heads=2), [FLUORITE, FCC], table).eval()
    exchanged = scored_parents(net, torch.tensor([3, 8]), [2, 1], [4])  # Li2O in cells of 12 atoms
    assert [parent.assignment for parent in exchanged if not parent.merged] == [((1,), (0,))]
    merged = scored_parents(net, torch.tensor([12, 79]), [1, 1], [2])
    assert {parent.assignment for parent in merged} == {((0, 1),)}
    assert len(merged) == 2  # each element represents both in turn
    for parent in merged:
        assert parent.merged
        assert parent.multiple == 2
        assert parent.units.tolist() == [1]
        assert np.isfinite(parent.scores).all()

"""Scores of structure types from the similarity to training compounds, and leave-one-out scores."""

import numpy as np
import pytest
import torch

from alphacrystal.learn import StructureType
from alphacrystal.learn.symmetry.member_table import MemberTable, exchanged_members
from alphacrystal.learn.symmetry.neighbours import Family, NeighbourKernel, formula_hashes

HALITE, CAESIUM_CHLORIDE = StructureType(225, ("a", "b")), StructureType(221, ("a", "b"))
FLUORITE = StructureType(225, ("a", "c"))
TYPES = [HALITE, FLUORITE, CAESIUM_CHLORIDE]


def table(*compounds: tuple[list[int], int, int]) -> MemberTable:
    """Members as (atomic numbers, row of the type, evidence)."""
    numbers = np.zeros((len(compounds), 8), dtype=np.int64)
    for row, (own, _, _) in enumerate(compounds):
        numbers[row, : len(own)] = own
    return MemberTable.of(
        numbers,
        np.array([structure_type for _, structure_type, _ in compounds]),
        np.array([sure for _, _, sure in compounds]),
    )


@pytest.fixture
def members() -> MemberTable:
    """NaCl, KCl, CsCl in two structures, CsBr, CaF2; NaCl twice."""
    return table(
        ([11, 17], 0, 2), ([11, 17], 0, 0), ([19, 17], 0, 1), ([55, 17], 2, 0), ([55, 17], 0, 3),
        ([55, 35], 2, 0), ([20, 9], 1, 0),
    )  # fmt: skip


@pytest.fixture
def family(members: MemberTable) -> Family:
    return Family.of([0, 2], TYPES, members)


@pytest.fixture
def kernel() -> NeighbourKernel:
    torch.manual_seed(0)
    return NeighbourKernel(heads=3, width=4)


def test_of_equal_members_the_best_evidence_stays(members: MemberTable) -> None:
    assert members.type_rows.tolist() == [0, 0, 0, 1, 2, 2]
    salt = (members.numbers[:, :2] == torch.tensor([11, 17])).all(1)
    assert members.evidence[salt].tolist() == [0]


def test_a_family_holds_its_stoichiometry_alone(family: Family) -> None:
    assert family.rows.tolist() == [0, 2]
    assert family.groups.tolist() == [225, 221]
    assert family.sizes.tolist() == [3, 2]
    assert [20, 9] not in family.numbers.tolist()


def test_formula_hashes_tell_formulas_apart_and_not_orders() -> None:
    numbers = torch.tensor([[12, 8], [8, 12]])
    one_to_two, two_to_one = (formula_hashes(numbers, torch.tensor(c)) for c in ([1, 2], [2, 1]))
    assert one_to_two[0] == two_to_one[1]
    assert one_to_two[0] != two_to_one[0]
    assert one_to_two[0] != one_to_two[1]


@torch.no_grad()
def test_scores_are_sums_of_similarities(kernel: NeighbourKernel, family: Family) -> None:
    numbers, counts = torch.tensor([[37, 17], [3, 9]]), torch.tensor([1.0, 1.0])
    scores = kernel.neighbour_scores(numbers, counts, family, 0, leave_one_out=False)
    query, known = kernel.keys(numbers, counts), kernel.keys(family.numbers, counts)
    similar = torch.exp(-(torch.cdist(query, known) ** 2))  # (heads, numbers, members)
    for column in range(2):
        expected = similar[:, :, family.type_index == column].sum(-1).T
        assert torch.allclose(scores.types[:, column], expected, rtol=1e-3)
    assert torch.allclose(scores.groups[:, 225], scores.types[:, 0])
    assert torch.allclose(scores.groups.sum(1), scores.types.sum(1))


@torch.no_grad()
def test_the_query_composition_is_not_its_neighbour(kernel: NeighbourKernel, members: MemberTable) -> None:
    salt, both = torch.tensor([[55, 17]]), torch.tensor([1.0, 1.0])
    scores = kernel.neighbour_scores(salt, both, Family.of([0, 2], TYPES, members), 0, leave_one_out=True)
    assert scores.members.tolist() == [[2, 1]]
    others = table(([11, 17], 0, 0), ([19, 17], 0, 1), ([55, 35], 2, 0))
    without = kernel.neighbour_scores(salt, both, Family.of([0, 2], TYPES, others), 0, leave_one_out=False)
    assert torch.allclose(scores.types, without.types)
    assert torch.equal(scores.members, without.members)


@torch.no_grad()
def test_nor_does_it_with_its_elements_exchanged(kernel: NeighbourKernel) -> None:
    swapped = Family.of([0], TYPES, table(([17, 55], 0, 4), ([11, 17], 0, 0)))
    scores = kernel.neighbour_scores(torch.tensor([[55, 17]]), torch.ones(2), swapped, 0, leave_one_out=True)
    assert scores.members.tolist() == [[1]]


@torch.no_grad()
def test_without_neighbours_all_types_of_a_group_get_the_same(kernel: NeighbourKernel) -> None:
    nothing = torch.zeros(1, 4, 3)
    added = kernel.type_scores(nothing, nothing, nothing[..., 0], nothing[:, 0])
    assert torch.isfinite(added).all()
    assert torch.allclose(added, added[:, :1])


def test_elements_of_like_electronegativity_change_places() -> None:
    """ThCr2Si2: the metal on d and Si on e, whichever of the two is the more electronegative."""
    silicon_last, silicon_first = StructureType(139, ("a", "d", "e")), StructureType(139, ("a", "e", "d"))
    types = [silicon_last, silicon_first]
    numbers = np.zeros((2, 8), dtype=np.int64)
    numbers[:, :3] = [[20, 27, 14], [56, 30, 8]]  # CaCo2Si2; Zn and O are too far apart to be exchanged
    swapped, structure_types, sure = exchanged_members(numbers, np.array([0, 0]), np.array([1, 0]), types)
    assert swapped[:, :3].tolist() == [[20, 14, 27]]
    assert structure_types.tolist() == [1]
    assert sure.tolist() == [5]
    alone = exchanged_members(numbers, np.array([0, 0]), np.array([1, 0]), [silicon_last])
    assert len(alone[0]) == 0


@torch.no_grad()
def test_cached_keys_change_no_scores(
    kernel: NeighbourKernel, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, counts = torch.tensor([[37, 17], [11, 9]]), torch.ones(2)
    uncached = [
        kernel.neighbour_scores(numbers, counts, family, compounds, leave_one_out=False)
        for compounds in (0, 1)
    ]
    kernel.requires_grad_(False)
    for limit in (2**20, 0):  # with room for them and without
        monkeypatch.setattr("alphacrystal.learn.symmetry.neighbours.MAX_CACHED_VALUES", limit)
        for compounds in (0, 1, 0, 1):
            scores = kernel.neighbour_scores(numbers, counts, family, compounds, leave_one_out=False)
            assert torch.equal(scores.types, uncached[compounds].types)
            assert torch.equal(scores.groups, uncached[compounds].groups)


@torch.no_grad()
def test_keys_in_training_are_never_cached(kernel: NeighbourKernel, family: Family) -> None:
    numbers, counts = torch.tensor([[37, 17]]), torch.ones(2)
    before = kernel.neighbour_scores(numbers, counts, family, 0, leave_one_out=False).types
    kernel.evidence.add_(1.0)
    assert not torch.allclose(
        kernel.neighbour_scores(numbers, counts, family, 0, leave_one_out=False).types, before
    )

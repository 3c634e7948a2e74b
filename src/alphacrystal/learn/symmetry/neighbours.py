"""Score structure types by the similarity of a composition to training compounds of equal stoichiometry."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.learn.symmetry.member_table import EVIDENCE_LEVELS, MemberTable

# Random integers for the elements: weighted sums of them identify formulas.
ELEMENT_HASHES = np.random.default_rng(0).integers(2**40, size=104)
MAX_CACHED_VALUES = 2**26  # float32 values of cached member keys: 256 MB


class Family:
    """Known structure types and training compounds (members) of one stoichiometry.

    Attributes:
        rows: Rows of the types in the vocabulary, shape (types,).
        groups: Space group of each type, shape (types,).
        numbers: Atomic numbers of the members, shape (members, elements).
        evidence: Evidence level of each member, shape (members,).
        type_index: Index into ``rows`` of the type of each member, shape (members,).
        hashes: ``formula_hashes`` of the members, shape (members,).
        sizes: Members of each type, shape (types,).
    """

    def __init__(
        self,
        rows: Tensor,
        groups: Tensor,
        numbers: Tensor,
        evidence: Tensor,
        type_index: Tensor,
        stoichiometry: tuple[int, ...],
    ) -> None:
        self.rows, self.groups = rows, groups
        self.hashes = formula_hashes(numbers, torch.tensor(stoichiometry))
        self.numbers, self.evidence, self.type_index = numbers, evidence, type_index
        self.sizes = torch.bincount(type_index, minlength=len(rows)).float()

    @classmethod
    def of(cls, rows: Sequence[int], types: Sequence[StructureType], members: MemberTable) -> Family:
        """Family of the types in these rows of the vocabulary; all have one stoichiometry."""
        starts = torch.searchsorted(members.type_rows, torch.tensor(rows, dtype=torch.int32))
        ends = torch.searchsorted(members.type_rows, torch.tensor(rows, dtype=torch.int32), right=True)
        selected = torch.cat([torch.arange(start, end) for start, end in zip(starts, ends, strict=True)])
        return cls(
            torch.tensor(rows),
            torch.tensor([types[row].space_group for row in rows]),
            members.numbers[selected, : len(types[rows[0]].letters)].long(),
            members.evidence[selected].long(),
            torch.arange(len(rows)).repeat_interleave(ends - starts),
            types[rows[0]].stoichiometry(),
        )


def formula_hashes(numbers: Tensor, counts: Tensor) -> Tensor:
    """Hash of each formula, independent of the order of its elements, shape (compositions,).

    Args:
        numbers: Atomic numbers, shape (compositions, slots).
        counts: Shape (slots,) or (compositions, slots).
    """
    return (torch.as_tensor(ELEMENT_HASHES)[numbers] * counts.long()).sum(1)


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourScores:
    """Similarity of compositions of one stoichiometry to the members of its family.

    Attributes:
        types: Sum over the members of each type, shape (compositions, types, heads).
        groups: Sum over the members of each space group, shape (compositions, 231, heads).
        members: Number of members in the sum of each type, shape (compositions, types).
    """

    types: Tensor
    groups: Tensor
    members: Tensor


class NeighbourKernel(nn.Module):
    """Learned similarity of compositions of equal stoichiometry, and scores from summed similarities.

    The similarity of each head is exp(-d²), where d is the distance between the keys of two compositions. A
    key concatenates a projection of each element, weighted by its slot and fraction, and a joint projection.
    The attribute names are keys of the weights file.
    """

    features: Tensor

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        table = np.nan_to_num(element_features())
        self.register_buffer("features", torch.as_tensor(table, dtype=torch.float32), persistent=False)
        self.heads = heads
        self.element = nn.Embedding(104, 2 * width)
        nn.init.normal_(self.element.weight, std=0.2)
        self.property = nn.Linear(table.shape[1], 2 * width)
        self.context = nn.Sequential(nn.Linear(3 + 2 * MAX_ELEMENTS, 32), nn.GELU())
        self.slot_weight = nn.Linear(32, heads)
        with torch.no_grad():  # heads start with different length scales
            self.slot_weight.bias.add_(torch.linspace(-1, 1, heads))
        self.project = nn.Linear(2 * width, heads * width)
        self.joint = nn.Linear(2 * width, 64)
        self.gate = nn.Linear(32, 64)
        self.joint_key = nn.Linear(64, heads * width)
        self.evidence = nn.Parameter(torch.zeros(2, EVIDENCE_LEVELS, heads))
        self.floor = nn.Parameter(torch.full((heads,), -5.0))
        self.vote = nn.Parameter(torch.full((heads,), 0.7 / heads))
        first, last = nn.Linear(3 * heads + 2, 32), nn.Linear(32, 1)
        self.judge = nn.Sequential(first, nn.GELU(), last)
        self._cache: OrderedDict[tuple[Family, int], Tensor] = OrderedDict()
        self._cached_values = 0
        self._elements: tuple[Tensor, Tensor] | None = None
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def keys(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """Keys of compositions of one stoichiometry, shape (heads, compositions, (slots + 1) * width)."""
        slots = numbers.shape[1]
        fraction = counts / counts.sum()
        eye = torch.eye(MAX_ELEMENTS)
        context = self.context(
            torch.cat(
                [
                    torch.stack([fraction, fraction.sqrt(), counts.log()], -1),
                    eye[:slots],
                    eye[slots - 1].expand(slots, -1),
                ],
                -1,
            )
        )  # (slots, 32)
        projections, joint_projections = self._element_keys()
        weight = nn.functional.softplus(self.slot_weight(context))  # (slots, heads)
        single = nn.functional.embedding(numbers, projections)
        keys = single.unflatten(-1, (self.heads, -1)) * weight[..., None]  # (n, slots, heads, width)
        mixed = (nn.functional.embedding(numbers, joint_projections) * self.gate(context)).sum(1)
        joint = self.joint_key(nn.functional.gelu(mixed)).view(len(numbers), 1, self.heads, -1)
        return torch.cat([keys, joint], 1).permute(2, 0, 1, 3).flatten(2)

    def _element_keys(self) -> tuple[Tensor, Tensor]:
        """Projection of each element and its part of the joint projection; cached for frozen weights."""
        if self._elements is not None and self._frozen:
            return self._elements
        elements = self.element.weight + self.property(self.features)  # (104, 2 width)
        keys = self.project(elements), self.joint(elements)
        self._elements = keys if self._frozen else None
        return keys

    @property
    def _frozen(self) -> bool:
        return not self.project.weight.requires_grad

    def _member_keys(self, family: Family, counts: Tensor, compounds: int) -> Tensor:
        """Keys of the members of a family, doubled and extended by trust - key² and by 1.

        Keys of recent families are cached if the weights are frozen.
        """
        frozen = self._frozen
        if frozen and (family, compounds) in self._cache:
            self._cache.move_to_end((family, compounds))
            return self._cache[family, compounds]
        keys = self.keys(family.numbers, counts)
        trust = self.evidence[compounds][family.evidence].T
        offset = (trust - keys.square().sum(-1))[..., None]
        extended = torch.cat([2 * keys, offset, torch.ones_like(offset)], -1)
        if frozen:
            self._cache[family, compounds] = extended
            self._cached_values += extended.numel()
            while self._cached_values > MAX_CACHED_VALUES:
                self._cached_values -= self._cache.popitem(last=False)[1].numel()
        return extended

    def neighbour_scores(
        self, numbers: Tensor, counts: Tensor, family: Family, compounds: int, *, leave_one_out: bool
    ) -> NeighbourScores:
        """Summed similarities of compositions to the members of a family of their stoichiometry.

        Args:
            numbers: Atomic numbers, no unused slots, shape (compositions, slots).
            counts: Reduced counts of the stoichiometry, shape (slots,).
            family: Types and members of the stoichiometry.
            compounds: EXPERIMENTAL or ANY.
            leave_one_out: Exclude members with the same composition.
        """
        keys = self.keys(numbers, counts)
        # trust - d² as one product of extended keys, shape (heads, members, compositions)
        left = self._member_keys(family, counts, compounds)
        right = torch.cat([keys, torch.ones_like(keys[..., :1]), -keys.square().sum(-1, keepdim=True)], -1)
        exponents = left @ right.transpose(1, 2)
        members = family.sizes.repeat(len(numbers), 1)
        if leave_one_out:
            same, row = (family.hashes[:, None] == formula_hashes(numbers, counts)).nonzero(as_tuple=True)
            exponents[:, same, row] = -torch.inf
            members.index_put_((row, family.type_index[same]), torch.tensor(-1.0), accumulate=True)
        summed = exponents.new_zeros(self.heads, len(family.rows), len(numbers))
        types = summed.index_add(1, family.type_index, exponents.exp()).permute(2, 1, 0)
        groups = types.new_zeros(len(numbers), 231, self.heads).index_add(1, family.groups, types)
        return NeighbourScores(types, groups, members)

    def type_scores(self, types: Tensor, groups: Tensor, members: Tensor, total: Tensor) -> Tensor:
        """Contribution of summed similarities to the scores of types, shape (compositions, types).

        Args:
            types, groups: Summed similarity to the members of each type, and of its space group, shape
                (compositions, types, heads).
            members: Number of members of each type, shape (compositions, types).
            total: Summed similarity to all members, shape (compositions, heads).
        """
        floor = self.floor.exp()
        logs = [(values + floor).log() for values in (types, groups, total[:, None].expand_as(types))]
        count = torch.stack([members.add(1).log(), (members > 0).float()], -1)
        features = torch.cat([0.3 * torch.cat(logs, -1), count], -1)
        scores: Tensor = logs[0] @ self.vote + self.judge(features)[..., 0]
        return scores

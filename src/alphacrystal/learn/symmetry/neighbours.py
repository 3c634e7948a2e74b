"""Neighbours of a composition: known compounds of the same stoichiometry vote for their structure types."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.learn.symmetry.member_table import EVIDENCE, MemberTable

# One number for each element, so that sums of them tell formulas apart.
MARKS = np.random.default_rng(0).integers(2**40, size=104)
REMEMBERED = 2**26  # numbers kept of the keys of known compounds (256 MB, after hundreds of formulas)


class Family:
    """Types and members of one stoichiometry.

    Attributes:
        rows: Rows of its types in the vocabulary, shape (types,).
        groups: Space group of each type, shape (types,).
        numbers: Atomic numbers of the members, shape (members, elements).
        evidence: Shape (members,).
        place: Place of the type of each member in ``rows``, shape (members,).
        marks: ``formula_marks`` of the members, shape (members,).
        sizes: Members of each type, shape (types,).
    """

    def __init__(
        self,
        rows: Tensor,
        groups: Tensor,
        numbers: Tensor,
        evidence: Tensor,
        place: Tensor,
        stoichiometry: tuple[int, ...],
    ) -> None:
        self.rows, self.groups = rows, groups
        self.marks = formula_marks(numbers, torch.tensor(stoichiometry))
        self.numbers, self.evidence, self.place = numbers, evidence, place
        self.sizes = torch.bincount(place, minlength=len(rows)).float()

    @classmethod
    def of(cls, rows: Sequence[int], types: Sequence[StructureType], members: MemberTable) -> Family:
        """Family of the types in these rows of the vocabulary."""
        starts = torch.searchsorted(members.kind, torch.tensor(rows, dtype=torch.int32))
        ends = torch.searchsorted(members.kind, torch.tensor(rows, dtype=torch.int32), right=True)
        picked = torch.cat([torch.arange(start, end) for start, end in zip(starts, ends, strict=True)])
        return cls(
            torch.tensor(rows),
            torch.tensor([types[row].space_group for row in rows]),
            members.numbers[picked, : len(types[rows[0]].letters)].long(),
            members.evidence[picked].long(),
            torch.arange(len(rows)).repeat_interleave(ends - starts),
            types[rows[0]].stoichiometry(),
        )


def formula_marks(numbers: Tensor, counts: Tensor) -> Tensor:
    """A number for each composition that is equal for equal formulas, whatever the order of elements.

    ``numbers`` (compositions, slots), ``counts`` (slots,) or of the shape of ``numbers``.
    """
    return (torch.as_tensor(MARKS)[numbers] * counts.long()).sum(1)


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """What the neighbours say of compositions of one stoichiometry.

    Attributes:
        types: Similarity summed over the members of each type, shape (compositions, types, heads).
        groups: The same for each space group, shape (compositions, 231, heads).
        members: Members of each type that were counted, shape (compositions, types).
    """

    types: Tensor
    groups: Tensor
    members: Tensor


class NeighbourKernel(nn.Module):
    """A learned similarity of compositions of equal stoichiometry, and what to make of similar ones.

    Several heads; the similarity of a head is exp(-d²), d the distance of the keys of the two compositions. A
    key holds a projection of each element, weighted by its slot and fraction, and a joint part.
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
        with torch.no_grad():  # from a wide view to a narrow one
            self.slot_weight.bias.add_(torch.linspace(-1, 1, heads))
        self.project = nn.Linear(2 * width, heads * width)
        self.joint = nn.Linear(2 * width, 64)
        self.gate = nn.Linear(32, 64)
        self.joint_key = nn.Linear(64, heads * width)
        self.evidence = nn.Parameter(torch.zeros(2, EVIDENCE, heads))
        self.floor = nn.Parameter(torch.full((heads,), -5.0))
        self.vote = nn.Parameter(torch.full((heads,), 0.7 / heads))
        hearing, verdict = nn.Linear(3 * heads + 2, 32), nn.Linear(32, 1)
        self.judge = nn.Sequential(hearing, nn.GELU(), verdict)
        self._remembered: OrderedDict[tuple[Family, int], Tensor] = OrderedDict()
        self._held = 0  # numbers in there
        self._elements: tuple[Tensor, Tensor] | None = None
        nn.init.zeros_(verdict.weight)
        nn.init.zeros_(verdict.bias)

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
        own, joined = self._element_keys()
        weight = nn.functional.softplus(self.slot_weight(context))  # (slots, heads)
        single = nn.functional.embedding(numbers, own)
        keys = single.unflatten(-1, (self.heads, -1)) * weight[..., None]  # (n, slots, heads, width)
        mixed = (nn.functional.embedding(numbers, joined) * self.gate(context)).sum(1)
        joint = self.joint_key(nn.functional.gelu(mixed)).view(len(numbers), 1, self.heads, -1)
        return torch.cat([keys, joint], 1).permute(2, 0, 1, 3).flatten(2)

    def _element_keys(self) -> tuple[Tensor, Tensor]:
        """Projection of each element alone and its share of the joint part; remembered once frozen."""
        if self._elements is not None and self._frozen:
            return self._elements
        elements = self.element.weight + self.property(self.features)  # (104, 2 width)
        found = self.project(elements), self.joint(elements)
        self._elements = found if self._frozen else None
        return found

    @property
    def _frozen(self) -> bool:
        return not self.project.weight.requires_grad

    def _known(self, family: Family, counts: Tensor, wanted: int) -> Tensor:
        """Keys of the members of a family, doubled and extended by trust - key² and by 1.

        Where the weights are frozen the last few families are remembered: nothing that is asked changes them.
        """
        frozen = self._frozen
        if frozen and (family, wanted) in self._remembered:
            self._remembered.move_to_end((family, wanted))
            return self._remembered[family, wanted]
        known = self.keys(family.numbers, counts)
        trust = self.evidence[wanted][family.evidence].T
        own = (trust - known.square().sum(-1))[..., None]
        extended = torch.cat([2 * known, own, torch.ones_like(own)], -1)
        if frozen:
            self._remembered[family, wanted] = extended
            self._held += extended.numel()
            while self._held > REMEMBERED:
                self._held -= self._remembered.popitem(last=False)[1].numel()
        return extended

    def votes(
        self, numbers: Tensor, counts: Tensor, family: Family, wanted: int, *, leave_own_out: bool
    ) -> Votes:
        """Votes of the members of a family for compositions of its stoichiometry.

        Args:
            numbers: Shape (compositions, slots), no slot unused.
            counts: Of the stoichiometry, shape (slots,).
            leave_own_out: Members with the very composition asked for do not vote.
        """
        asked = self.keys(numbers, counts)
        # trust - d² as one product of extended keys, shape (heads, members, compositions)
        left = self._known(family, counts, wanted)
        right = torch.cat([asked, torch.ones_like(asked[..., :1]), -asked.square().sum(-1, keepdim=True)], -1)
        exponents = left @ right.transpose(1, 2)
        members = family.sizes.repeat(len(numbers), 1)
        if leave_own_out:
            own, row = (family.marks[:, None] == formula_marks(numbers, counts)).nonzero(as_tuple=True)
            exponents[:, own, row] = -torch.inf
            members.index_put_((row, family.place[own]), torch.tensor(-1.0), accumulate=True)
        summed = exponents.new_zeros(self.heads, len(family.rows), len(numbers))
        types = summed.index_add(1, family.place, exponents.exp()).permute(2, 1, 0)
        groups = types.new_zeros(len(numbers), 231, self.heads).index_add(1, family.groups, types)
        return Votes(types, groups, members)

    def judgement(self, types: Tensor, groups: Tensor, members: Tensor, total: Tensor) -> Tensor:
        """What votes add to the scores, shape (compositions, types).

        Args:
            types, groups: Summed similarity for each type and its space group, (compositions, types, heads).
            members: Shape (compositions, types).
            total: Summed similarity of all members, shape (compositions, heads).
        """
        floor = self.floor.exp()
        logs = [(values + floor).log() for values in (types, groups, total[:, None].expand_as(types))]
        count = torch.stack([members.add(1).log(), (members > 0).float()], -1)
        features = torch.cat([0.3 * torch.cat(logs, -1), count], -1)
        added: Tensor = logs[0] @ self.vote + self.judge(features)[..., 0]
        return added

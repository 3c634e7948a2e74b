"""The symmetry prior: which structure types a composition takes, with an open vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn.structure_types import (
    MAX_ELEMENTS,
    StructureType,
    reduced_counts,
    site_table,
    type_arrays,
)
from alphacrystal.learn.symmetry.member_table import MemberTable
from alphacrystal.learn.symmetry.neighbours import Family, NeighbourKernel, Votes
from alphacrystal.typing import IntArray

EXPERIMENTAL, ANY = 0, 1  # compounds that can be asked for
OUT_OF_REACH = -1e4  # score of a type that the stoichiometry rules out


@dataclass(frozen=True, slots=True)
class SymmetryNetConfig:
    """Sizes of the symmetry network."""

    width: int = 160
    layers: int = 4
    heads: int = 8
    site_width: int = 40
    dropout: float = 0.2
    max_count: int = 64
    max_atoms: int = 64
    type_width: int = 48
    kernel_heads: int = 4
    kernel_width: int = 16


class TypeTable:
    """Index tensors of a list of structure types.

    Attributes:
        space_group, atoms: shape (types,).
        orbits: Orbits of each element, shape (types, MAX_ELEMENTS).
        sites: Site rows of all (type, element) slots, concatenated.
        slot_lengths: Sites in each slot, shape (types * MAX_ELEMENTS,).
    """

    def __init__(self, arrays: dict[str, IntArray]) -> None:
        self.arrays = arrays
        self.space_group = torch.as_tensor(arrays["space_group"])
        self.atoms = torch.as_tensor(arrays["atoms"])
        self.orbits = torch.as_tensor(arrays["orbits"])
        self.sites = torch.as_tensor(arrays["sites"])
        lengths = arrays["slot_lengths"]
        ends = np.cumsum(lengths)
        self.slot_offsets = torch.as_tensor(ends - lengths)
        self._ends = ends.reshape(-1, MAX_ELEMENTS)[:, -1]  # of the sites of each type

    @classmethod
    def of(cls, types: Sequence[StructureType]) -> TypeTable:
        """Table of these types."""
        return cls(type_arrays(types))

    def __len__(self) -> int:
        return len(self.space_group)

    def subset(self, rows: IntArray) -> TypeTable:
        """Table of some of the types."""
        lengths = self.arrays["slot_lengths"].reshape(-1, MAX_ELEMENTS)
        ends, counts = self._ends, lengths[rows].sum(1)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        sites = self.arrays["sites"][np.repeat(ends[rows] - counts, counts) + within]
        return TypeTable(
            {
                "space_group": self.arrays["space_group"][rows],
                "atoms": self.arrays["atoms"][rows],
                "orbits": self.arrays["orbits"][rows],
                "sites": sites,
                "slot_lengths": lengths[rows].reshape(-1),
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What is worked out once of compositions of one stoichiometry, for known types and unseen ones alike.

    Attributes:
        summary, elements: Composition vectors (batch, width) and element vectors (batch, slots, width).
        family: Known types and compounds of the stoichiometry, None if there is none.
        votes: What those compounds say, None with ``family``.
    """

    summary: Tensor
    elements: Tensor
    family: Family | None
    votes: Votes | None


class ByteDropout(nn.Dropout):
    """Dropout that spends one random byte for each number: four times faster than torch's on a processor."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Zero some numbers and scale the others, while training."""
        threshold = round(self.p * 256)
        if not self.training or threshold == 0:
            return input
        words = torch.randint(-(2**63), 2**63 - 1, ((input.numel() + 7) // 8,))
        kept = words.view(torch.uint8)[: input.numel()].view(input.shape) >= threshold
        return input * kept.to(input.dtype).mul_(256 / (256 - threshold))


class CompositionEncoder(nn.Module):
    """A transformer over the element tokens of a composition.

    Input: atomic numbers and reduced counts, shape (batch, slots), slots up to MAX_ELEMENTS, 0 where unused.
    Output: a composition vector (batch, width) and element vectors (batch, slots, width).
    """

    features: Tensor

    def __init__(self, width: int, layers: int, heads: int, dropout: float, max_count: int) -> None:
        super().__init__()
        table = np.nan_to_num(element_features())
        self.register_buffer("features", torch.as_tensor(table, dtype=torch.float32), persistent=False)
        self.max_count = max_count
        self.element = nn.Embedding(104, width)
        self.property = nn.Linear(table.shape[1], width)
        self.count = nn.Embedding(max_count + 1, width)
        self.fraction = nn.Linear(2, width)
        self.slot = nn.Embedding(MAX_ELEMENTS, width)
        self.summary = nn.Parameter(torch.randn(width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, 3 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        for name in ("dropout", "dropout1", "dropout2"):
            setattr(layer, name, ByteDropout(dropout))
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, numbers: Tensor, counts: Tensor, extra: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode; ``extra`` (batch, 1 + slots, width) is added to the tokens, summary first."""
        used = numbers > 0
        fraction = counts / counts.sum(1, keepdim=True).clamp(min=1)
        tokens = (
            self.element(numbers)
            + self.property(self.features[numbers])
            + self.count(counts.long().clamp(max=self.max_count))
            + self.fraction(torch.stack([fraction, fraction.sqrt()], -1))
            + self.slot.weight[: numbers.shape[1]]
        )
        tokens = torch.cat([self.summary.expand(len(numbers), 1, -1), tokens], 1)
        if extra is not None:
            tokens = tokens + extra
        mask = torch.cat([torch.zeros_like(used[:, :1]), ~used], 1)
        encoded = self.blocks(tokens, src_key_padding_mask=mask)
        return encoded[:, 0], encoded[:, 1:] * used[..., None]


class SymmetryNet(nn.Module):
    """Scores structure types by their parts and by what similar compositions of the stoichiometry take.

    Parts are the space group, the sites of each element and the size. Types seen in training have an
    embedding of their own too; one never seen is scored by its parts and the votes for its space group.
    """

    site_kind: Tensor
    site_values: Tensor
    member_numbers: Tensor
    member_kind: Tensor
    member_evidence: Tensor

    def __init__(
        self, config: SymmetryNetConfig, types: Sequence[StructureType], members: MemberTable | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.types = list(types)
        self.rows = {kind: row for row, kind in enumerate(self.types)}
        self._rows_by_counts: dict[tuple[int, ...], list[int]] = {}
        self._rows_by_stoichiometry: dict[tuple[int, ...], list[int]] = {}
        self._families: dict[tuple[int, ...], Family] = {}
        for row, kind in enumerate(self.types):
            counts = kind.counts()
            self._rows_by_counts.setdefault(counts, []).append(row)
            self._rows_by_stoichiometry.setdefault(reduced_counts(counts), []).append(row)
        width, site = config.width, config.site_width
        self.encoder = CompositionEncoder(
            width, config.layers, config.heads, config.dropout, config.max_count
        )
        self.wanted = nn.Embedding(2, width)
        self.table = TypeTable.of(types)
        self.type_embedding = nn.Embedding(len(types), config.type_width)
        self.type_bias = nn.Embedding(len(types), 1)
        self.read_type = nn.Linear(width, config.type_width)
        nn.init.normal_(self.type_embedding.weight, std=0.05)
        nn.init.zeros_(self.type_bias.weight)
        self.group = nn.Embedding(231, width)
        self.group_bias = nn.Embedding(231, 1)
        self.size = nn.Embedding(config.max_atoms + 1, width)
        nn.init.normal_(self.group.weight, std=0.02)
        nn.init.normal_(self.size.weight, std=0.02)
        nn.init.zeros_(self.group_bias.weight)
        sites = site_table()
        self.site = nn.Embedding(len(sites.index), site)
        nn.init.normal_(self.site.weight, std=0.05)
        self.site_symmetry = nn.Embedding(sites.site_symmetries, site)
        self.site_features = nn.Linear(2, site)
        self.orbit_count = nn.Embedding(21, site)
        for embedding in (self.site_symmetry, self.orbit_count):
            nn.init.normal_(embedding.weight, std=0.05)
        self.register_buffer("site_kind", torch.as_tensor(sites.site_symmetry), persistent=False)
        self.register_buffer("site_values", torch.as_tensor(sites.features), persistent=False)
        self.read_elements = nn.Linear(width, site)
        self.kernel = NeighbourKernel(config.kernel_heads, config.kernel_width)
        members = members or MemberTable.empty()
        for name in ("numbers", "kind", "evidence"):
            self.register_buffer(f"member_{name}", getattr(members, name))

    def known_rows(self, counts: Sequence[int], units: Sequence[int]) -> IntArray:
        """Rows of the known types of a composition (reduced counts) in cells of these formula units."""
        found = [row for z in units for row in self._rows_by_counts.get(tuple(z * c for c in counts), [])]
        return np.array(found, dtype=np.int64)

    def family(self, stoichiometry: tuple[int, ...]) -> Family | None:
        """Types and known compounds of a stoichiometry (reduced counts), None if there is none."""
        if stoichiometry not in self._families and stoichiometry in self._rows_by_stoichiometry:
            members = MemberTable(self.member_numbers, self.member_kind, self.member_evidence)
            rows = self._rows_by_stoichiometry[stoichiometry]
            self._families[stoichiometry] = Family.of(rows, self.types, members)
        return self._families.get(stoichiometry)

    def encode(self, numbers: Tensor, counts: Tensor, wanted: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Composition vectors (batch, width) and element vectors (batch, slots, width).

        ``wanted`` (batch,) is 0 where an experimental compound is asked for (the default), 1 for any.
        """
        if wanted is None:
            wanted = torch.zeros(len(numbers), dtype=torch.long)
        extra = nn.functional.pad(self.wanted(wanted)[:, None], (0, 0, 0, numbers.shape[1]))
        summary, elements = self.encoder(numbers, counts, extra)
        return summary, elements

    def _slots(self, table: TypeTable) -> Tensor:
        """Mean site vector of every (type, element) slot, shape (types, MAX_ELEMENTS, site_width)."""
        vectors = self.site.weight + self.site_symmetry(self.site_kind) + self.site_features(self.site_values)
        mean: Tensor = nn.functional.embedding_bag(table.sites, vectors, table.slot_offsets, mode="mean")
        mean = mean.view(len(table), MAX_ELEMENTS, -1)
        repeated: Tensor = self.orbit_count(table.orbits.clamp(max=20)) * (table.orbits > 0)[..., None]
        return mean + repeated

    def part_scores(self, encoded: tuple[Tensor, Tensor], table: TypeTable) -> Tensor:
        """Scores of types by their parts alone, shape (batch, types)."""
        summary, elements = encoded
        labels = self.group(table.space_group) + self.size(table.atoms.clamp(max=self.config.max_atoms))
        read = self.read_elements(elements)
        sites = self._slots(table)[:, : read.shape[1]]
        bias = self.group_bias(table.space_group)[:, 0]
        total: Tensor = summary @ labels.T + read.flatten(1) @ sites.flatten(1).T + bias
        return total

    def family_scores(
        self,
        parts: Tensor,
        summary: Tensor,
        numbers: Tensor,
        counts: Tensor,
        family: Family,
        *,
        wanted: int = 0,
        leave_own_out: bool = False,
    ) -> Tensor:
        """Scores of the types of a family for compositions of its stoichiometry, shape (batch, types).

        Args:
            parts: Scores of its types by their parts, shape (batch, types).
            summary: Composition vectors, shape (batch, width).
            numbers: Atomic numbers, no slot unused, shape (batch, slots).
            counts: Of the stoichiometry, shape (slots,).
            leave_own_out: Known compounds with the very composition asked for do not count.
        """
        votes = self.kernel.votes(numbers, counts, family, wanted, leave_own_out=leave_own_out)
        return self._judged(parts, summary, family, votes)

    def _judged(self, parts: Tensor, summary: Tensor, family: Family, votes: Votes) -> Tensor:
        own = self.read_type(summary) @ self.type_embedding(family.rows).T + self.type_bias(family.rows)[:, 0]
        # What an embedding learned from a compound or two says more of those than of the type.
        own = own * votes.members / (votes.members + 1)
        judged = self.kernel.judgement(
            votes.types, votes.groups[:, family.groups], votes.members, votes.types.sum(1)
        )
        total: Tensor = parts + own + judged
        return total

    def hear(
        self, numbers: Tensor, counts: Tensor, *, wanted: int = EXPERIMENTAL, leave_own_out: bool = False
    ) -> Hearing:
        """What ``known_scores`` and ``unseen_scores`` need of compositions of one stoichiometry.

        Args:
            numbers, counts: Shape (batch, slots); slots that the stoichiometry does not use may be left out.
            wanted: EXPERIMENTAL or ANY.
            leave_own_out: Known compounds with the very composition asked for do not count.
        """
        (found,) = self.hear_many([(numbers, counts)], wanted=wanted, leave_own_out=leave_own_out)
        return found

    def hear_many(
        self,
        asked: Sequence[tuple[Tensor, Tensor]],
        *,
        wanted: int = EXPERIMENTAL,
        leave_own_out: bool = False,
    ) -> list[Hearing]:
        """``hear`` for several stoichiometries; compositions of as many elements are encoded together."""
        keys = [tuple(int(c) for c in counts[0] if c > 0) for _, counts in asked]
        cut = [
            (numbers[:, : len(key)], counts[:, : len(key)])
            for key, (numbers, counts) in zip(keys, asked, strict=True)
        ]
        encoded: dict[int, tuple[Tensor, Tensor]] = {}
        for slots in {len(key) for key in keys}:
            places = [place for place, key in enumerate(keys) if len(key) == slots]
            numbers, counts = (torch.cat([cut[place][side] for place in places]) for side in (0, 1))
            vectors = self.encode(numbers, counts, torch.full((len(numbers),), wanted))
            lengths = [len(cut[place][0]) for place in places]
            encoded |= dict(
                zip(places, zip(*(own.split(lengths) for own in vectors), strict=True), strict=True)
            )
        found = []
        for place, (numbers, counts) in enumerate(cut):
            family, votes = self.family(keys[place]), None
            if family is not None:
                votes = self.kernel.votes(numbers, counts[0], family, wanted, leave_own_out=leave_own_out)
            found.append(Hearing(*encoded[place], family, votes))
        return found

    def known_scores(self, hearing: Hearing) -> tuple[Tensor, Tensor]:
        """Rows of the known types of the stoichiometry, (types,), and their scores, (batch, types)."""
        summary, family = hearing.summary, hearing.family
        if family is None or hearing.votes is None:
            return torch.zeros(0, dtype=torch.long), summary[:, :0]
        table = self.table.subset(family.rows.numpy())
        parts = self.part_scores((summary, hearing.elements), table)
        return family.rows, self._judged(parts, summary, family, hearing.votes)

    def scores_of_rows(self, hearing: Hearing, rows: IntArray) -> Tensor:
        """Scores of some known types of the stoichiometry, rows (types,) -> (batch, types)."""
        family_rows, scores = self.known_scores(hearing)
        return scores[:, torch.as_tensor(np.searchsorted(family_rows.numpy(), rows))]

    def unseen_scores(self, hearing: Hearing, types: Sequence[StructureType]) -> Tensor:
        """Scores of types never seen, on the scale of ``known_scores``, shape (batch, types)."""
        parts = self.part_scores((hearing.summary, hearing.elements), TypeTable.of(types))
        nothing = torch.zeros(*parts.shape, self.config.kernel_heads)
        groups, total = nothing, nothing[:, 0]
        if hearing.votes is not None:
            groups = hearing.votes.groups[:, torch.tensor([kind.space_group for kind in types])]
            total = hearing.votes.types.sum(1)
        return parts + self.kernel.judgement(nothing, groups, nothing[..., 0], total)

    def forward(
        self, numbers: Tensor, counts: Tensor, *, wanted: int = EXPERIMENTAL, leave_own_out: bool = False
    ) -> Tensor:
        """Scores of the known types, those of another stoichiometry out of reach, shape (batch, types)."""
        scores = torch.full((len(numbers), len(self.types)), OUT_OF_REACH)
        keys = [tuple(int(c) for c in row if c > 0) for row in counts]
        for key in dict.fromkeys(keys):
            if self.family(key) is None:
                continue
            batch = torch.tensor([place for place, own in enumerate(keys) if own == key])
            hearing = self.hear(numbers[batch], counts[batch], wanted=wanted, leave_own_out=leave_own_out)
            rows, own_scores = self.known_scores(hearing)
            scores[batch[:, None], rows] = own_scores
        return scores

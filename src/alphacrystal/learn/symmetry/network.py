"""The symmetry network: scores of known and unseen structure types for a composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn.model_inputs import TypeTable, site_table
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType, reduced_counts
from alphacrystal.learn.symmetry.member_table import EVIDENCE_LEVELS, MemberTable
from alphacrystal.learn.symmetry.neighbours import Family, NeighbourKernel, NeighbourScores
from alphacrystal.typing import IntArray

EXPERIMENTAL, ANY = 0, 1  # compounds whose types are predicted
EXCLUDED_SCORE = -1e4  # of types with another stoichiometry


@dataclass(frozen=True, slots=True)
class SymmetryNetConfig:
    """Sizes of the symmetry network."""

    width: int = 160
    layers: int = 4
    heads: int = 8
    site_width: int = 40
    dropout: float = 0.2
    max_count: int = 64
    max_atoms: int = 80
    type_width: int = 48
    kernel_heads: int = 4
    kernel_width: int = 16


@dataclass(frozen=True, slots=True, eq=False)
class EncodedCompositions:
    """Encoded compositions of one stoichiometry, the input of the scores of known and unseen types.

    Attributes:
        summary, elements: Composition vectors (batch, width) and element vectors (batch, slots, width).
        family: Known types and training compounds of the stoichiometry, None without any.
        neighbour_scores: Summed similarities to the training compounds, None without ``family``.
    """

    summary: Tensor
    elements: Tensor
    family: Family | None
    neighbour_scores: NeighbourScores | None


class ByteDropout(nn.Dropout):
    """Dropout from one random byte per value; four times as fast as torch's on a CPU."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (name in torch)
        """Zero random values and scale the others in training mode."""
        threshold = round(self.p * 256)
        if not self.training or threshold == 0:
            return input
        words = torch.randint(-(2**63), 2**63 - 1, ((input.numel() + 7) // 8,))
        mask = words.view(torch.uint8)[: input.numel()].view(input.shape) >= threshold
        return input * mask.to(input.dtype).mul_(256 / (256 - threshold))


class CompositionEncoder(nn.Module):
    """A transformer over the element tokens of a composition.

    Input: atomic numbers and reduced counts, shape (batch, slots), at most MAX_ELEMENTS slots, 0 in unused
    ones. Output: a composition vector (batch, width) and element vectors (batch, slots, width).
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
    """Scores structure types by their parts and by the types of similar compositions.

    The parts of a type are its space group, the sites of each element and the number of atoms. Types in the
    vocabulary also have an embedding. An unseen type is scored by its parts and by the similarity to training
    compounds of its space group. The names of parameters and buffers are keys of the weights file.
    """

    site_symmetry_index: Tensor
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
        self.rows = {structure_type: row for row, structure_type in enumerate(self.types)}
        self._rows_by_counts: dict[tuple[int, ...], list[int]] = {}
        self._rows_by_stoichiometry: dict[tuple[int, ...], list[int]] = {}
        self._families: dict[tuple[int, ...], Family] = {}
        for row, structure_type in enumerate(self.types):
            counts = structure_type.counts()
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
        self.register_buffer("site_symmetry_index", torch.as_tensor(sites.site_symmetry), persistent=False)
        self.register_buffer("site_values", torch.as_tensor(sites.features), persistent=False)
        self.read_elements = nn.Linear(width, site)
        self.kernel = NeighbourKernel(config.kernel_heads, config.kernel_width)
        members = members or MemberTable.empty()
        self.register_buffer("member_numbers", members.numbers)
        self.register_buffer("member_kind", members.type_rows)
        self.register_buffer("member_evidence", members.evidence)

    @cached_property
    def members_of_types(self) -> IntArray:
        """Training compounds of each type, without those with exchanged elements, shape (types,)."""
        original = self.member_evidence < EVIDENCE_LEVELS // 2
        rows = self.member_kind[original].long()
        return torch.bincount(rows, minlength=len(self.types)).clamp(min=1).numpy()

    def known_rows(self, counts: Sequence[int], units: Sequence[int]) -> IntArray:
        """Vocabulary rows of the known types for cells of the given formula units.

        Args:
            counts: Reduced counts.
            units: Formula units Z in the primitive cell.
        """
        rows = [row for z in units for row in self._rows_by_counts.get(tuple(z * c for c in counts), [])]
        return np.array(rows, dtype=np.int64)

    def family(self, stoichiometry: tuple[int, ...]) -> Family | None:
        """Known types and training compounds of a stoichiometry (reduced counts), None without any."""
        if stoichiometry not in self._families and stoichiometry in self._rows_by_stoichiometry:
            members = MemberTable(self.member_numbers, self.member_kind, self.member_evidence)
            rows = self._rows_by_stoichiometry[stoichiometry]
            self._families[stoichiometry] = Family.of(rows, self.types, members)
        return self._families.get(stoichiometry)

    def encode(
        self, numbers: Tensor, counts: Tensor, compounds: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Composition vectors (batch, width) and element vectors (batch, slots, width).

        ``compounds`` is EXPERIMENTAL (the default) or ANY for each composition, shape (batch,).
        """
        if compounds is None:
            compounds = torch.full((len(numbers),), EXPERIMENTAL)
        extra = nn.functional.pad(self.wanted(compounds)[:, None], (0, 0, 0, numbers.shape[1]))
        summary, elements = self.encoder(numbers, counts, extra)
        return summary, elements

    def _slots(self, table: TypeTable) -> Tensor:
        """Mean site vector of every (type, element) slot, shape (types, MAX_ELEMENTS, site_width)."""
        vectors = (
            self.site.weight
            + self.site_symmetry(self.site_symmetry_index)
            + self.site_features(self.site_values)
        )
        mean: Tensor = nn.functional.embedding_bag(table.sites, vectors, table.slot_offsets, mode="mean")
        mean = mean.view(len(table), MAX_ELEMENTS, -1)
        orbits: Tensor = self.orbit_count(table.orbits.clamp(max=20)) * (table.orbits > 0)[..., None]
        return mean + orbits

    def part_scores(self, encoded: tuple[Tensor, Tensor], table: TypeTable) -> Tensor:
        """Scores of types from their parts, shape (batch, types)."""
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
        compounds: int = EXPERIMENTAL,
        leave_one_out: bool = False,
    ) -> Tensor:
        """Scores of the types of a family for compositions of its stoichiometry, shape (batch, types).

        Args:
            parts: Scores of the types from their parts, shape (batch, types).
            summary: Composition vectors, shape (batch, width).
            numbers: Atomic numbers, no unused slots, shape (batch, slots).
            counts: Reduced counts of the stoichiometry, shape (slots,).
            family: Types and training compounds of the stoichiometry.
            compounds: EXPERIMENTAL or ANY.
            leave_one_out: Exclude training compounds with the same composition.
        """
        neighbours = self.kernel.neighbour_scores(
            numbers, counts, family, compounds, leave_one_out=leave_one_out
        )
        return self._total_scores(parts, summary, family, neighbours)

    def _total_scores(
        self, parts: Tensor, summary: Tensor, family: Family, neighbours: NeighbourScores
    ) -> Tensor:
        embedded = self.read_type(summary) @ self.type_embedding(family.rows).T
        embedded = embedded + self.type_bias(family.rows)[:, 0]
        # Embeddings of types with few training compounds are shrunk: they overfit these compounds.
        embedded = embedded * neighbours.members / (neighbours.members + 1)
        similar = self.kernel.type_scores(
            neighbours.types,
            neighbours.groups[:, family.groups],
            neighbours.members,
            neighbours.types.sum(1),
        )
        total: Tensor = parts + embedded + similar
        return total

    def encode_compositions(
        self, numbers: Tensor, counts: Tensor, *, compounds: int = EXPERIMENTAL, leave_one_out: bool = False
    ) -> EncodedCompositions:
        """Encode compositions of one stoichiometry.

        Args:
            numbers, counts: Shape (batch, slots); slots that the stoichiometry does not use may be left out.
            compounds: EXPERIMENTAL or ANY.
            leave_one_out: Exclude training compounds with the same composition.
        """
        (encoded,) = self.encode_stoichiometries(
            [(numbers, counts)], compounds=compounds, leave_one_out=leave_one_out
        )
        return encoded

    def encode_stoichiometries(
        self,
        batches: Sequence[tuple[Tensor, Tensor]],
        *,
        compounds: int = EXPERIMENTAL,
        leave_one_out: bool = False,
    ) -> list[EncodedCompositions]:
        """``encode_compositions`` for several stoichiometries; one encoder call per number of elements."""
        keys = [tuple(int(c) for c in counts[0] if c > 0) for _, counts in batches]
        trimmed = [
            (numbers[:, : len(key)], counts[:, : len(key)])
            for key, (numbers, counts) in zip(keys, batches, strict=True)
        ]
        vectors: dict[int, tuple[Tensor, Tensor]] = {}
        for slots in {len(key) for key in keys}:
            places = [place for place, key in enumerate(keys) if len(key) == slots]
            numbers, counts = (torch.cat([trimmed[place][side] for place in places]) for side in (0, 1))
            joint = self.encode(numbers, counts, torch.full((len(numbers),), compounds))
            lengths = [len(trimmed[place][0]) for place in places]
            parts = zip(*(tensor.split(lengths) for tensor in joint), strict=True)
            vectors |= dict(zip(places, parts, strict=True))
        encoded = []
        for place, (numbers, counts) in enumerate(trimmed):
            family, neighbours = self.family(keys[place]), None
            if family is not None:
                neighbours = self.kernel.neighbour_scores(
                    numbers, counts[0], family, compounds, leave_one_out=leave_one_out
                )
            encoded.append(EncodedCompositions(*vectors[place], family, neighbours))
        return encoded

    def known_scores(self, compositions: EncodedCompositions) -> tuple[Tensor, Tensor]:
        """Rows of the known types of the stoichiometry, (types,), and their scores, (batch, types)."""
        summary, family = compositions.summary, compositions.family
        if family is None or compositions.neighbour_scores is None:
            return torch.zeros(0, dtype=torch.long), summary[:, :0]
        table = self.table.subset(family.rows.numpy())
        parts = self.part_scores((summary, compositions.elements), table)
        return family.rows, self._total_scores(parts, summary, family, compositions.neighbour_scores)

    def scores_of_rows(self, compositions: EncodedCompositions, rows: IntArray) -> Tensor:
        """Scores of some known types of the stoichiometry, rows (types,) -> (batch, types)."""
        family_rows, scores = self.known_scores(compositions)
        return scores[:, torch.as_tensor(np.searchsorted(family_rows.numpy(), rows))]

    def unseen_scores(self, compositions: EncodedCompositions, types: Sequence[StructureType]) -> Tensor:
        """Scores of types outside the vocabulary, on the scale of ``known_scores``, shape (batch, types)."""
        parts = self.part_scores((compositions.summary, compositions.elements), TypeTable.of(types))
        zeros = torch.zeros(*parts.shape, self.config.kernel_heads)
        groups, total = zeros, zeros[:, 0]
        if (neighbours := compositions.neighbour_scores) is not None:
            numbers = torch.tensor([structure_type.space_group for structure_type in types])
            groups = neighbours.groups[:, numbers]
            total = neighbours.types.sum(1)
        return parts + self.kernel.type_scores(zeros, groups, zeros[..., 0], total)

    def forward(
        self, numbers: Tensor, counts: Tensor, *, compounds: int = EXPERIMENTAL, leave_one_out: bool = False
    ) -> Tensor:
        """Scores of the vocabulary, EXCLUDED_SCORE for other stoichiometries, shape (batch, types)."""
        scores = torch.full((len(numbers), len(self.types)), EXCLUDED_SCORE)
        keys = [tuple(int(c) for c in row if c > 0) for row in counts]
        for key in dict.fromkeys(keys):
            if self.family(key) is None:
                continue
            batch = torch.tensor([place for place, other in enumerate(keys) if other == key])
            compositions = self.encode_compositions(
                numbers[batch], counts[batch], compounds=compounds, leave_one_out=leave_one_out
            )
            rows, known_scores = self.known_scores(compositions)
            scores[batch[:, None], rows] = known_scores
        return scores

"""The symmetry prior: which structure types a composition takes, with an open vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.learn._structure_types import MAX_ELEMENTS, StructureType, site_table, type_arrays


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


class TypeTable:
    """Index tensors of a list of structure types.

    Attributes:
        space_group, atoms: shape (types,).
        orbits: Orbits of each element, shape (types, MAX_ELEMENTS).
        sites: Site rows of all (type, element) slots, concatenated.
        slot_lengths: Sites in each slot, shape (types * MAX_ELEMENTS,).
    """

    def __init__(self, arrays: dict[str, NDArray[np.int64]]) -> None:
        self.arrays = arrays
        self.space_group = torch.as_tensor(arrays["space_group"])
        self.atoms = torch.as_tensor(arrays["atoms"])
        self.orbits = torch.as_tensor(arrays["orbits"])
        self.sites = torch.as_tensor(arrays["sites"])
        lengths = arrays["slot_lengths"]
        self.slot_offsets = torch.as_tensor(np.cumsum(lengths) - lengths)

    @classmethod
    def of(cls, types: Sequence[StructureType]) -> TypeTable:
        """Table of these types."""
        return cls(type_arrays(types))

    def __len__(self) -> int:
        return len(self.space_group)

    def subset(self, rows: NDArray[np.int64]) -> TypeTable:
        """Table of some of the types."""
        lengths = self.arrays["slot_lengths"].reshape(-1, MAX_ELEMENTS)
        ends = np.cumsum(self.arrays["slot_lengths"]).reshape(-1, MAX_ELEMENTS)[:, -1]
        counts = lengths.sum(1)[rows]
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
    """Scores structure types by their parts: space group, sites of each element, size.

    Types seen in training have an embedding of their own too; one never seen is scored by its parts alone.
    """

    def __init__(self, config: SymmetryNetConfig, types: Sequence[StructureType]) -> None:
        super().__init__()
        self.config = config
        self.types = list(types)
        self.rows = {kind: row for row, kind in enumerate(self.types)}
        self._rows_by_counts: dict[tuple[int, ...], list[int]] = {}
        for row, kind in enumerate(self.types):
            self._rows_by_counts.setdefault(kind.counts(), []).append(row)
        width, site = config.width, config.site_width
        self.encoder = CompositionEncoder(
            width, config.layers, config.heads, config.dropout, config.max_count
        )
        self.table = TypeTable.of(types)
        self.type_embedding = nn.Embedding(len(types), width)
        self.type_bias = nn.Embedding(len(types), 1)
        nn.init.normal_(self.type_embedding.weight, std=0.02)
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

    site_kind: Tensor
    site_values: Tensor

    def _slots(self, table: TypeTable) -> Tensor:
        """Mean site vector of every (type, element) slot, shape (types, MAX_ELEMENTS, site_width)."""
        vectors = self.site.weight + self.site_symmetry(self.site_kind) + self.site_features(self.site_values)
        mean: Tensor = nn.functional.embedding_bag(table.sites, vectors, table.slot_offsets, mode="mean")
        mean = mean.view(len(table), MAX_ELEMENTS, -1)
        repeated: Tensor = self.orbit_count(table.orbits.clamp(max=20)) * (table.orbits > 0)[..., None]
        return mean + repeated

    def known_rows(self, counts: Sequence[int], units: Sequence[int]) -> NDArray[np.int64]:
        """Rows of the known types of a composition (reduced counts) in cells of these formula units."""
        found = [row for z in units for row in self._rows_by_counts.get(tuple(z * c for c in counts), [])]
        return np.array(found, dtype=np.int64)

    def scores(
        self, numbers: Tensor, counts: Tensor, table: TypeTable, own: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        """Scores of the types of a table, shape (batch, types).

        ``own`` holds the embedding (types, width) and bias (types,) of types seen in training, None to score
        by parts alone.
        """
        summary, elements = self.encoder(numbers, counts)
        labels = self.group(table.space_group) + self.size(table.atoms.clamp(max=self.config.max_atoms))
        bias = self.group_bias(table.space_group)[:, 0]
        if own is not None:
            labels, bias = labels + own[0], bias + own[1]
        read = self.read_elements(elements)
        sites = self._slots(table)[:, : read.shape[1]]
        total: Tensor = summary @ labels.T + read.flatten(1) @ sites.flatten(1).T + bias
        return total

    def forward(
        self,
        numbers: Tensor,
        counts: Tensor,
        rows: NDArray[np.int64] | None = None,
        *,
        parts_only: bool = False,
    ) -> Tensor:
        """Scores of the known types (or of ``rows`` of them), shape (batch, types), of any stoichiometry."""
        table = self.table if rows is None else self.table.subset(rows)
        if parts_only:
            return self.scores(numbers, counts, table, None)
        embedding, bias = self.type_embedding.weight, self.type_bias.weight[:, 0]
        if rows is not None:
            chosen = torch.as_tensor(rows)
            embedding, bias = embedding[chosen], bias[chosen]
        return self.scores(numbers, counts, table, (embedding, bias))

    def open_scores(self, numbers: Tensor, counts: Tensor, types: Sequence[StructureType]) -> Tensor:
        """Scores by parts of any types, seen or not, on the scale of ``forward``, shape (batch, types)."""
        return self.scores(numbers, counts, TypeTable.of(types), None)

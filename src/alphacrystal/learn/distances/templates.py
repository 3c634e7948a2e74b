"""What training saw of each structure type: mean distances in units of the cell size, in a few clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.learn.structure_types import StructureType, positions_key, rows_by_positions
from alphacrystal.typing import FloatArray, IntArray

MOST_CLUSTERS = 4  # of one structure type
FEATURES = 11  # properties of an element


@dataclass(frozen=True, slots=True, eq=False)
class TemplateBatch:
    """Clusters of the structure types of a batch of equal-sized cells; padded to MOST_CLUSTERS.

    Attributes:
        counts: Formulas in each cluster, 0 where there is none, shape (batch, clusters).
        means: Distances in units of the cube root of the volume per atom, pairs i < j row by row, shape
            (batch, pairs, clusters).
        spreads: Standard deviations of the same, 0 where fewer than two formulas, shape as ``means``.
        features: Mean properties of the element each atom's place is filled with, shape
            (batch, atoms, clusters, FEATURES).
        shapes: Mean lattice targets (``lattice_targets``), shape (batch, clusters, 6).
    """

    counts: Tensor
    means: Tensor
    spreads: Tensor
    features: Tensor
    shapes: Tensor

    @classmethod
    def empty(cls, batch: int, atoms: int) -> TemplateBatch:
        """A batch of which no type was ever seen."""
        pairs = atoms * (atoms - 1) // 2
        return cls(
            torch.zeros(batch, MOST_CLUSTERS),
            torch.zeros(batch, pairs, MOST_CLUSTERS),
            torch.zeros(batch, pairs, MOST_CLUSTERS),
            torch.zeros(batch, atoms, MOST_CLUSTERS, FEATURES),
            torch.zeros(batch, MOST_CLUSTERS, 6),
        )

    def filled(self) -> TemplateBatch:
        """The same without the clusters at the end that no sample has; at least one stays."""
        used = self.counts.amax(0).nonzero()
        count = int(used[-1]) + 1 if len(used) else 1
        return TemplateBatch(
            self.counts[:, :count],
            self.means[..., :count],
            self.spreads[..., :count],
            self.features[:, :, :count],
            self.shapes[:, :count],
        )

    def fill(self, sample: int, slot: int, templates: TypeTemplates, cluster: int, atoms: IntArray) -> None:
        """Put a cluster of any type of this size in, ``atoms`` being its atoms in the order of the sample."""
        size = len(atoms)
        kind = templates.types[int(np.searchsorted(templates.starts["clusters"], cluster, side="right")) - 1]
        owners = np.repeat(np.arange(len(kind.letters)), kind.counts())
        upper = np.triu_indices(size, 1)
        place = np.zeros((size, size), dtype=np.int64)
        place[upper] = np.arange(len(upper[0]))
        place += place.T
        pairs = torch.as_tensor(place[np.ix_(atoms, atoms)][upper])
        self.counts[sample, slot] = templates.counts[cluster]
        self.shapes[sample, slot] = templates.shapes[cluster]
        self.means[sample, :, slot] = templates.means[templates.starts["means"][cluster] + pairs]
        if templates.counts[cluster] > 1.5:
            self.spreads[sample, :, slot] = templates.spreads[templates.starts["spreads"][cluster] + pairs]
        features = templates.starts["features"][cluster] + torch.as_tensor(owners[atoms])
        self.features[sample, :, slot] = templates.features[features]

    def where(self, told: Tensor) -> TemplateBatch:
        """The same with nothing known of the samples that are not ``told``, shape (batch,)."""
        return TemplateBatch(
            self.counts * told[:, None], self.means, self.spreads, self.features, self.shapes
        )


class TypeTemplates(nn.Module):
    """Clusters of all structure types, flat in the order of the types; no lattice, no single compound.

    Buffers: ``clusters`` (types,) clusters of each type; ``counts`` (clusters,) formulas in each; ``shapes``
    (clusters, 6); ``features``, one row of FEATURES per cluster and element; ``means``, one value per cluster
    and atom pair; ``spreads``, the same for clusters of two formulas or more.
    """

    clusters: Tensor
    counts: Tensor
    shapes: Tensor
    features: Tensor
    means: Tensor
    spreads: Tensor

    def __init__(self, types: Sequence[StructureType], tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.types = list(types)
        self.rows = {kind: row for row, kind in enumerate(self.types)}
        for name in ("clusters", "counts", "shapes", "features", "means", "spreads"):
            self.register_buffer(name, tensors[name].float())

    @classmethod
    def none(cls) -> TypeTemplates:
        """Templates of no types at all."""
        nothing = torch.zeros(0)
        return cls(
            [],
            {
                "clusters": nothing,
                "counts": nothing,
                "shapes": torch.zeros(0, 6),
                "features": torch.zeros(0, FEATURES),
                "means": nothing,
                "spreads": nothing,
            },
        )

    @cached_property
    def starts(self) -> dict[str, IntArray]:
        """Where each type's clusters, and each cluster's elements, means and spreads begin."""
        clusters = self.clusters.numpy().round().astype(np.int64)
        atoms = np.array([sum(kind.counts()) for kind in self.types], dtype=np.int64)
        elements = np.array([len(kind.letters) for kind in self.types], dtype=np.int64)
        pairs = np.repeat(atoms * (atoms - 1) // 2, clusters)
        several = self.counts.numpy() > 1.5

        def begin(lengths: IntArray) -> IntArray:
            return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

        return {
            "clusters": begin(clusters),
            "features": begin(np.repeat(elements, clusters)),
            "means": begin(pairs),
            "spreads": begin(pairs * several),
        }

    def related_rows(self, kind: StructureType) -> list[int]:
        """Rows of the types whose atoms stand on the same Wyckoff positions, most formulas first."""
        return self._rows_of_positions.get(positions_key(kind), [])

    @cached_property
    def _rows_of_positions(self) -> dict[tuple[int, str], list[int]]:
        order = np.argsort(-self._formulas, kind="stable").tolist()
        return rows_by_positions((row, self.types[row]) for row in order)

    @property
    def _formulas(self) -> FloatArray:
        """Formulas of each type."""
        starts = self.starts["clusters"][:-1]
        return np.add.reduceat(self.counts.double().numpy(), starts) if len(starts) else np.zeros(0)

    def clusters_of(self, row: int) -> range:
        """Clusters of a type."""
        return range(*self.starts["clusters"][row : row + 2].tolist())

    def features_of(self, cluster: int, elements: int) -> FloatArray:
        """Mean properties of the element in each place, shape (elements, FEATURES)."""
        start = int(self.starts["features"][cluster])
        return self.features[start : start + elements].double().numpy()

    def batch(self, rows: IntArray, slots: IntArray) -> TemplateBatch:
        """Templates of equal-sized cells.

        Args:
            rows: Row of each sample's type, -1 where it was never seen, shape (batch,).
            slots: Place of each atom's element in electronegativity order, shape (batch, atoms).
        """
        pairs = slots.shape[1] * (slots.shape[1] - 1) // 2
        known = np.flatnonzero(rows >= 0)
        first, last = self.starts["clusters"][rows[known]], self.starts["clusters"][rows[known] + 1]
        number = last - first
        result = TemplateBatch.empty(*slots.shape)
        # Every cluster of the batch: the sample it belongs to, its place there, its row in the tables.
        sample = np.repeat(known, number)
        place = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
        cluster = np.repeat(first, number) + place
        result.counts[sample, place] = self.counts[cluster]
        result.shapes[sample, place] = self.shapes[cluster]
        every = np.arange(pairs)
        result.means[sample, :, place] = self.means[self.starts["means"][cluster][:, None] + every]
        several = self.counts[cluster].numpy() > 1
        begin = self.starts["spreads"][cluster[several]][:, None]
        result.spreads[sample[several], :, place[several]] = self.spreads[begin + every]
        elements = self.starts["features"][cluster][:, None] + slots[sample]
        result.features[sample, :, place] = self.features[elements]
        return result

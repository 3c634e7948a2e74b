"""Distance templates of structure types: mean reduced distances of the training crystals, in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.learn.structure_types import PositionsIndex, StructureType
from alphacrystal.typing import FloatArray, IntArray

MAX_CLUSTERS = 4  # of one structure type
FEATURES = 11  # properties of an element


def element_slots(numbers: IntArray) -> IntArray:
    """Index of the element of each atom among the elements of its cell; atoms are grouped by element.

    Args:
        numbers: Atomic numbers, shape (..., atoms).

    Returns:
        Shape as ``numbers``.
    """
    changes = np.diff(numbers, axis=-1, prepend=numbers[..., :1]) != 0
    return np.asarray(np.cumsum(changes, axis=-1))


@dataclass(frozen=True, slots=True, eq=False)
class TemplateBatch:
    """Template clusters for a batch of equal-sized cells, padded to MAX_CLUSTERS.

    Attributes:
        counts: Number of formulas in each cluster, 0 for padding, shape (batch, clusters).
        means: Distances in units of the cube root of the volume per atom, pairs i < j row by row, shape
            (batch, pairs, clusters).
        spreads: Standard deviations of the distances, 0 for fewer than two formulas, shape as ``means``.
        features: Mean properties of the elements on the site of each atom, shape
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
        """A batch without templates."""
        pairs = atoms * (atoms - 1) // 2
        return cls(
            torch.zeros(batch, MAX_CLUSTERS),
            torch.zeros(batch, pairs, MAX_CLUSTERS),
            torch.zeros(batch, pairs, MAX_CLUSTERS),
            torch.zeros(batch, atoms, MAX_CLUSTERS, FEATURES),
            torch.zeros(batch, MAX_CLUSTERS, 6),
        )

    def without_padding(self) -> TemplateBatch:
        """The batch without trailing clusters that all samples lack; at least one cluster remains."""
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
        """Copy a cluster into a slot of a sample.

        Args:
            sample, slot: Target.
            templates: Source.
            cluster: Row of the cluster; its type has as many atoms as the sample.
            atoms: Atoms of the cluster in the order of the atoms of the sample, shape (atoms,).
        """
        size = len(atoms)
        structure_type = templates.types[
            int(np.searchsorted(templates.starts["clusters"], cluster, side="right")) - 1
        ]
        element_of = np.repeat(np.arange(len(structure_type.letters)), structure_type.counts())
        upper = np.triu_indices(size, 1)
        pair_index = np.zeros((size, size), dtype=np.int64)
        pair_index[upper] = np.arange(len(upper[0]))
        pair_index += pair_index.T
        pairs = torch.as_tensor(pair_index[np.ix_(atoms, atoms)][upper])
        self.counts[sample, slot] = templates.counts[cluster]
        self.shapes[sample, slot] = templates.shapes[cluster]
        self.means[sample, :, slot] = templates.means[templates.starts["means"][cluster] + pairs]
        if templates.counts[cluster] > 1.5:
            self.spreads[sample, :, slot] = templates.spreads[templates.starts["spreads"][cluster] + pairs]
        features = templates.starts["features"][cluster] + torch.as_tensor(element_of[atoms])
        self.features[sample, :, slot] = templates.features[features]

    def where(self, given: Tensor) -> TemplateBatch:
        """The batch with templates only for the samples in ``given``, shape (batch,)."""
        return TemplateBatch(
            self.counts * given[:, None], self.means, self.spreads, self.features, self.shapes
        )


class TypeTemplates(nn.Module):
    """Clusters of all structure types, flat in the order of the types.

    Buffers: ``clusters`` (types,), number of clusters of each type; ``counts`` (clusters,), number of
    formulas in each; ``shapes`` (clusters, 6), mean lattice targets; ``features``, one row of FEATURES per
    cluster and element; ``means``, one value per cluster and atom pair; ``spreads``, one value per atom pair
    of each cluster with two formulas or more.
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
        self.rows = {structure_type: row for row, structure_type in enumerate(self.types)}
        for name in ("clusters", "counts", "shapes", "features", "means", "spreads"):
            self.register_buffer(name, tensors[name].float())

    @classmethod
    def empty(cls) -> TypeTemplates:
        """Templates without any types."""
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
        """Offsets of the clusters of each type, and of the elements, means and spreads of each cluster."""
        clusters = self.clusters.numpy().round().astype(np.int64)
        atoms = np.array([sum(structure_type.counts()) for structure_type in self.types], dtype=np.int64)
        elements = np.array([len(structure_type.letters) for structure_type in self.types], dtype=np.int64)
        pairs = np.repeat(atoms * (atoms - 1) // 2, clusters)
        multiple = self.counts.numpy() > 1.5

        def offsets(lengths: IntArray) -> IntArray:
            return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

        return {
            "clusters": offsets(clusters),
            "features": offsets(np.repeat(elements, clusters)),
            "means": offsets(pairs),
            "spreads": offsets(pairs * multiple),
        }

    def related_rows(self, structure_type: StructureType) -> list[int]:
        """Rows of the types that occupy the same Wyckoff positions, most formulas first."""
        return self._positions.rows(structure_type)

    @cached_property
    def _positions(self) -> PositionsIndex:
        order = np.argsort(-self._formulas, kind="stable").tolist()
        return PositionsIndex((row, self.types[row]) for row in order)

    @property
    def _formulas(self) -> FloatArray:
        """Number of formulas of each type."""
        starts = self.starts["clusters"][:-1]
        return np.add.reduceat(self.counts.double().numpy(), starts) if len(starts) else np.zeros(0)

    def clusters_of(self, row: int) -> range:
        """Cluster rows of a type."""
        return range(*self.starts["clusters"][row : row + 2].tolist())

    def features_of(self, cluster: int, elements: int) -> FloatArray:
        """Mean properties of each element of a cluster, shape (elements, FEATURES)."""
        start = int(self.starts["features"][cluster])
        return self.features[start : start + elements].double().numpy()

    def batch(self, rows: IntArray, slots: IntArray) -> TemplateBatch:
        """Templates of equal-sized cells.

        Args:
            rows: Row of the type of each sample, -1 for unseen types, shape (batch,).
            slots: ``element_slots`` of the atoms, shape (batch, atoms).
        """
        pairs = slots.shape[1] * (slots.shape[1] - 1) // 2
        known = np.flatnonzero(rows >= 0)
        first, last = self.starts["clusters"][rows[known]], self.starts["clusters"][rows[known] + 1]
        number = last - first
        result = TemplateBatch.empty(*slots.shape)
        # Sample, slot and row of every cluster of the batch.
        sample = np.repeat(known, number)
        slot = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
        cluster = np.repeat(first, number) + slot
        result.counts[sample, slot] = self.counts[cluster]
        result.shapes[sample, slot] = self.shapes[cluster]
        pair_range = np.arange(pairs)
        result.means[sample, :, slot] = self.means[self.starts["means"][cluster][:, None] + pair_range]
        multiple = self.counts[cluster].numpy() > 1
        begin = self.starts["spreads"][cluster[multiple]][:, None]
        result.spreads[sample[multiple], :, slot[multiple]] = self.spreads[begin + pair_range]
        elements = self.starts["features"][cluster][:, None] + slots[sample]
        result.features[sample, :, slot] = self.features[elements]
        return result

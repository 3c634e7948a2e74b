"""Fit distance templates, and evaluate them without the formula of each training structure."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from alphacrystal.composition import element_features
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.distances.templates import (
    FEATURES,
    MAX_CLUSTERS,
    TemplateBatch,
    TypeTemplates,
    element_slots,
)
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.typing import FloatArray, IntArray

FORMULAS_PER_CLUSTER = 4  # a type with twice as many formulas has two clusters


class TemplateFit:
    """Templates fitted to structures of a data set, with leave-one-out templates of each structure.

    All structures of one type and formula form a group, which counts as one member of its type.

    Args:
        data: Prepared structures.
        structure_types: Structure type of each structure.
        rows: Structures to fit.
    """

    def __init__(
        self, data: PreparedStructures, structure_types: Sequence[StructureType], rows: IntArray
    ) -> None:
        self.data = data
        self.features = np.nan_to_num(element_features())
        self.targets = lattice_targets(data.lattices, data.volumes).astype(np.float64)
        names: dict[tuple[StructureType, str], list[int]] = {}
        for row in rows.tolist():
            names.setdefault((structure_types[row], str(data.formulas[row])), []).append(row)
        members: dict[StructureType, list[tuple[str, list[int]]]] = {}
        for (structure_type, formula), group in names.items():
            members.setdefault(structure_type, []).append((formula, group))
        self.types = list(members)
        self.type_rows = {structure_type: row for row, structure_type in enumerate(self.types)}
        self.type_of = np.array(
            [self.type_rows.get(structure_type, -1) for structure_type in structure_types]
        )
        self._cluster_and_group: dict[int, tuple[int, int]] = {}  # by structure
        # Reduced distances, element features and lattice targets of each group.
        self._groups: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        self._sums: list[tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]] = [
            self._fit(groups) for groups in members.values()
        ]

    def _fit(
        self, groups: list[tuple[str, list[int]]]
    ) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Counts and sums of distances, squared distances, features and shapes of each cluster of a type."""
        data = self.data
        distances, features, shapes = [], [], []
        for _, rows in groups:
            reduced = [self._reduced(row) for row in rows]
            numbers = data.numbers[data.atoms(rows[0])]
            elements = numbers[np.unique(element_slots(numbers), return_index=True)[1]]
            distances.append(np.mean(reduced, axis=0))
            features.append(self.features[elements])
            shapes.append(self.targets[rows].mean(0))
        table = np.array(distances)
        labels = cluster_rows(table, MAX_CLUSTERS, FORMULAS_PER_CLUSTER)
        for (_, rows), label, *values in zip(
            groups, labels.tolist(), distances, features, shapes, strict=True
        ):
            for row in rows:
                self._cluster_and_group[row] = (label, len(self._groups))
            self._groups.append((values[0], values[1], values[2]))
        count = int(labels.max()) + 1
        chosen = np.eye(count)[labels]  # (groups, clusters)
        return (
            chosen.sum(0).astype(np.int64),
            chosen.T @ table,
            chosen.T @ table**2,
            np.einsum("gc,gef->cef", chosen, np.array(features)),
            chosen.T @ np.array(shapes),
        )

    def _reduced(self, row: int) -> FloatArray:
        pairs = self.data.distances[self.data.pairs(row)]
        return np.asarray(pairs.astype(np.float64) / self.data.volumes[row] ** (1 / 3))

    def collect(self, rows: IntArray) -> None:
        """Compute the templates of these structures, each without its formula, for ``batch``."""
        sizes = self.data.sizes[rows]
        self._place = np.full(len(self.data), -1)
        self._place[rows] = np.arange(len(rows))
        self._atoms = np.concatenate([[0], np.cumsum(sizes)])
        self._pairs = np.concatenate([[0], np.cumsum(sizes * (sizes - 1) // 2)])
        self._counts = np.zeros((len(rows), MAX_CLUSTERS), dtype=np.float32)
        self._shapes = np.zeros((len(rows), MAX_CLUSTERS, 6), dtype=np.float32)
        self._features = np.zeros((self._atoms[-1], MAX_CLUSTERS, FEATURES), dtype=np.float32)
        self._means = np.zeros((self._pairs[-1], MAX_CLUSTERS), dtype=np.float32)
        self._spreads = np.zeros_like(self._means)
        for place, row in enumerate(rows.tolist()):
            self._collect(place, row)

    def _collect(self, place: int, row: int) -> None:
        type_row = int(self.type_of[row])
        if type_row < 0:
            return
        counts, sums, squares, features, shapes = self._sums[type_row]
        if row in self._cluster_and_group:
            label, group = self._cluster_and_group[row]
            removed = np.zeros(len(counts))
            removed[label] = 1
            distances, elements, shape = self._groups[group]
            counts = counts - removed.astype(np.int64)
            sums = sums - removed[:, None] * distances
            squares = squares - removed[:, None] * distances**2
            features = features - removed[:, None, None] * elements
            shapes = shapes - removed[:, None] * shape
        number = np.maximum(counts, 1)[:, None]
        used = (counts > 0)[:, None]
        k = len(counts)
        mean = np.where(used, sums / number, 0)
        spread = np.sqrt(np.clip(squares / number - mean**2, 0, None)) * (counts > 1)[:, None]
        atoms = slice(self._atoms[place], self._atoms[place + 1])
        pairs = slice(self._pairs[place], self._pairs[place + 1])
        slots = element_slots(self.data.numbers[self.data.atoms(row)])
        self._counts[place, :k] = counts
        self._shapes[place, :k] = np.where(used, shapes / number, 0)
        self._means[pairs, :k] = mean.T
        self._spreads[pairs, :k] = spread.T
        averages = np.where(used[..., None], features / number[..., None], 0)
        self._features[atoms, :k] = averages[:, slots].transpose(1, 0, 2)

    def batch(self, rows: IntArray) -> TemplateBatch:
        """Templates of equal-sized structures after ``collect``."""
        places, size = self._place[rows], int(self.data.sizes[rows[0]])
        atoms = self._atoms[places][:, None] + np.arange(size)
        pairs = self._pairs[places][:, None] + np.arange(size * (size - 1) // 2)
        return TemplateBatch(
            torch.as_tensor(self._counts[places]),
            torch.as_tensor(self._means[pairs]),
            torch.as_tensor(self._spreads[pairs]),
            torch.as_tensor(self._features[atoms]),
            torch.as_tensor(self._shapes[places]),
        )

    def batch_of_types(self, types: IntArray, slots: IntArray) -> TemplateBatch:
        """Templates of types from all fitted structures, for equal-sized cells.

        Args:
            types: Rows of the attribute ``types``, -1 for unseen types, shape (batch,).
            slots: ``element_slots`` of the atoms, shape (batch, atoms).
        """
        result = TemplateBatch.empty(*slots.shape)
        for sample, row in enumerate(types.tolist()):
            if row < 0:
                continue
            counts, sums, squares, features, shapes = self._sums[row]
            number, k = counts[:, None], len(counts)
            mean = sums / number
            spread = np.sqrt(np.clip(squares / number - mean**2, 0, None)) * (number > 1)
            result.counts[sample, :k] = torch.as_tensor(counts)
            result.means[sample, :, :k] = torch.as_tensor(mean.T)
            result.spreads[sample, :, :k] = torch.as_tensor(spread.T)
            averages = (features / number[..., None])[:, slots[sample]]
            result.features[sample, :, :k] = torch.as_tensor(averages.transpose(1, 0, 2))
            result.shapes[sample, :k] = torch.as_tensor(shapes / number)
        return result

    def templates(self) -> TypeTemplates:
        """Templates of all types, for the weights file."""
        clusters = [len(counts) for counts, *_ in self._sums]
        counts, shapes, features, means, spreads = [], [], [], [], []
        for sizes, sums, squares, elements, shape in self._sums:
            for k, n in enumerate(sizes.tolist()):
                mean = sums[k] / n
                counts.append(n)
                shapes.append(shape[k] / n)
                features.append((elements[k] / n).reshape(-1, FEATURES))
                means.append(mean)
                if n > 1:
                    spreads.append(np.sqrt(np.clip(squares[k] / n - mean**2, 0, None)))
        return TypeTemplates(
            self.types,
            {
                "clusters": torch.tensor(clusters),
                "counts": torch.tensor(counts),
                "shapes": torch.as_tensor(np.array(shapes).reshape(-1, 6)),
                "features": torch.as_tensor(np.concatenate(features or [np.zeros((0, FEATURES))])),
                "means": torch.as_tensor(np.concatenate(means or [np.zeros(0)])),
                "spreads": torch.as_tensor(np.concatenate(spreads or [np.zeros(0)])),
            },
        )


def cluster_rows(table: FloatArray, maximum: int, rows_per_cluster: int) -> IntArray:
    """Cluster of each row of a table by k-means, numbered from 0 without gaps, shape (rows,).

    Args:
        table: Shape (rows, columns).
        maximum: Largest number of clusters.
        rows_per_cluster: Rows that justify one cluster.
    """
    count = min(maximum, len(table) // rows_per_cluster)
    if count < 2 or table.shape[1] == 0 or float(np.ptp(table, axis=0).max()) < 1e-6:
        return np.zeros(len(table), dtype=np.int64)
    from scipy.cluster.vq import kmeans2  # imported late: prediction fits nothing

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # it is left out
        _, labels = kmeans2(table, count, minit="++", rng=0, iter=20, missing="warn")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

"""Fitting the templates of structure types, and reading them without the compound that is asked about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alphacrystal.composition import element_features
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.distances.templates import FEATURES, MOST_CLUSTERS, TemplateBatch, TypeTemplates
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.typing import FloatArray, IntArray

FORMULAS_PER_CLUSTER = 4  # a type gets a second cluster from twice as many formulas on


def element_slots(numbers: IntArray) -> IntArray:
    """Place of each atom's element among those of its cell, atoms grouped by element, (..., atoms)."""
    changes = np.diff(numbers, axis=-1, prepend=numbers[..., :1]) != 0
    return np.asarray(np.cumsum(changes, axis=-1))


class TemplateFit:
    """Templates fitted to some structures of a data set, each of which can be read as if it were not there.

    A group is all structures of one type and formula; it is one member of its type.
    """

    def __init__(self, data: PreparedStructures, kinds: Sequence[StructureType], rows: IntArray) -> None:
        self.data = data
        self.features = np.nan_to_num(element_features())
        self.targets = lattice_targets(data.lattices, data.volumes).astype(np.float64)
        names: dict[tuple[StructureType, str], list[int]] = {}
        for row in rows.tolist():
            names.setdefault((kinds[row], str(data.formulas[row])), []).append(row)
        members: dict[StructureType, list[tuple[str, list[int]]]] = {}
        for (kind, formula), own in names.items():
            members.setdefault(kind, []).append((formula, own))
        self.types = list(members)
        self.type_rows = {kind: place for place, kind in enumerate(self.types)}
        self.kind_of = np.array([self.type_rows.get(kind, -1) for kind in kinds])
        self._own: dict[int, tuple[int, int]] = {}  # structure -> (cluster of its type, group)
        self._groups: list[
            tuple[FloatArray, FloatArray, FloatArray]
        ] = []  # reduced distances, features, shape of a group
        self._sums: list[tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]] = [
            self._fit(groups) for groups in members.values()
        ]

    def _fit(
        self, groups: list[tuple[str, list[int]]]
    ) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Counts, and sums of distances, their squares, features and shapes of each cluster of a type."""
        data = self.data
        distances, features, shapes = [], [], []
        for _, own in groups:
            reduced = [self._reduced(row) for row in own]
            numbers = data.numbers[data.atoms(own[0])]
            elements = numbers[np.unique(element_slots(numbers), return_index=True)[1]]
            distances.append(np.mean(reduced, axis=0))
            features.append(self.features[elements])
            shapes.append(self.targets[own].mean(0))
        table = np.array(distances)
        labels = clusters_of(table, MOST_CLUSTERS, FORMULAS_PER_CLUSTER)
        for (_, own), label, *values in zip(
            groups, labels.tolist(), distances, features, shapes, strict=True
        ):
            for row in own:
                self._own[row] = (label, len(self._groups))
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
        """Read the templates of these structures once, each without its own formula, for ``batch``."""
        sizes = self.data.sizes[rows]
        self._place = np.full(len(self.data), -1)
        self._place[rows] = np.arange(len(rows))
        self._atoms = np.concatenate([[0], np.cumsum(sizes)])
        self._pairs = np.concatenate([[0], np.cumsum(sizes * (sizes - 1) // 2)])
        self._counts = np.zeros((len(rows), MOST_CLUSTERS), dtype=np.float32)
        self._shapes = np.zeros((len(rows), MOST_CLUSTERS, 6), dtype=np.float32)
        self._features = np.zeros((self._atoms[-1], MOST_CLUSTERS, FEATURES), dtype=np.float32)
        self._means = np.zeros((self._pairs[-1], MOST_CLUSTERS), dtype=np.float32)
        self._spreads = np.zeros_like(self._means)
        for place, row in enumerate(rows.tolist()):
            self._collect(place, row)

    def _collect(self, place: int, row: int) -> None:
        kind = int(self.kind_of[row])
        if kind < 0:
            return
        counts, sums, squares, features, shapes = self._sums[kind]
        own = self._own.get(row)
        if own is not None:
            label, group = own
            without = np.zeros(len(counts))
            without[label] = 1
            distances, elements, shape = self._groups[group]
            counts = counts - without.astype(np.int64)
            sums = sums - without[:, None] * distances
            squares = squares - without[:, None] * distances**2
            features = features - without[:, None, None] * elements
            shapes = shapes - without[:, None] * shape
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
        """Templates of equal-sized structures that were collected."""
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
        """All that is known of some types, for equal-sized cells.

        Args:
            types: Place in ``types``, -1 where never seen, shape (batch,).
            slots: Place of each atom's element, shape (batch, atoms).
        """
        result = TemplateBatch.empty(*slots.shape)
        for place, kind in enumerate(types.tolist()):
            if kind < 0:
                continue
            counts, sums, squares, features, shapes = self._sums[kind]
            number, k = counts[:, None], len(counts)
            mean = sums / number
            spread = np.sqrt(np.clip(squares / number - mean**2, 0, None)) * (number > 1)
            result.counts[place, :k] = torch.as_tensor(counts)
            result.means[place, :, :k] = torch.as_tensor(mean.T)
            result.spreads[place, :, :k] = torch.as_tensor(spread.T)
            averages = (features / number[..., None])[:, slots[place]]
            result.features[place, :, :k] = torch.as_tensor(averages.transpose(1, 0, 2))
            result.shapes[place, :k] = torch.as_tensor(shapes / number)
        return result

    def templates(self) -> TypeTemplates:
        """All clusters, for the weights."""
        clusters = [len(counts) for counts, *_ in self._sums]
        counts, shapes, features, means, spreads = [], [], [], [], []
        for own, sums, squares, elements, shape in self._sums:
            for k, n in enumerate(own.tolist()):
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


def clusters_of(table: FloatArray, most: int, rows_per_cluster: int) -> IntArray:
    """Cluster of each row of a table, shape (rows, columns), numbered from 0 without gaps."""
    count = min(most, len(table) // rows_per_cluster)
    if count < 2 or table.shape[1] == 0 or float(np.ptp(table, axis=0).max()) < 1e-6:
        return np.zeros(len(table), dtype=np.int64)
    from scipy.cluster.vq import kmeans2  # imported late: prediction fits nothing

    _, labels = kmeans2(table, count, minit="++", rng=0, iter=20, missing="warn")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

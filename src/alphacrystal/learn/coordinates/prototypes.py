"""Prototype coordinates: mean free coordinates of each structure type, in clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.crystal import LETTERS, primitive_members, space_group
from alphacrystal.learn.structure_types import (
    PositionsIndex,
    StructureType,
    free_coordinate_count,
)
from alphacrystal.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class PrototypeCoordinatesConfig:
    """Settings of the fit. The names are keys of the weights file.

    Attributes:
        most_clusters: Maximum number of clusters of one structure type.
        formulas_per_cluster: Formulas that justify one cluster.
    """

    most_clusters: int = 16
    formulas_per_cluster: int = 2


class PrototypeCoordinates(nn.Module):
    """Clusters of all structure types that have free coordinates, flat in the order of the types.

    A cluster is a mean over training crystals with similar coordinates; the largest cluster of a type comes
    first. Each cluster uses the setting of its crystals, whose origin may differ from the canonical one.

    Buffers: ``clusters`` (types,), number of clusters of each type; ``counts`` (clusters,), number of
    formulas in each; ``letters``, Wyckoff letter index of each cluster and orbit in the setting of the
    cluster, orbits in the order of ``orbit_letters``; ``values``, the free coordinates of each cluster, orbit
    by orbit; ``features``, mean properties of each element of each cluster, shape (elements of all clusters,
    FEATURES); ``shapes`` (clusters, 6), mean lattice targets.
    """

    clusters: Tensor
    counts: Tensor
    letters: Tensor
    values: Tensor
    features: Tensor
    shapes: Tensor

    def __init__(
        self, config: PrototypeCoordinatesConfig, types: Sequence[StructureType], tensors: dict[str, Tensor]
    ) -> None:
        super().__init__()
        self.config = config
        self.types = list(types)
        self.rows = {structure_type: row for row, structure_type in enumerate(self.types)}
        for name, dtype in (("clusters", torch.int16), ("counts", torch.int16), ("letters", torch.uint8)):
            self.register_buffer(name, tensors[name].to(dtype))
        for name in ("values", "features", "shapes"):
            self.register_buffer(name, tensors[name].float())

    @cached_property
    def starts(self) -> dict[str, IntArray]:
        """Offsets of the clusters of each type, and of the letters, values and features of its first one."""
        clusters = self.clusters.numpy().astype(np.int64)
        orbits = np.array(
            [sum(map(len, structure_type.letters)) for structure_type in self.types], dtype=np.int64
        )
        free = np.array(
            [free_coordinate_count(structure_type) for structure_type in self.types], dtype=np.int64
        )

        elements = np.array([len(structure_type.letters) for structure_type in self.types], dtype=np.int64)

        def offsets(lengths: IntArray) -> IntArray:
            return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

        return {
            "clusters": offsets(clusters),
            "letters": offsets(clusters * orbits),
            "values": offsets(clusters * free),
            "features": offsets(clusters * elements),
        }

    def counts_of(self, structure_type: StructureType) -> IntArray:
        """Number of formulas in each cluster of a type, shape (clusters,)."""
        row = self.rows.get(structure_type)
        if row is None:
            return np.zeros(0, dtype=np.int64)
        first, last = self.starts["clusters"][row : row + 2]
        return self.counts[first:last].numpy().astype(np.int64)

    def features_of(self, row: int) -> FloatArray:
        """Mean properties of the elements in each cluster of a type, shape (clusters, elements, FEATURES)."""
        first, last = self.starts["features"][row : row + 2]
        elements = len(self.types[row].letters)
        values = self.features[first:last].double().numpy()
        return values.reshape(-1, elements, values.shape[-1])

    def shapes_of(self, row: int) -> FloatArray:
        """Mean lattice targets of each cluster of a type, shape (clusters, 6)."""
        first, last = self.starts["clusters"][row : row + 2]
        return self.shapes[first:last].double().numpy()

    def positions(self, structure_type: StructureType) -> FloatArray:
        """Atoms of the primitive cell in each cluster of a type.

        Returns:
            Fractional coordinates in the CONVENTIONAL cell, atoms in the order of ``atom_sites``, shape
            (clusters, atoms, 3). Unseen types and types without free coordinates have no clusters.
        """
        row = self.rows.get(structure_type)
        if row is None:
            return np.zeros((0, sum(structure_type.counts()), 3))
        return np.stack([np.concatenate(orbits) for _, orbits in self.clusters_of_row(row)])

    def clusters_of_row(self, row: int) -> Iterator[tuple[tuple[str, ...], list[FloatArray]]]:
        """Yield the letters of the orbits in the setting of each cluster, and the atoms of each orbit.

        Atoms of one primitive cell in fractional coordinates of the conventional cell, shape (members, 3).
        """
        for names, coordinates in self.parameters_of_row(row):
            yield names, orbit_positions(self.types[row].space_group, names, coordinates)

    def parameters_of_row(self, row: int) -> Iterator[tuple[tuple[str, ...], FloatArray]]:
        """Yield the letters of the orbits in the setting of each cluster, and its free coordinates."""
        count = int(self.clusters[row])
        first = {name: int(start[row]) for name, start in self.starts.items()}
        last = {name: int(start[row + 1]) for name, start in self.starts.items()}
        letters = self.letters[first["letters"] : last["letters"]].reshape(count, -1).numpy()
        values = self.values[first["values"] : last["values"]].reshape(count, -1).double().numpy()
        for indices, coordinates in zip(letters, values, strict=True):
            yield tuple([LETTERS[index] for index in indices.tolist()]), coordinates

    def related_rows(self, structure_type: StructureType) -> list[int]:
        """Rows of the types that occupy the same Wyckoff positions with any elements."""
        return self._positions.rows(structure_type)

    @cached_property
    def _positions(self) -> PositionsIndex:
        return PositionsIndex(enumerate(self.types))


def orbit_positions(number: int, letters: Sequence[str], values: FloatArray) -> list[FloatArray]:
    """Fractional coordinates in the conventional cell of the atoms of one primitive cell, orbit by orbit."""
    group, atoms, used = space_group(number), [], 0
    for letter in letters:
        position, members = group.positions[letter], list(primitive_members(number, letter))
        free = values[used : used + position.free]
        atoms.append(position.linear[members] @ free + position.constant[members])
        used += position.free
    return atoms

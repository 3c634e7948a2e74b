"""Where training saw the atoms of each structure type: mean free coordinates, in a few clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.crystal import LETTERS, primitive_members, space_group
from alphacrystal.learn.structure_types import StructureType, free_of_type, orbit_letters, rows_by_positions
from alphacrystal.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class TypeCoordinatesConfig:
    """How the coordinates were fitted.

    Attributes:
        most_clusters: Of one structure type.
        formulas_per_cluster: A type gets another cluster for each so many formulas.
    """

    most_clusters: int = 16
    formulas_per_cluster: int = 2


class TypeCoordinates(nn.Module):
    """Clusters of all structure types that have free coordinates, flat in the order of the types.

    A cluster is one way the atoms of a type were seen to sit, the commonest first; no cell, no element, no
    single compound where several were alike. Each stands in a setting of its own, with an origin other than
    the canonical one where the compounds it comes from had that.

    Buffers: ``clusters`` (types,) clusters of each type; ``counts`` (clusters,) formulas in each;
    ``letters``, Wyckoff letter index of each cluster and orbit in the setting of the cluster, orbits in the
    order of ``orbit_letters``; ``values``, the free coordinates of each cluster, orbit by orbit.
    """

    clusters: Tensor
    counts: Tensor
    letters: Tensor
    values: Tensor

    def __init__(
        self, config: TypeCoordinatesConfig, types: Sequence[StructureType], tensors: dict[str, Tensor]
    ) -> None:
        super().__init__()
        self.config = config
        self.types = list(types)
        self.rows = {kind: row for row, kind in enumerate(self.types)}
        for name, kind in (("clusters", torch.int16), ("counts", torch.int16), ("letters", torch.uint8)):
            self.register_buffer(name, tensors[name].to(kind))
        self.register_buffer("values", tensors["values"].float())

    @cached_property
    def starts(self) -> dict[str, IntArray]:
        """Where each type's clusters, and the letters and values of its first cluster begin."""
        clusters = self.clusters.numpy().astype(np.int64)
        orbits = np.array([len(orbit_letters(kind)) for kind in self.types], dtype=np.int64)
        free = np.array([free_of_type(kind) for kind in self.types], dtype=np.int64)

        def begin(lengths: IntArray) -> IntArray:
            return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

        return {
            "clusters": begin(clusters),
            "letters": begin(clusters * orbits),
            "values": begin(clusters * free),
        }

    def counts_of(self, kind: StructureType) -> IntArray:
        """Formulas in each cluster of a type, shape (clusters,)."""
        row = self.rows.get(kind)
        if row is None:
            return np.zeros(0, dtype=np.int64)
        first, last = self.starts["clusters"][row : row + 2]
        return self.counts[first:last].numpy().astype(np.int64)

    def positions(self, kind: StructureType) -> FloatArray:
        """Atoms of the primitive cell as each cluster of a type has them.

        Returns:
            Fractional coordinates in the CONVENTIONAL cell, atoms in the order of ``atom_sites``, shape
            (clusters, atoms, 3); no clusters where the type was never seen or has nothing free.
        """
        row = self.rows.get(kind)
        if row is None:
            return np.zeros((0, sum(kind.counts()), 3))
        return np.stack([np.concatenate(orbits) for _, orbits in self.clusters_of_row(row)])

    def clusters_of_row(self, row: int) -> Iterator[tuple[tuple[str, ...], list[FloatArray]]]:
        """Each cluster of a type: letters of its orbits in its own setting, and the atoms of each orbit.

        Atoms of one primitive cell, fractional in the conventional cell, shape (members, 3).
        """
        count = int(self.clusters[row])
        first = {name: int(start[row]) for name, start in self.starts.items()}
        last = {name: int(start[row + 1]) for name, start in self.starts.items()}
        letters = self.letters[first["letters"] : last["letters"]].reshape(count, -1).numpy()
        values = self.values[first["values"] : last["values"]].reshape(count, -1).double().numpy()
        for own, coordinates in zip(letters, values, strict=True):
            spelt = tuple([LETTERS[index] for index in own.tolist()])
            yield spelt, _orbit_positions(self.types[row].space_group, spelt, coordinates)

    @cached_property
    def rows_of_positions(self) -> dict[tuple[int, str], list[int]]:
        """Rows of the types that stand on the same Wyckoff positions, by ``positions_key``."""
        return rows_by_positions(enumerate(self.types))


def _orbit_positions(number: int, letters: Sequence[str], values: FloatArray) -> list[FloatArray]:
    """Conventional fractional coordinates of the atoms of one primitive cell, orbit by orbit."""
    group, placed, used = space_group(number), [], 0
    for letter in letters:
        position, members = group.positions[letter], list(primitive_members(number, letter))
        own = values[used : used + position.free]
        placed.append(position.linear[members] @ own + position.constant[members])
        used += position.free
    return placed

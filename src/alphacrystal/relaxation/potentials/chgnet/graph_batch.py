"""Joins quotient graphs into one batch at the crystals' present geometry, and turns gradients into forces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from alphacrystal.crystal import Crystal
from alphacrystal.relaxation.potentials.chgnet.network import BatchGraph
from alphacrystal.relaxation.potentials.chgnet.quotient_graph import QuotientGraph
from alphacrystal.typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class GeometryBatch:
    """A joined batch and the data to distribute its gradients.

    Attributes:
        graph: Input of the network.
        vectors: Neighbour vectors in Å, shape (vectors, 3).
        start, end: Atoms of each vector, numbered through the batch.
        vector_offset, atom_offset: Where each crystal begins, shape (crystals + 1,).
    """

    graph: BatchGraph
    vectors: FloatArray
    start: IntArray
    end: IntArray
    vector_offset: IntArray
    atom_offset: IntArray

    def forces_and_virials(self, gradient: FloatArray) -> tuple[list[FloatArray], FloatArray]:
        """Forces (atoms, 3) in eV/Å per crystal and virials dE/dstrain (crystals, 3, 3) in eV."""
        atoms = self.atom_offset[-1]
        forces = np.zeros((atoms, 3))
        for axis in range(3):
            forces[:, axis] += np.bincount(self.start, gradient[:, axis], atoms)
            forces[:, axis] -= np.bincount(self.end, gradient[:, axis], atoms)
        products = self.vectors[:, :, None] * gradient[:, None, :]
        sums = np.concatenate([np.zeros((1, 3, 3)), np.cumsum(products, axis=0)])
        virials = sums[self.vector_offset[1:]] - sums[self.vector_offset[:-1]]
        return np.split(forces, self.atom_offset[1:-1]), virials


def _offsets(lengths: Sequence[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _padded(count: int) -> int:
    """Rows to reserve for ``count``.

    oneDNN prepares a product for each new number of rows, and a moving crystal changes its numbers
    with every step: a few empty rows leave only few different numbers.
    """
    block = min(256, max(16, 1 << max(0, (count // 16).bit_length() - 1)))
    return -(-count // block) * block


def _filled(rows: IntArray) -> IntArray:
    """The row numbers, then the first of them again up to the padded length; none stay none."""
    return np.concatenate([rows, np.repeat(rows[:1], _padded(len(rows)) - len(rows))])


def _joined(numbers: Sequence[IntArray], offsets: IntArray) -> IntArray:
    """Numbers of each crystal's parts, counted on through the batch."""
    return np.concatenate([own + offset for own, offset in zip(numbers, offsets, strict=False)])


def join_graphs(
    crystals: Sequence[Crystal], graphs: Sequence[QuotientGraph], cutoff: float, angle_cutoff: float
) -> GeometryBatch:
    """Join graphs, keeping the bonds, messages and angles that are within the cutoffs (Å) right now."""
    atom_offset = _offsets([len(c) for c in crystals])
    orbit_offset = _offsets([len(g.orbit_atom) for g in graphs])
    vector_offset = _offsets([len(g.vector_start) for g in graphs])
    pair_offset = _offsets([len(g.pair_centre) for g in graphs])
    spoke_offset = _offsets([len(g.spoke_bond) for g in graphs])
    bond_offset = _offsets([len(g.bond_vector) for g in graphs])

    vectors = np.concatenate(
        [
            (c.frac_coords[g.vector_end] + g.vector_image - c.frac_coords[g.vector_start]) @ c.lattice
            for c, g in zip(crystals, graphs, strict=True)
        ]
    )
    bond_vector = _joined([g.bond_vector for g in graphs], vector_offset)
    bond_length = np.sqrt((vectors[bond_vector] ** 2).sum(axis=1))
    active = bond_length < cutoff
    short = bond_length < angle_cutoff
    # Bonds that form angles come first, the other active ones follow, the rest is dropped.
    bent_bonds, straight_bonds = np.flatnonzero(short), np.flatnonzero(active & ~short)
    short_count = _padded(len(bent_bonds))
    order = np.concatenate([_filled(bent_bonds), _filled(straight_bonds)])
    renumbered = np.full(len(bond_vector), -1)
    renumbered[bent_bonds] = np.arange(len(bent_bonds))
    renumbered[straight_bonds] = short_count + np.arange(len(straight_bonds))

    message_bond = _joined([g.message_bond for g in graphs], bond_offset)
    kept = np.flatnonzero(active[message_bond])
    messages = _filled(kept)
    message_weight = np.concatenate([g.message_weight for g in graphs])[messages]
    message_weight[len(kept) :] = 0.0

    angle_bonds = _joined([g.angle_bonds for g in graphs], bond_offset)
    kept = np.flatnonzero(short[angle_bonds].all(axis=1))
    bent = _filled(kept)
    angle_weight = np.concatenate([g.angle_weight for g in graphs])[bent]
    angle_weight[len(kept) :] = 0.0
    # A spoke whose bond does not bend now is read by no angle: any bond may stand in its place.
    spoke_bond = np.maximum(renumbered[_joined([g.spoke_bond for g in graphs], bond_offset)], 0)
    spoke_bond[spoke_bond >= short_count] = 0

    orbit_crystal = np.repeat(np.arange(len(graphs)), np.diff(orbit_offset))
    graph = BatchGraph(
        crystals=len(crystals),
        orbit_numbers=_integers(
            np.concatenate([c.numbers[g.orbit_atom] for c, g in zip(crystals, graphs, strict=True)])
        ),
        orbit_size=torch.from_numpy(np.concatenate([g.orbit_size for g in graphs]).astype(np.float64)),
        orbit_crystal=_integers(orbit_crystal),
        bond_vector=_integers(bond_vector[order]),
        short_bonds=short_count,
        message_centre=_integers(_joined([g.message_centre for g in graphs], orbit_offset)[messages]),
        message_pair=_integers(_joined([g.message_pair for g in graphs], pair_offset)[messages]),
        pair_centre=_integers(_joined([g.pair_centre for g in graphs], orbit_offset)),
        pair_neighbour=_integers(_joined([g.pair_neighbour for g in graphs], orbit_offset)),
        message_bond=_integers(renumbered[message_bond[messages]]),
        message_weight=_column(message_weight),
        angle_vectors=_integers(_joined([g.angle_vectors for g in graphs], vector_offset)[bent].T),
        angle_bonds=_integers(renumbered[angle_bonds[bent]].T),
        angle_spoke=_integers(_joined([g.angle_spoke for g in graphs], spoke_offset)[bent]),
        spoke_bond=_integers(spoke_bond),
        spoke_apex=_integers(_joined([g.spoke_apex for g in graphs], orbit_offset)),
        angle_weight=_column(angle_weight),
    )
    return GeometryBatch(
        graph=graph,
        vectors=vectors,
        start=_joined([g.vector_start for g in graphs], atom_offset),
        end=_joined([g.vector_end for g in graphs], atom_offset),
        vector_offset=vector_offset,
        atom_offset=atom_offset,
    )


def _integers(values: IntArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))


def _column(values: FloatArray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32)[:, None])

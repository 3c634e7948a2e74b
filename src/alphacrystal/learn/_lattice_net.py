"""The lattice model: conventional cell with its spread, given composition and structure type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphacrystal.crystal import (
    SHAPE,
    LatticeParameters,
    constrained_shape,
    lattice_parameters,
    shape_to_cell,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.learn._structure_types import MAX_ELEMENTS, StructureType, site_table
from alphacrystal.learn._symmetry_net import CompositionEncoder, TypeTable


@dataclass(frozen=True, slots=True)
class LatticeNetConfig:
    """Sizes of the lattice network."""

    width: int = 128
    layers: int = 3
    heads: int = 8
    dropout: float = 0.1
    max_count: int = 64
    max_atoms: int = 64


class LatticeNet(nn.Module):
    """Centre and Laplace scale of the cell of a hypothesis: SHAPE with the volume per atom for the volume."""

    def __init__(self, config: LatticeNetConfig, types: Sequence[StructureType]) -> None:
        super().__init__()
        self.config = config
        self.types = list(types)
        self.rows = {kind: row for row, kind in enumerate(self.types)}
        width = config.width
        self.encoder = CompositionEncoder(
            width, config.layers, config.heads, config.dropout, config.max_count
        )
        sites = site_table()
        self.site = nn.Embedding(len(sites.index), width)
        self.site_symmetry = nn.Embedding(sites.site_symmetries, width)
        self.orbit_count = nn.Embedding(21, width)
        self.group = nn.Embedding(231, width)
        self.size = nn.Embedding(config.max_atoms + 1, width)
        self.functional = nn.Embedding(len(FUNCTIONALS), width)
        self.type_embedding = nn.Embedding(len(types) + 1, width)  # the last row stands for types never seen
        embeddings = (self.site, self.site_symmetry, self.orbit_count, self.group, self.size, self.functional)
        for embedding in (*embeddings, self.type_embedding):
            nn.init.normal_(embedding.weight, std=0.1)
        self.register_buffer("site_kind", torch.as_tensor(sites.site_symmetry), persistent=False)
        self.type_targets = nn.Embedding(len(types) + 1, len(SHAPE))
        self.atom_volume = nn.Embedding(104, 1)
        nn.init.zeros_(self.type_targets.weight)
        nn.init.constant_(self.atom_volume.weight, 2.8)  # log(16 Å³), a typical volume per atom
        self.read_out = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 2 * len(SHAPE))
        )

    site_kind: Tensor

    def forward(
        self, numbers: Tensor, counts: Tensor, table: TypeTable, types: Tensor, functionals: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Centre and log scale of each target, shape (batch, 6) each.

        Args:
            numbers, counts: shape (batch, slots).
            table: One structure type per sample.
            types: Row of the type embedding, shape (batch,).
            functionals: shape (batch,).
        """
        slots = numbers.shape[1]
        vectors = self.site.weight + self.site_symmetry(self.site_kind)
        sites = nn.functional.embedding_bag(table.sites, vectors, table.slot_offsets, mode="mean")
        sites = sites.view(len(table), MAX_ELEMENTS, -1)[:, :slots] + self.orbit_count(
            table.orbits[:, :slots].clamp(max=20)
        )
        whole = (
            self.group(table.space_group)
            + self.size(table.atoms.clamp(max=self.config.max_atoms))
            + self.functional(functionals)
            + self.type_embedding(types)
        )
        summary, _ = self.encoder(numbers, counts, torch.cat([whole[:, None], sites], 1))
        centre, log_scale = self.read_out(summary).chunk(2, -1)
        fraction = counts / counts.sum(1, keepdim=True).clamp(min=1)
        volume = (fraction * self.atom_volume(numbers)[..., 0]).sum(1)
        base = self.type_targets(types)
        centre = centre + base
        centre = torch.cat([centre[:, :1] + volume[:, None], centre[:, 1:]], 1)
        return centre, log_scale.clamp(-7, 1)


def lattice_targets(lattices: NDArray[np.float64], volumes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Targets of conventional cells, shape (n, 6), from a, b, c (Å), angles (°) and volume per atom (Å³)."""
    lengths, cosines = lattices[:, :3], np.cos(np.radians(lattices[:, 3:]))
    ratios = np.log(lengths[:, 1:] / lengths[:, :1])
    return np.concatenate([np.log(volumes)[:, None], ratios, cosines], 1).astype(np.float32)


def cell_from_targets(system: str, targets: NDArray[np.float64], atoms: int) -> LatticeParameters:
    """Conventional cell of a crystal system from targets (6,) and the number of atoms it holds."""
    shape = constrained_shape(system, targets + np.array([np.log(atoms), 0, 0, 0, 0, 0]))
    return lattice_parameters(shape_to_cell(shape))

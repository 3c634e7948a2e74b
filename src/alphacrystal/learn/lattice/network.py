"""The lattice model: conventional cell with its spread, given composition and structure type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.crystal import (
    FREE_SHAPE,
    SHAPE,
    LatticeParameters,
    constrained_shape,
    crystal_system,
    lattice_parameters,
    shape_to_cell,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.learn.lattice.regression import PriorVariances, TypeEvidence
from alphacrystal.learn.lattice.statistics import LEVEL_FEATURES, LEVELS, ClassStatistics
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType, site_table
from alphacrystal.learn.symmetry.network import TypeTable
from alphacrystal.typing import Float32Array, FloatArray

TARGETS = len(SHAPE)
# 1 where a crystal system leaves a target free
FREE_MASKS = {system: np.isin(np.arange(TARGETS), free) for system, free in FREE_SHAPE.items()}
MEMBERS_THAT_COUNT = 64  # beyond these a type is taken to be as well known as one with so many members


LOG_SCALES = (-7.0, -0.7)  # between 0.1 and 50 % of a length or volume


@dataclass(frozen=True, slots=True)
class LatticeNetConfig:
    """Sizes of the lattice network."""

    width: int = 160
    slot_width: int = 64
    element_width: int = 24
    layers: int = 2
    features: int = 48
    max_atoms: int = 64


@dataclass(frozen=True, slots=True, eq=False)
class LatticeQuery:
    """Compositions on structure types, as tensors.

    Attributes:
        numbers, counts: Atomic numbers and reduced counts, shape (batch, slots).
        table: One structure type per sample.
        functionals: shape (batch,).
        related: Expected targets from related types and their statistics, see ``ClassStatistics.of``,
            shape (batch, 6) and (batch, LEVELS * LEVEL_FEATURES).
        free: 1 where the crystal system leaves the target free, shape (batch, 6).
    """

    numbers: Tensor
    counts: Tensor
    table: TypeTable
    functionals: Tensor
    related: tuple[Tensor, Tensor]
    free: Tensor


class LatticeNet(nn.Module):
    """Centre and Laplace scale of the cell of a hypothesis: SHAPE with the volume per atom for the volume.

    Three estimates stand on each other: what related structure types have in common; what the crystals of
    the type exceed that by, regressed on shared learned features of the composition; and a correction that
    the network reads off both. Volumes are counted from the sum of atomic volumes.
    """

    site_kind: Tensor
    properties: Tensor
    atom_volume: Tensor
    type_count: Tensor
    type_mean: Tensor
    type_spread: Tensor
    type_error: Tensor
    type_features: Tensor
    type_weights: Tensor

    def __init__(self, config: LatticeNetConfig, types: Sequence[StructureType]) -> None:
        super().__init__()
        self.config = config
        self.types = list(types)
        self.rows = {kind: row for row, kind in enumerate(self.types)}
        width, slot = config.width, config.slot_width
        properties = element_features()[1:]
        scaled = np.nan_to_num((properties - np.nanmean(properties, 0)) / np.nanstd(properties, 0))
        scaled = np.concatenate([np.zeros_like(scaled[:1]), scaled])
        self.register_buffer("properties", torch.as_tensor(scaled, dtype=torch.float32), persistent=False)
        sites = site_table()
        self.register_buffer("site_kind", torch.as_tensor(sites.site_symmetry), persistent=False)
        self.element = nn.Embedding(104, config.element_width)
        self.read_element = nn.Linear(config.element_width, slot, bias=False)
        self.read_property = nn.Linear(scaled.shape[1] + 1, slot)  # and the atomic volume
        self.read_fraction = nn.Linear(2, slot)
        self.site = nn.Embedding(len(sites.index), slot)
        self.site_symmetry = nn.Embedding(sites.site_symmetries, slot)
        self.orbit_count = nn.Embedding(21, slot)
        self.group = nn.Embedding(231, width)
        self.size = nn.Embedding(config.max_atoms + 1, width)
        self.functional = nn.Embedding(len(FUNCTIONALS), width)
        for embedding in (self.site, self.site_symmetry, self.orbit_count, self.group, self.size):
            nn.init.normal_(embedding.weight, std=0.1)
        nn.init.normal_(self.element.weight, std=0.3)
        nn.init.zeros_(self.functional.weight)
        self.read_slot = nn.Sequential(nn.GELU(), nn.Linear(slot, slot), nn.GELU())
        self.read_slots = nn.Linear(MAX_ELEMENTS * slot, width)
        self.read_sum = nn.Linear(slot, width)
        related = TARGETS + LEVELS * LEVEL_FEATURES
        self.read_related = nn.Linear(related, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
            )
            for _ in range(config.layers)
        )
        self.read_features = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.features))
        self.log_constant = nn.Parameter(torch.zeros(TARGETS))
        self.log_slope = nn.Parameter(torch.zeros(TARGETS))
        self.log_noise = nn.Parameter(torch.full((TARGETS,), -3.0))
        self.norm = nn.LayerNorm(width)
        self.read_out = nn.Sequential(
            nn.Linear(width + related + 3 * TARGETS + 2, width), nn.GELU(), nn.Linear(width, 2 * TARGETS)
        )
        last = self.read_out[2]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0] * TARGETS + [-3.0] * TARGETS))
        self._register_types()

    def _register_types(self) -> None:
        """What is known of each type after ``LatticeTask.fit``; the last row stands for types never seen."""
        known, features = len(self.types) + 1, self.config.features
        self.register_buffer("atom_volume", torch.full((104,), 2.8))  # log(16 Å³), typical of an atom
        self.register_buffer("type_count", torch.zeros(known))
        for name in ("type_mean", "type_spread", "type_error"):
            self.register_buffer(name, torch.zeros(known, TARGETS))
        self.register_buffer("type_features", torch.zeros(known, features))
        free = np.zeros((known, TARGETS), dtype=np.int64)
        for row, kind in enumerate(self.types):
            free[row] = FREE_MASKS[crystal_system(kind.space_group)]
        # One row of weights for each free target of each type, row 0 for the fixed ones.
        self.weight_rows = torch.as_tensor(np.cumsum(free).reshape(free.shape) * free)
        self.register_buffer("type_weights", torch.zeros(int(free.sum()) + 1, 1 + features))
        self._statistics: ClassStatistics | None = None

    def related(self, kinds: Sequence[StructureType]) -> tuple[Tensor, Tensor]:
        """Expected targets and statistics of related types, see ``ClassStatistics.of``."""
        if self._statistics is None:
            counts, means, spreads = (
                buffer[:-1].double().numpy() for buffer in (self.type_count, self.type_mean, self.type_spread)
            )
            self._statistics = ClassStatistics(self.types, counts, means, spreads)
        expected, features = self._statistics.of(kinds)
        return torch.as_tensor(expected), torch.as_tensor(features)

    def encode(self, query: LatticeQuery) -> tuple[Tensor, Tensor]:
        """Summary vectors (batch, width) and features of the regressions (batch, features)."""
        numbers, slots = query.numbers, query.numbers.shape[1]
        vectors = self.site.weight + self.site_symmetry(self.site_kind)
        sites = nn.functional.embedding_bag(query.table.sites, vectors, query.table.slot_offsets, mode="mean")
        fraction = query.counts / query.counts.sum(1, keepdim=True).clamp(min=1)
        volume = self.atom_volume[numbers][..., None] - 2.8
        elements = (
            self.read_property(torch.cat([self.properties[numbers], 3 * volume], -1))
            + self.read_element(self.element(numbers))
            + self.read_fraction(torch.stack([fraction, fraction.sqrt()], -1))
            + sites.view(len(numbers), MAX_ELEMENTS, -1)[:, :slots]
            + self.orbit_count(query.table.orbits[:, :slots].clamp(max=20))
        )
        elements = self.read_slot(elements) * (numbers > 0)[..., None]
        weight = self.read_slots.weight[:, : slots * elements.shape[2]]
        summary: Tensor = (
            nn.functional.linear(elements.flatten(1), weight, self.read_slots.bias)
            + self.read_sum(elements.sum(1))
            + self.group(query.table.space_group)
            + self.size(query.table.atoms.clamp(max=self.config.max_atoms))
            + self.functional(query.functionals)
            + self.read_related(torch.cat(query.related, -1))
        )
        for block in self.blocks:
            summary = summary + block(summary)
        return summary, self.read_features(summary) / math.sqrt(self.config.features)

    def prior(self) -> PriorVariances:
        """Variances of the regressions."""
        noise = self.log_noise.clamp(min=-7).exp()
        return PriorVariances(self.log_constant.exp(), self.log_slope.exp(), noise)

    def evidence(self, features: Tensor, types: Tensor) -> TypeEvidence:
        """What the crystals of known types say, from fitted weights; types (batch,) are rows of ``types``."""
        weights = self.type_weights[self.weight_rows[types]]  # (batch, 6, 1 + features)
        count = self.type_count[types]
        distance = ((features - self.type_features[types]) ** 2).sum(-1) * (count > 0)
        return TypeEvidence(
            weights[..., 0] + (weights[..., 1:] @ features[..., None])[..., 0],
            count,
            self.type_spread[types],
            self.type_error[types],
            distance,
        )

    def read(self, summary: Tensor, query: LatticeQuery, evidence: TypeEvidence) -> tuple[Tensor, Tensor]:
        """Centre and log scale of each target less the atomic volumes, shape (batch, 6) each."""
        shift = evidence.shift * query.free
        expected = query.related[0] * query.free
        inputs = [
            self.norm(summary),
            shift,
            10 * evidence.spread,
            10 * evidence.error,
            torch.log1p(evidence.count.clamp(max=MEMBERS_THAT_COUNT))[:, None],
            evidence.distance[:, None],
            *query.related,
        ]
        correction, log_scale = self.read_out(torch.cat(inputs, -1)).chunk(2, -1)
        return expected + shift + correction, log_scale.clamp(*LOG_SCALES)

    def composition_volumes(self, numbers: Tensor, counts: Tensor) -> Tensor:
        """Mean log volume of the atoms, shape (batch,)."""
        fraction = counts / counts.sum(1, keepdim=True).clamp(min=1)
        return (fraction * self.atom_volume[numbers]).sum(1)

    def forward(self, query: LatticeQuery, types: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and log scale of each target, shape (batch, 6) each.

        Args:
            query: What to predict.
            types: Row of each structure type, the number of types where it was never seen, shape (batch,).
        """
        summary, features = self.encode(query)
        centre, log_scale = self.read(summary, query, self.evidence(features, types))
        volume = self.composition_volumes(query.numbers, query.counts)
        return torch.cat([centre[:, :1] + volume[:, None], centre[:, 1:]], 1), log_scale


def free_targets(kinds: Sequence[StructureType]) -> Tensor:
    """1 where the crystal system of a type leaves a target free, shape (kinds, 6)."""
    free = np.zeros((len(kinds), TARGETS), dtype=np.float32)
    for row, kind in enumerate(kinds):
        free[row] = FREE_MASKS[crystal_system(kind.space_group)]
    return torch.as_tensor(free)


def lattice_targets(lattices: FloatArray, volumes: FloatArray) -> Float32Array:
    """Targets of conventional cells, shape (n, 6), from a, b, c (Å), angles (°) and volume per atom (Å³)."""
    lengths, cosines = lattices[:, :3], np.cos(np.radians(lattices[:, 3:]))
    ratios = np.log(lengths[:, 1:] / lengths[:, :1])
    return np.concatenate([np.log(volumes)[:, None], ratios, cosines], 1).astype(np.float32)


def cell_from_targets(system: str, targets: FloatArray, atoms: int) -> LatticeParameters:
    """Conventional cell of a crystal system from targets (6,) and the number of atoms it holds."""
    shape = constrained_shape(system, targets + np.array([np.log(atoms), 0, 0, 0, 0, 0]))
    return lattice_parameters(shape_to_cell(shape))

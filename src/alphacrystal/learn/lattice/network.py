"""The lattice network: conventional cell with its uncertainty for a composition and structure type."""

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
    crystal_system,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.learn.lattice.regression import PriorVariances, TypeEvidence
from alphacrystal.learn.lattice.statistics import LEVEL_FEATURES, LEVELS, ClassStatistics
from alphacrystal.learn.model_inputs import TypeTable, site_table
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.typing import Float32Array, FloatArray

TARGETS = len(SHAPE)
# True for the targets that each crystal system leaves free
FREE_MASKS = {system: np.isin(np.arange(TARGETS), free) for system, free in FREE_SHAPE.items()}
MAX_COUNTED_MEMBERS = 64  # larger numbers of crystals of a type are clipped
TYPICAL_LOG_VOLUME = 2.8  # log(16 Å³), typical of an atom
LOG_SCALES = (-7.0, -0.7)  # limits of the Laplace scales: 0.1 to 50 % of a length or volume


@dataclass(frozen=True, slots=True)
class LatticeNetConfig:
    """Sizes of the lattice network."""

    width: int = 160
    slot_width: int = 64
    element_width: int = 24
    layers: int = 2
    features: int = 48
    max_atoms: int = 80


@dataclass(frozen=True, slots=True, eq=False)
class LatticeQuery:
    """Input of the lattice network: compositions and their structure types.

    Attributes:
        numbers, counts: Atomic numbers and reduced counts, shape (batch, slots).
        table: One structure type per sample.
        functionals: Index into FUNCTIONALS, shape (batch,).
        related: Expected targets from related types and their statistics, see ``ClassStatistics.of``,
            shape (batch, 6) and (batch, LEVELS * LEVEL_FEATURES).
        free: 1 for targets that the crystal system leaves free, 0 for others, shape (batch, 6).
    """

    numbers: Tensor
    counts: Tensor
    table: TypeTable
    functionals: Tensor
    related: tuple[Tensor, Tensor]
    free: Tensor


class LatticeNet(nn.Module):
    """Centre and Laplace scale of the lattice targets: SHAPE with the volume per atom in place of the volume.

    The centre is a sum of three terms: the mean over related structure types, a regression of the crystals of
    the type on learned features of the composition, and a correction by the network. Log volumes are relative
    to the mean atomic log volume of the composition.
    """

    site_symmetry_index: Tensor
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
        self.rows = {structure_type: row for row, structure_type in enumerate(self.types)}
        width, slot = config.width, config.slot_width
        properties = element_features()[1:]
        scaled = np.nan_to_num((properties - np.nanmean(properties, 0)) / np.nanstd(properties, 0))
        scaled = np.concatenate([np.zeros_like(scaled[:1]), scaled])
        self.register_buffer("properties", torch.as_tensor(scaled, dtype=torch.float32), persistent=False)
        sites = site_table()
        self.register_buffer("site_symmetry_index", torch.as_tensor(sites.site_symmetry), persistent=False)
        self.element = nn.Embedding(104, config.element_width)
        self.read_element = nn.Linear(config.element_width, slot, bias=False)
        self.read_property = nn.Linear(scaled.shape[1] + 1, slot)  # properties and the atomic volume
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
        """Statistics of each type, set by ``LatticeTask.fit``; the last row is for unseen types."""
        rows, features = len(self.types) + 1, self.config.features
        self.register_buffer("atom_volume", torch.full((104,), TYPICAL_LOG_VOLUME))
        self.register_buffer("type_count", torch.zeros(rows))
        for name in ("type_mean", "type_spread", "type_error"):
            self.register_buffer(name, torch.zeros(rows, TARGETS))
        self.register_buffer("type_features", torch.zeros(rows, features))
        free = np.zeros((rows, TARGETS), dtype=np.int64)
        for row, structure_type in enumerate(self.types):
            free[row] = FREE_MASKS[crystal_system(structure_type.space_group)]
        # One row of weights per free target of each type; row 0 serves all fixed targets.
        self.weight_rows = torch.as_tensor(np.cumsum(free).reshape(free.shape) * free)
        self.register_buffer("type_weights", torch.zeros(int(free.sum()) + 1, 1 + features))
        self._statistics: ClassStatistics | None = None

    def related(self, structure_types: Sequence[StructureType]) -> tuple[Tensor, Tensor]:
        """Expected targets and statistics of related types, see ``ClassStatistics.of``."""
        if self._statistics is None:
            counts, means, spreads = (
                buffer[:-1].double().numpy() for buffer in (self.type_count, self.type_mean, self.type_spread)
            )
            self._statistics = ClassStatistics(self.types, counts, means, spreads)
        expected, features = self._statistics.of(structure_types)
        return torch.as_tensor(expected), torch.as_tensor(features)

    def encode(self, query: LatticeQuery) -> tuple[Tensor, Tensor]:
        """Summary vectors (batch, width) and features of the regressions (batch, features)."""
        numbers, slots = query.numbers, query.numbers.shape[1]
        vectors = self.site.weight + self.site_symmetry(self.site_symmetry_index)
        sites = nn.functional.embedding_bag(query.table.sites, vectors, query.table.slot_offsets, mode="mean")
        fraction = query.counts / query.counts.sum(1, keepdim=True).clamp(min=1)
        volume = self.atom_volume[numbers][..., None] - TYPICAL_LOG_VOLUME
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
        """Evidence from the crystals of each type by the fitted weights; ``types``: rows, shape (batch,)."""
        weights = self.type_weights[self.weight_rows[types]].float()  # (batch, 6, 1 + features)
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
        """Centre and log scale of each target relative to the atomic volumes, shape (batch, 6) each."""
        shift = evidence.shift * query.free
        expected = query.related[0] * query.free
        inputs = [
            self.norm(summary),
            shift,
            10 * evidence.spread,
            10 * evidence.error,
            torch.log1p(evidence.count.clamp(max=MAX_COUNTED_MEMBERS))[:, None],
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
            query: Compositions and structure types.
            types: Row of each structure type; the number of types for unseen ones, shape (batch,).
        """
        summary, features = self.encode(query)
        centre, log_scale = self.read(summary, query, self.evidence(features, types))
        volume = self.composition_volumes(query.numbers, query.counts)
        return torch.cat([centre[:, :1] + volume[:, None], centre[:, 1:]], 1), log_scale


def free_targets(structure_types: Sequence[StructureType]) -> Tensor:
    """1 for targets that the crystal system of each type leaves free, 0 for others, shape (types, 6)."""
    free = np.zeros((len(structure_types), TARGETS), dtype=np.float32)
    for row, structure_type in enumerate(structure_types):
        free[row] = FREE_MASKS[crystal_system(structure_type.space_group)]
    return torch.as_tensor(free)


def lattice_targets(lattices: FloatArray, volumes: FloatArray) -> Float32Array:
    """Lattice targets of conventional cells, shape (n, 6).

    Args:
        lattices: a, b, c in Å and angles in degrees, shape (n, 6).
        volumes: Volume per atom in Å³, shape (n,).
    """
    lengths, cosines = lattices[:, :3], np.cos(np.radians(lattices[:, 3:]))
    ratios = np.log(lengths[:, 1:] / lengths[:, :1])
    return np.concatenate([np.log(volumes)[:, None], ratios, cosines], 1).astype(np.float32)

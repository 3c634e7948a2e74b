"""Agreement of interatomic distances with a distogram, up to permutations of interchangeable atoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from ase.data import covalent_radii
from torch import Tensor

from alphacrystal.crystal import CONTACT_FACTOR, Distogram, OrbitDistogram
from alphacrystal.typing import Float32Array, FloatArray

FitnessName = Literal["likelihood", "rmse", "paper", "contacts"]

PAPER_MAX_DISTANCE = 23.3361  # Å
PAPER_CLASSES = 20
GRID_STEP = 0.05  # Å
GRID_END = 18.0  # Å
SMOOTHING = 0.08  # Å; standard deviation of the blur that makes the histogram differentiable
BLOCK_OFFSET = 100.0  # Å; above all compared distances
FLOOR = 1e-4  # minimum probability density in 1/Å
CLASH_FACTOR = 0.6  # of the sum of covalent radii (Cordero 2008, doi:10.1039/b801115j): closer atoms clash
CLASH_WEIGHT = 30.0  # per Å², against a likelihood of order one per pair
LATTICE_WEIGHT = 1.0
CONTACT_BLUR = 0.1  # Å; width of the sigmoid that makes contacts differentiable


@dataclass(frozen=True, slots=True, eq=False)
class FitnessBatch:
    """Distograms of equal cell content as tensors.

    Attributes:
        rows, columns: Atoms of each pair, shape (pairs,).
        blocks: Block of each pair, shape (hypotheses, pairs). The pairs of a block connect the same two
            classes of interchangeable atoms, so only their sorted distances are compared.
        curves: Negative log density on the distance grid of the pairs in order of block and expected
            distance, shape (hypotheses, pairs, grid).
        targets: Expected distances in the same order, shape (hypotheses, pairs).
        shortest: Distance in Å below which a pair clashes, shape (pairs,).
        fitness: "likelihood"; "rmse" to the expected distances; "paper", RMSE to the centre of the most
            probable of the paper's 20 classes; or "contacts", 1 - F1 of the contact map as in AlphaCrystal-I.
        multiplicities: Atom pairs that each pair represents, shape (pairs,); None for one each. The pairs of
            a block have equal ones.
    """

    rows: Tensor
    columns: Tensor
    blocks: Tensor
    curves: Tensor
    targets: Tensor
    shortest: Tensor
    fitness: FitnessName
    multiplicities: Tensor | None = None

    @classmethod
    def of(
        cls, distograms: Sequence[Distogram | OrbitDistogram], fitness: FitnessName = "likelihood"
    ) -> FitnessBatch:
        """Prepare distograms with equal atomic numbers, or one distogram of orbits."""
        if isinstance(distograms[0], OrbitDistogram):
            return cls._of_orbits(distograms[0], fitness)
        return cls._of_atoms([item for item in distograms if isinstance(item, Distogram)], fitness)

    @classmethod
    def _of_atoms(cls, distograms: Sequence[Distogram], fitness: FitnessName) -> FitnessBatch:
        numbers = distograms[0].numbers
        rows, columns = np.triu_indices(len(numbers), 1)
        curves, targets, blocks = [], [], []
        for distogram in distograms:
            classes = numbers if distogram.classes is None else distogram.classes
            pairs = np.sort(np.stack([classes[rows], classes[columns]]), axis=0)
            block = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
            matrix = paper_distances(distogram) if fitness == "paper" else distogram.expected
            expected = matrix[rows, columns]
            rank = np.lexsort((expected, block))
            probabilities = distogram.probabilities[rows[rank], columns[rank]]
            curves.append(_negative_log_density(probabilities, distogram.bin_edges))
            targets.append(expected[rank])
            blocks.append(block)
        shortest = CLASH_FACTOR * (covalent_radii[numbers[rows]] + covalent_radii[numbers[columns]])
        return cls(
            rows=torch.as_tensor(rows),
            columns=torch.as_tensor(columns),
            blocks=torch.as_tensor(np.stack(blocks)),
            curves=torch.stack(curves),
            targets=torch.as_tensor(np.stack(targets), dtype=torch.float32),
            shortest=torch.as_tensor(shortest, dtype=torch.float32),
            fitness=fitness,
        )

    @classmethod
    def _of_orbits(cls, distogram: OrbitDistogram, fitness: FitnessName) -> FitnessBatch:
        numbers, pairs = distogram.numbers, distogram.pairs
        block = np.unique(distogram.pair_classes, return_inverse=True)[1].reshape(-1)
        if fitness == "paper":
            expected = _paper_centres(distogram.probabilities, distogram.bin_centres)
        else:
            expected = distogram.expected
        rank = np.lexsort((expected, block))
        shortest = CLASH_FACTOR * (
            covalent_radii[numbers[pairs.firsts]] + covalent_radii[numbers[pairs.seconds]]
        )
        curves = _negative_log_density(distogram.probabilities[rank], distogram.bin_edges)
        return cls(
            rows=torch.as_tensor(pairs.firsts),
            columns=torch.as_tensor(pairs.seconds),
            blocks=torch.as_tensor(block)[None],
            curves=curves[None],
            targets=torch.as_tensor(expected[rank], dtype=torch.float32)[None],
            shortest=torch.as_tensor(shortest, dtype=torch.float32),
            fitness=fitness,
            multiplicities=torch.as_tensor(pairs.multiplicities, dtype=torch.float32),
        )

    @property
    def pairs(self) -> float:
        """Atom pairs of the cell, at least 1."""
        number = len(self.rows) if self.multiplicities is None else float(self.multiplicities.sum())
        return max(number, 1)

    def _mean(self, ranked: Tensor) -> Tensor:
        """Mean over the atom pairs of values in the order of the blocks, (..., pairs) -> (...)."""
        if self.multiplicities is None:
            return ranked.mean(-1)
        weights = self.multiplicities[self.blocks[0].argsort(stable=True)] / self.pairs
        return ranked @ weights

    def select(self, rows: Tensor) -> FitnessBatch:
        """The hypotheses in these rows."""
        return FitnessBatch(
            self.rows,
            self.columns,
            self.blocks[rows],
            self.curves[rows],
            self.targets[rows],
            self.shortest,
            self.fitness,
            self.multiplicities,
        )

    def geometry(self, distances: Tensor) -> Tensor:
        """Mean disagreement per pair, from distances in Å; (hypotheses, members, pairs) -> first two axes."""
        if not len(self.rows):
            return distances.new_zeros(distances.shape[:2])
        # One sort handles all blocks. The keys lose digits, so they only determine the order.
        key = distances.detach().clamp(max=0.99 * BLOCK_OFFSET) + BLOCK_OFFSET * self.blocks[:, None]
        ranked = distances.gather(-1, key.argsort(-1))
        if self.fitness == "contacts":
            return self._contact_error(ranked)
        if self.fitness != "likelihood":
            return self._mean((ranked - self.targets[:, None]).square()).sqrt()
        position = (ranked / GRID_STEP).clamp(0, self.curves.shape[-1] - 1.001)
        low = position.detach().floor()
        hypotheses, pairs, grid = self.curves.shape
        # flat indices: faster than a gather over three axes
        start = torch.arange(pairs) * grid
        index = (low.long() + start).view(hypotheses, -1)
        curves = self.curves.view(hypotheses, -1)
        left, right = (curves.gather(1, index + step).view(ranked.shape) for step in (0, 1))
        return self._mean(left + (right - left) * (position - low))

    def _contact_error(self, ranked: Tensor) -> Tensor:
        """1 - F1 of the numbers of contacts per block; contacts of one block are interchangeable."""
        blocks = self.blocks.sort(-1).values[:, None]  # in the order of the ranked pairs
        by_block = self.shortest.expand(self.blocks.shape).gather(-1, self.blocks.argsort(stable=True))
        limits = by_block[:, None] * (CONTACT_FACTOR / CLASH_FACTOR)
        contacts = torch.sigmoid((limits - ranked) / CONTACT_BLUR)
        expected = torch.sigmoid((limits - self.targets[:, None]) / CONTACT_BLUR)
        number = int(self.blocks.max()) + 1

        def per_block(values: Tensor) -> Tensor:
            shape = (*values.shape[:2], number)
            return values.new_zeros(shape).scatter_add(-1, blocks.expand(values.shape), values)

        if self.multiplicities is not None:
            weights = self.multiplicities[self.blocks[0].argsort(stable=True)]
            contacts, expected = contacts * weights, expected * weights
        actual, target = per_block(contacts), per_block(expected)
        common = torch.minimum(actual, target).sum(-1)
        return 1 - 2 * common / (actual.sum(-1) + target.sum(-1)).clamp(min=1e-6)

    def clash(self, distances: Tensor) -> Tensor:
        """Penalty of pairs below the shortest allowed distance, shape (hypotheses, members)."""
        if not len(self.rows):
            return distances.new_zeros(distances.shape[:2])
        squares = (self.shortest - distances).clamp(min=0).square()
        if self.multiplicities is not None:
            squares = squares * self.multiplicities
        return CLASH_WEIGHT * squares.sum(-1)


def paper_distances(distogram: Distogram) -> FloatArray:
    """Distances in Å as AlphaCrystal-II decodes them, shape (atoms, atoms), zero on the diagonal.

    The range 0 to 23.3361 Å (the longest distance in the paper's data) is cut into 20 equal classes; each
    pair takes the centre of its most probable one ("Distance discretization" of the paper, equation 5).
    """
    distances = _paper_centres(distogram.probabilities, distogram.bin_centres)
    np.fill_diagonal(distances, 0.0)
    return distances


def _paper_centres(probabilities: Float32Array, bin_centres: FloatArray) -> FloatArray:
    """Centre of the most probable of the paper's classes in Å, (..., bins) -> (...)."""
    width = PAPER_MAX_DISTANCE / PAPER_CLASSES
    classes = np.minimum((bin_centres / width).astype(int), PAPER_CLASSES - 1)
    totals = probabilities @ np.eye(PAPER_CLASSES)[classes]  # (..., classes)
    return np.asarray((totals.argmax(-1) + 0.5) * width)


def _negative_log_density(probabilities: Float32Array, edges: FloatArray) -> Tensor:
    """Blurred negative log density on the grid, (pairs, bins) -> (pairs, grid).

    Computed in torch: NumPy would use several threads inside each thread of the search.
    """
    shares = _bin_shares(edges.tobytes())
    return -(torch.as_tensor(probabilities, dtype=torch.float32) @ shares + FLOOR).log()


@lru_cache(maxsize=16)
def _bin_shares(edges: bytes) -> Tensor:
    """Density in 1/Å at every grid point for unit probability in every bin, shape (bins, grid)."""
    from scipy.special import erf

    inner = np.frombuffer(edges, dtype=np.float64)
    grid = np.arange(0, GRID_END + GRID_STEP / 2, GRID_STEP)
    bounds = np.concatenate([[max(inner[0] - 0.3, 0.0)], inner, [GRID_END + 2]])
    # Overlap of every bin with a Gaussian around every grid point: exact for unequal bins.
    cumulative = 0.5 * (1 + erf((bounds[None] - grid[:, None]) / (SMOOTHING * np.sqrt(2))))
    overlap = np.diff(cumulative, axis=1)  # (grid, bins)
    return torch.as_tensor(np.ascontiguousarray((overlap / np.diff(bounds)).T), dtype=torch.float32)


def lattice_penalty(deviations: Tensor, active: Tensor) -> Tensor:
    """Penalty of the lattice: sum of absolute deviations in units of the spread, (..., 6) -> (...)."""
    return LATTICE_WEIGHT * (deviations.abs() * active).sum(-1)

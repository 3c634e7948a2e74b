"""Batches of partially assembled crystals, and the least-squares fit of their placed atoms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alphacrystal.crystal import shape_to_cell
from alphacrystal.reconstruct._periodic import Periodic
from alphacrystal.typing import BoolArray, FloatArray, IndexArray, IntArray

STRAIN_STEP = 1e-3  # of a lattice deviation, for numerical derivatives of the metric
DAMPING = 1e-2  # first Levenberg-Marquardt damping, relative to the curvature
RIDGE = 1e-7  # Å² per coordinate²; fixes coordinates that no distance depends on


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The input of the rebuilding of a crystal.

    Attributes:
        distances: Matrix to reach in Å, shape (atoms, atoms).
        weights: Of the squared residuals, shape (atoms, atoms).
        periodic: The cell at its given shape.
        basis: Maps conventional to reduced primitive rows, shape (3, 3).
        shape, shape_scale: Shape of the conventional cell and its spread (0: given exactly), shape (6,).
        prior: Weight of a squared lattice deviation (in units of its spread), in Å².
    """

    distances: FloatArray
    weights: FloatArray
    periodic: Periodic
    basis: FloatArray
    shape: FloatArray
    shape_scale: FloatArray
    prior: float

    @property
    def strained(self) -> IndexArray:
        """Entries of the shape with uncertainty, which the fit may change."""
        return np.flatnonzero(self.shape_scale > 0)

    def lattice(self, strain: FloatArray) -> FloatArray:
        """Reduced primitive rows in Å at deviations (..., 6) in units of the spread."""
        return np.asarray(self.basis @ shape_to_cell(self.shape + self.shape_scale * strain))


@dataclass(frozen=True, slots=True, eq=False)
class PartialCrystals:
    """A batch of partially assembled crystals; atoms have the numbers of the target matrix.

    Attributes:
        linear, constant: Positions are ``linear @ parameters + constant`` in the reduced basis, shapes
            (batch, atoms, 3, parameters) and (batch, atoms, 3); zero for unplaced atoms.
        parameters: Free coordinates, padded, shape (batch, parameters).
        free: Free coordinates in use, shape (batch,).
        strain: Lattice deviations in units of their spread, shape (batch, 6).
        placed: True for placed atoms, shape (batch, atoms).
        letters: Index of the Wyckoff position of each atom, -1 for unplaced atoms, shape (batch, atoms).
        orbits: Index of the orbit of each atom, shape (batch, atoms).
        cost: Weighted sum of squared residuals of the placed pairs, in Å², shape (batch,).
    """

    linear: FloatArray
    constant: FloatArray
    parameters: FloatArray
    free: IntArray
    strain: FloatArray
    placed: BoolArray
    letters: IntArray
    orbits: IntArray
    cost: FloatArray

    @classmethod
    def empty(cls, atoms: int) -> PartialCrystals:
        """One crystal without atoms."""
        return cls(
            linear=np.zeros((1, atoms, 3, 0)),
            constant=np.zeros((1, atoms, 3)),
            parameters=np.zeros((1, 0)),
            free=np.zeros(1, dtype=np.int64),
            strain=np.zeros((1, 6)),
            placed=np.zeros((1, atoms), dtype=bool),
            letters=np.full((1, atoms), -1),
            orbits=np.full((1, atoms), -1),
            cost=np.zeros(1),
        )

    def __len__(self) -> int:
        return len(self.cost)

    @property
    def positions(self) -> FloatArray:
        """Fractional coordinates in the reduced basis, shape (batch, atoms, 3)."""
        moved = self.linear @ self.parameters[:, None, :, None]
        return np.asarray(moved[..., 0] + self.constant)

    def select(self, rows: IndexArray) -> PartialCrystals:
        """The crystals in these rows."""
        return PartialCrystals(
            self.linear[rows],
            self.constant[rows],
            self.parameters[rows],
            self.free[rows],
            self.strain[rows],
            self.placed[rows],
            self.letters[rows],
            self.orbits[rows],
            self.cost[rows],
        )

    def padded(self, parameters: int) -> PartialCrystals:
        """The batch padded to this number of free coordinates."""
        more = parameters - self.parameters.shape[1]
        if more <= 0:
            return self
        return replace(
            self,
            linear=np.pad(self.linear, ((0, 0), (0, 0), (0, 0), (0, more))),
            parameters=np.pad(self.parameters, ((0, 0), (0, more))),
        )

    @classmethod
    def join(cls, parts: list[PartialCrystals]) -> PartialCrystals:
        """One batch of all crystals of several batches."""
        if len(parts) == 1:
            return parts[0]
        size = max(part.parameters.shape[1] for part in parts)
        parts = [part.padded(size) for part in parts]
        return PartialCrystals(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Residuals of the placed pairs and the input of their derivatives."""

    residuals: FloatArray  # (batch, pairs), weighted
    vectors: FloatArray  # (batch, pairs, 3), fractional
    lengths: FloatArray  # (batch, pairs)
    cost: FloatArray  # (batch,)


def refine(partials: PartialCrystals, target: Target, steps: int, *, strain: bool = False) -> PartialCrystals:
    """Levenberg-Marquardt on all free coordinates (and the cell, if ``strain``) of each crystal at once.

    Every step updates the nearest images. Crystals whose cost has converged leave the batch.
    """
    result = partials
    active = np.arange(len(partials))
    damping = np.full(len(partials), DAMPING)
    cost = measure(partials, target)
    result = replace(partials, cost=cost)
    for _ in range(steps):
        part = result.select(active)
        moved = _step(part, target, damping[active], strain=strain)
        better = moved.cost < part.cost
        gain = part.cost - moved.cost
        rows = active[better]
        result.parameters[rows] = moved.parameters[better]
        result.strain[rows] = moved.strain[better]
        result.cost[rows] = moved.cost[better]
        damping[active] = np.where(better, damping[active] * 0.2, damping[active] * 8)
        converged = (better & (gain < 1e-3 * part.cost + 1e-9)) | (damping[active] > 1e6)
        active = active[~converged]
        if not len(active):
            break
    return result


def measure(partials: PartialCrystals, target: Target) -> FloatArray:
    """Cost of each crystal at its parameters, shape (batch,)."""
    rows, columns = _pairs(partials)
    if not len(rows):
        return np.asarray(target.prior * np.square(partials.strain).sum(-1))
    return _fit(partials, target, rows, columns, _metrics(partials, target)).cost


def distance_matrices(partials: PartialCrystals, target: Target) -> FloatArray:
    """Minimum-image distances in Å of all atoms, shape (batch, atoms, atoms)."""
    atoms = partials.placed.shape[1]
    rows, columns = np.triu_indices(atoms, 1)
    lengths = _fit(partials, target, rows, columns, _metrics(partials, target)).lengths
    full = np.zeros((len(partials), atoms, atoms))
    full[:, rows, columns] = full[:, columns, rows] = lengths
    return full


def _pairs(partials: PartialCrystals) -> tuple[IndexArray, IndexArray]:
    """Pairs of atoms that are placed in some crystal of the batch."""
    rows, columns = np.triu_indices(partials.placed.shape[1], 1)
    used = np.asarray(partials.placed.any(axis=0))
    both = used[rows] & used[columns]
    return rows[both], columns[both]


def _metrics(partials: PartialCrystals, target: Target) -> FloatArray:
    """Metric of each crystal's cell in Å², shape (batch or 1, 3, 3)."""
    if not len(target.strained):
        return target.periodic.metric[None]
    lattices = target.lattice(partials.strain)
    return np.asarray(lattices @ lattices.transpose(0, 2, 1))


def _fit(
    partials: PartialCrystals,
    target: Target,
    rows: IndexArray,
    columns: IndexArray,
    metrics: FloatArray,
) -> _Fit:
    positions = partials.positions
    difference = positions[:, rows] - positions[:, columns]
    if len(target.strained):
        vectors, lengths = nearest(target.periodic, difference, metrics)
    else:
        vectors, lengths = target.periodic.nearest(difference)
    weights = np.sqrt(target.weights[rows, columns]) * (
        partials.placed[:, rows] & partials.placed[:, columns]
    )
    residuals = weights * (lengths - target.distances[rows, columns])
    cost = np.square(residuals).sum(-1) + target.prior * np.square(partials.strain).sum(-1)
    return _Fit(residuals, vectors, lengths, cost)


def nearest(periodic: Periodic, difference: FloatArray, metrics: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nearest images under a metric for each crystal: vectors (batch, pairs, 3), lengths (batch, pairs)."""
    vectors = difference - np.rint(difference)
    mapped = vectors @ metrics
    square = np.einsum("bpa,bpa->bp", mapped, vectors)
    if len(periodic.images) > 1:
        images = periodic.images
        offsets = np.einsum("ia,bac,ic->bi", images, metrics, images)
        shifted = 2 * mapped @ images.T + offsets[:, None]
        best = shifted.argmin(-1)
        square = square + np.take_along_axis(shifted, best[..., None], -1)[..., 0]
        vectors = vectors + images[best]
    return vectors, np.sqrt(np.maximum(square, 1e-12))


def _step(partials: PartialCrystals, target: Target, damping: FloatArray, *, strain: bool) -> PartialCrystals:
    """One damped Gauss-Newton step of each crystal, with its new cost."""
    rows, columns = _pairs(partials)
    metrics = _metrics(partials, target)
    fit = _fit(partials, target, rows, columns, metrics)
    weights = np.sqrt(target.weights[rows, columns]) * (
        partials.placed[:, rows] & partials.placed[:, columns]
    )
    scale = weights / fit.lengths  # (batch, pairs)
    slope = (fit.vectors @ metrics) * scale[..., None]  # (batch, pairs, 3)
    jacobian = _contract(slope, partials.linear, rows, columns)  # (batch, pairs, free)
    moving = target.strained if strain else target.strained[:0]
    if len(moving):
        changes = []
        for entry in moving:
            strained = partials.strain.copy()
            strained[:, entry] += STRAIN_STEP
            lattices = target.lattice(strained)
            change = (lattices @ lattices.transpose(0, 2, 1) - metrics) / STRAIN_STEP
            changes.append(np.einsum("bpa,bpa->bp", fit.vectors @ change, fit.vectors) * scale / 2)
        jacobian = np.concatenate([jacobian, np.stack(changes, -1)], -1)
    transposed = jacobian.transpose(0, 2, 1)
    curvature = transposed @ jacobian
    gradient = (transposed @ fit.residuals[..., None])[..., 0]
    free = partials.parameters.shape[1]
    index = np.arange(curvature.shape[1])
    if len(moving):
        curvature[:, index[free:], index[free:]] += target.prior
        gradient[:, free:] += target.prior * partials.strain[:, moving]
    diagonal = curvature[:, index, index]
    curvature[:, index, index] += damping[:, None] * diagonal + RIDGE
    shift = -np.linalg.solve(curvature, gradient[..., None])[..., 0]
    moved = partials.strain.copy()
    moved[:, moving] += shift[:, free:]
    stepped = replace(partials, parameters=partials.parameters + shift[:, :free], strain=moved)
    after = _fit(stepped, target, rows, columns, _metrics(stepped, target))
    return replace(stepped, cost=after.cost)


def _contract(slope: FloatArray, linear: FloatArray, rows: IndexArray, columns: IndexArray) -> FloatArray:
    """Derivatives of the pair lengths by the free coordinates, shape (batch, pairs, free)."""
    difference = linear[:, rows] - linear[:, columns]  # (batch, pairs, 3, free)
    return np.asarray((slope[..., None, :] @ difference)[..., 0, :])

"""The best superposition of two crystals with any cells, origins, orientations and orders of atoms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from alphacrystal.crystal import NEIGHBOUR_IMAGES, minkowski_reduced
from alphacrystal.evaluation._cell_distances import AtomicCell
from alphacrystal.evaluation._correspondences import (
    FIRST_SHEAR,
    LARGEST_SHEAR,
    Correspondence,
    correspondences,
    sublattices,
)
from alphacrystal.evaluation._metrics import NotComparableError, NotComputedError
from alphacrystal.typing import FloatArray, IntArray

#: Periodic distances computed for one pair of crystals, about three million a second. A usual pair takes
#: up to ten million, and always the same number.
MAX_STEPS = 30_000_000

_LARGEST = 200  # atoms in the common cell
_MOST_PAIRS = 400  # of sublattices
_ROUNDS = 30
_BATCH = 4_000_000  # periodic vectors held at once
_TIE = 1e-6  # Å
_REST = 1e-9  # Å
_FAR = 1e9  # Å²; cost of pairing different elements


@dataclass(frozen=True, slots=True, eq=False)
class Superposition:
    """Two crystals laid on each other.

    Attributes:
        rms: Root mean square over ``distances``, Å.
        strain: Contribution of the difference of the lattices to each distance, Å: the root mean square
            displacement of the points of a ball with the volume of the common cell by the strain.
        shifts: Displacement of each atom of the common cell in the lattice half way between both, Å, shape
            (atoms, 3); its axes are those of ``target``'s lattice.
        distances: For each atom, from displacement and strain, Å, shape (atoms,).
        pairwise: The same for every atom of the target with every atom of its element in the prediction;
            infinite between different elements; shape (atoms, atoms).
        target, predicted: The common cell of both; atom i of one lies on atom i of the other.
        primitive_atoms: Atoms in the target's primitive cell.
    """

    rms: float
    strain: float
    shifts: FloatArray
    distances: FloatArray
    pairwise: FloatArray
    target: AtomicCell
    predicted: AtomicCell
    primitive_atoms: int


def best_superpositions(target: AtomicCell, predicted: AtomicCell) -> list[Superposition]:
    """The superposition with the least root mean square distance, and those equal to it.

    Looked at are all correspondences of the lattices with a shear near the least one, mirror images included,
    and for each all origins that lay two atoms of the rarest elements on each other, refined:
    atoms are paired within their element (least sum of squares) and the origin is moved to their mean, until
    nothing changes.

    Raises:
        NotComparableError: The reduced formulas differ, or the cells have no small common multiple.
        NotComputedError: The search takes more than `MAX_STEPS` steps.
    """
    one, other = _primitive(target), _primitive(predicted)
    _check_composition(one, other)
    search = _Search(len(one.numbers))
    cells = list(_common_cells(one, other))
    untried, shear = cells, FIRST_SHEAR
    while untried and not search.best and shear < 1.5 * LARGEST_SHEAR:
        untried = _try_shear(search, untried, shear)
        shear *= 1.5
    if search.best:
        # Strain alone is a lower bound of the distance: cells with more shear cannot be better.
        _try_shear(search, untried, search.largest_shear(one, other))
    if not search.best:
        raise NotComparableError("their lattices are too different to lay one on the other")
    return sorted(search.best, key=lambda item: item.rms)


def _try_shear(
    search: _Search, cells: list[tuple[AtomicCell, AtomicCell]], largest: float
) -> list[tuple[AtomicCell, AtomicCell]]:
    """Try the common cells whose least shear is at most ``largest``, the least strained first; the others."""
    ways, others = [], []
    for left, right in cells:
        matches = correspondences(left.lattice, right.lattice, largest)
        ways += [(left, right, match) for match in matches]
        if not matches:
            others.append((left, right))
    for left, right, match in sorted(ways, key=lambda way: way[2].strain):
        search.add(left, right, match)
    return others


def _primitive(cell: AtomicCell) -> AtomicCell:
    """Primitive cell with a reduced basis."""
    import moyopy

    given = moyopy.Cell(cell.lattice.tolist(), cell.positions.tolist(), cell.numbers.tolist())
    try:
        # Tight: it moves atoms by at most this much, and larger cells of one crystal are exact repeats.
        primitive = moyopy.MoyoDataset(given, symprec=1e-4).prim_std_cell
    except ValueError:  # two atoms at one place; the cell is used as it is
        primitive = given
    return _reduced(
        AtomicCell(
            np.array(primitive.basis),
            np.array(primitive.positions),
            np.array(primitive.numbers, dtype=np.int64),
        )
    )


def _reduced(cell: AtomicCell) -> AtomicCell:
    lattice, transformation = minkowski_reduced(cell.lattice)
    return AtomicCell(lattice, cell.positions @ np.linalg.inv(transformation), cell.numbers)


def _check_composition(one: AtomicCell, other: AtomicCell) -> None:
    size = math.lcm(len(one.numbers), len(other.numbers))
    a, b = (np.bincount(cell.numbers, minlength=120) * (size // len(cell.numbers)) for cell in (one, other))
    if (a != b).any():
        raise NotComparableError("their reduced formulas differ")


def _common_cells(one: AtomicCell, other: AtomicCell) -> Iterator[tuple[AtomicCell, AtomicCell]]:
    """Cells of both with the same number of atoms: all sublattices of the needed indices."""
    size = math.lcm(len(one.numbers), len(other.numbers))
    indices = size // len(one.numbers), size // len(other.numbers)
    bases = [list(sublattices(index)) if index <= 30 else [] for index in indices]
    if size > _LARGEST or not 0 < len(bases[0]) * len(bases[1]) <= _MOST_PAIRS:
        raise NotComparableError(
            f"their primitive cells of {len(one.numbers)} and {len(other.numbers)} atoms have no small "
            "common multiple"
        )
    for basis in bases[0]:
        left = _repeated(one, basis)
        for basis_of_other in bases[1]:
            yield left, _repeated(other, basis_of_other)


def _repeated(cell: AtomicCell, basis: IntArray) -> AtomicCell:
    index = round(abs(np.linalg.det(basis)))
    if index == 1:
        return cell
    steps = np.stack(np.meshgrid(*[np.arange(index)] * 3, indexing="ij"), -1).reshape(-1, 3)
    inside = np.unique(np.round((steps @ np.linalg.inv(basis)) % 1.0, 9) % 1.0, axis=0)
    positions = (cell.positions @ np.linalg.inv(basis))[:, None] + inside
    return _reduced(
        AtomicCell(basis @ cell.lattice, positions.reshape(-1, 3), np.repeat(cell.numbers, len(inside)))
    )


@dataclass(slots=True)
class _Search:
    """The best superpositions so far."""

    primitive_atoms: int
    best: list[Superposition] = field(default_factory=list)
    rms: float = math.inf
    steps: int = 0
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def largest_shear(self, one: AtomicCell, other: AtomicCell) -> float:
        """The shear (norm of the logarithmic strain) that alone gives the least distance so far."""
        size = math.lcm(len(one.numbers), len(other.numbers))
        # The cell half way between two is not smaller than the smaller of them.
        volume = min(abs(np.linalg.det(cell.lattice)) * size / len(cell.numbers) for cell in (one, other))
        return (self.rms + _TIE) / _strain_distance(volume)

    def add(self, target: AtomicCell, predicted: AtomicCell, match: Correspondence) -> None:
        """Try all origins of one correspondence."""
        strain = _strain_distance(abs(np.linalg.det(match.middle))) * match.strain
        if strain > self.rms + _TIE:
            return
        pairing = _Pairing(target, predicted, match)
        starts = pairing.starts()
        step = max(1, _BATCH // (27 * len(predicted.numbers) ** 2))
        for first in range(0, len(starts), step):
            for vectors, order in pairing.refined(starts[first : first + step]):
                self._offer(pairing, vectors, order, strain)
            self.steps += pairing.steps
            pairing.steps = 0
            if self.steps > MAX_STEPS:
                raise NotComputedError(f"the superposition takes more than {MAX_STEPS:,} distances")

    def _offer(self, pairing: _Pairing, vectors: FloatArray, order: IntArray, strain: float) -> None:
        rows = np.arange(len(order))
        shifts = vectors[rows, order]
        rms = float(np.sqrt((shifts**2).sum(1).mean() + strain**2))
        if rms > self.rms + _TIE:
            return
        # Symmetry operations of the prediction give the same displacements of the same target cell.
        key = (
            id(pairing.target),
            *((np.round(part, 5) + 0.0).tobytes() for part in (pairing.middle, shifts)),
        )
        if key in self._seen:
            return
        self._seen.add(key)
        pairwise = np.where(pairing.alike, np.sqrt((vectors**2).sum(-1) + strain**2), np.inf)[:, order]
        superposition = Superposition(
            rms=rms,
            strain=strain,
            shifts=shifts,
            distances=pairwise.diagonal(),
            pairwise=pairwise,
            target=pairing.target,
            predicted=AtomicCell(
                pairing.predicted.lattice,
                pairing.predicted.positions[order],
                pairing.predicted.numbers[order],
            ),
            primitive_atoms=self.primitive_atoms,
        )
        if rms < self.rms:
            self.rms = rms
            self.best = [item for item in self.best if item.rms <= rms + _TIE]
        self.best.append(superposition)


def _strain_distance(volume: float) -> float:
    """Root mean square of |strain · x| over a ball of this volume (Å³) per unit norm of the strain, Å."""
    return float((3 * volume / (4 * np.pi)) ** (1 / 3) / np.sqrt(5))


class _Pairing:
    """The atoms of two cells under one correspondence of their lattices."""

    def __init__(self, target: AtomicCell, predicted: AtomicCell, match: Correspondence) -> None:
        self.target, self.predicted, self.middle = target, predicted, match.middle
        self.alike = target.numbers[:, None] == predicted.numbers
        self.steps = 0  # distances computed
        lattice, transformation = minkowski_reduced(match.middle)
        into = np.linalg.inv(transformation)
        moved = predicted.positions @ np.linalg.inv(match.matrix) @ into
        self._differences = moved - (target.positions @ into)[:, None]  # (atoms, atoms, 3)
        self._lattice = lattice
        self._images = NEIGHBOUR_IMAGES @ lattice

    def starts(self) -> FloatArray:
        """Origins that lay two atoms of one of the rarest elements on each other, shape (k, 3)."""
        numbers, counts = np.unique(self.target.numbers, return_counts=True)
        rarest = numbers[counts == counts.min()]
        chosen = self.alike & np.isin(self.target.numbers, rarest)[:, None]
        return np.unique(np.round(-self._differences[chosen] % 1.0, 7) % 1.0, axis=0)

    def refined(self, starts: FloatArray) -> Iterator[tuple[FloatArray, IntArray]]:
        """From each start: shortest vectors between all atoms, shape (atoms, atoms, 3), and the partners."""
        shifts = starts.copy()  # (k, 3)
        back = np.linalg.inv(self._lattice)
        atoms = np.arange(len(self.alike))
        orders = np.full((len(shifts), len(atoms)), -1)
        moving = np.arange(len(shifts))
        for _ in range(_ROUNDS):
            self.steps += len(moving) * len(atoms) ** 2
            vectors = self._vectors(shifts[moving])  # (moving, atoms, atoms, 3)
            squares = np.where(self.alike, (vectors**2).sum(-1), _FAR)
            assignments = np.array([linear_sum_assignment(costs)[1] for costs in squares])
            means = vectors[np.arange(len(moving))[:, None], atoms, assignments].mean(1)
            rested = (assignments == orders[moving]).all(1) & (np.abs(means).max(1) < _REST)
            yield from zip(vectors[rested], assignments[rested], strict=True)
            orders[moving] = assignments
            shifts[moving] -= means @ back
            moving = moving[~rested]
            if not len(moving):
                return
        yield from zip(vectors[~rested], assignments[~rested], strict=True)

    def _vectors(self, shifts: FloatArray) -> FloatArray:
        differences = self._differences + shifts[:, None, None]
        differences -= np.round(differences)
        vectors = differences @ self._lattice
        # |v + image|² without the part that all images share, (k, atoms, atoms, 27)
        lengths = 2 * vectors @ self._images.T + (self._images**2).sum(1)
        return np.asarray(vectors + self._images[lengths.argmin(-1)])

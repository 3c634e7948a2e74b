"""Crystals for timed relaxations: random ones, and candidates of held-out formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import LatticeParameters
from alphacrystal.typing import CountProgress, FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.data import StructureRecord


#: Random crystals: cell content, volume in Å³/atom (rutile: 10.4), ratios of the edges, angles in degrees,
#: and smallest distances in Å.
RANDOM_CELL = {"Ti": 4, "O": 8}
_VOLUME_PER_ATOM = (10.0, 14.0)
_EDGE_RATIO = (0.7, 1.4)
_ANGLES = (70.0, 110.0)
_MIN_DISTANCES = {("O", "O"): 2.0, ("O", "Ti"): 1.6, ("Ti", "Ti"): 2.3}
_TRIES = 200

MAX_ATOMS = 12


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """A crystal to relax, and the space group of its hypothesis, if any."""

    structure: Structure
    space_group: int | None = None


def random_crystals(count: int, rng: np.random.Generator) -> list[Structure]:
    """Random Ti4O8 without symmetry: random cells, atoms inserted one by one at allowed distances."""
    from pymatgen.core import Lattice, Structure

    species = [symbol for symbol, number in RANDOM_CELL.items() for _ in range(number)]
    crystals: list[Structure] = []
    while len(crystals) < count:
        lattice = _random_cell(len(species), rng)
        positions = _random_positions(lattice, species, rng)
        if positions is not None:
            crystals.append(Structure(Lattice(lattice), species, positions))
    return crystals


def _random_cell(atoms: int, rng: np.random.Generator) -> FloatArray:
    """Rows in Å."""
    while True:
        a, b, c = rng.uniform(*_EDGE_RATIO, size=3)
        alpha, beta, gamma = rng.uniform(*_ANGLES, size=3)
        cell = LatticeParameters(a, b, c, alpha, beta, gamma).matrix()
        volume = abs(float(np.linalg.det(cell)))
        if volume > 0.3 * a * b * c:
            return np.asarray(cell * (atoms * rng.uniform(*_VOLUME_PER_ATOM) / volume) ** (1 / 3))


def _random_positions(
    lattice: FloatArray, species: Sequence[str], rng: np.random.Generator
) -> FloatArray | None:
    """Fractional positions, shape (atoms, 3), or None if an atom cannot be inserted."""
    images = np.stack(np.meshgrid(*[np.arange(-1.0, 2.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    placed: list[FloatArray] = []
    for symbol in species:
        needed = np.array([_MIN_DISTANCES[min(symbol, other), max(symbol, other)] for other in species])
        for _ in range(_TRIES):
            trial = rng.random(3)
            # The distances include those to the periodic images of the same atom.
            others = np.array([*placed, trial])
            vectors = (others[:, None] - trial + images) @ lattice  # (atoms so far, images, 3)
            distances = np.linalg.norm(vectors, axis=-1)
            distances[distances < 1e-8] = np.inf
            if (distances.min(axis=1) >= needed[: len(others)]).all():
                placed.append(trial)
                break
        else:
            return None
    return np.array(placed)


def chosen_records(
    records: Sequence[StructureRecord], count: int, rng: np.random.Generator
) -> list[StructureRecord]:
    """Reference records of ``count`` formulas of compounds with cells up to 12 atoms, drawn at random."""
    from alphacrystal_bench.models.subsets import reference_records

    small = [r for r in records if len(r.species) <= MAX_ATOMS and len(set(r.species)) > 1]
    references = reference_records(small)
    order = rng.permutation(len(references))[:count]
    return [references[int(index)] for index in order]


def candidates_of(
    formulas: Sequence[str], each: int, seed: int, on_done: CountProgress | None = None
) -> list[StartingPoint]:
    """The first distinct candidates of a prediction of each formula, with their space groups.

    Cells with more than 12 atoms are left out.
    """
    from alphacrystal.composition import formula_units_within, parse_formula
    from alphacrystal.crystal import group_duplicates
    from alphacrystal.generate import DistanceMatrixGenerator

    points: list[StartingPoint] = []
    for done, text in enumerate(formulas, start=1):
        formula = parse_formula(text)
        generator = DistanceMatrixGenerator(formula_units=formula_units_within(formula, MAX_ATOMS))
        candidates = list(generator.generate(formula, 4 * each, np.random.default_rng(seed)))
        groups = group_duplicates([candidate.structure for candidate in candidates])
        for first in (candidates[group[0]] for group in groups[:each]):
            group = None if first.hypothesis is None else first.hypothesis.space_group
            points.append(StartingPoint(first.structure, group))
        if on_done is not None:
            on_done(done)
    return points

"""Known positions of some atoms, and a search for the others: Li in a known framework.

The framework keeps its cell and its space group. The missing atoms take each combination of Wyckoff
positions that is free, at the coordinates with the largest distances. Where fewer atoms are missing than a
position has, they take a part of it in the orders that subgroups of the space group allow (colourings).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii

from alphacrystal.config import MAX_ATOMS
from alphacrystal.crystal import (
    NEIGHBOUR_IMAGES,
    can_place,
    colourings,
    describe_symmetry,
    first_assignments,
    free_coordinates,
    minkowski_reduced,
    multiplicities,
)
from alphacrystal.errors import InputError
from alphacrystal.generate.arrangement import arrangement, to_structure
from alphacrystal.generate.protocol import Candidate
from alphacrystal.generate.registry import GeneratorContext, register
from alphacrystal.typing import FloatArray, IntArray, StageProgress

if TYPE_CHECKING:
    from alphacrystal.composition import Formula

SYMPREC = 0.01  # Å, of the symmetry of the framework: small distortions stay
MIN_COVALENT_FRACTION = 0.72  # of the sum of covalent radii, as for random crystals
ASSIGNMENTS = 300  # combinations of Wyckoff positions, fewest orbits first
DRAWS = 256  # coordinates of one combination
PLACES = 3  # best coordinates of one combination that are different
DIFFERENT = 0.1  # fractional difference of coordinates that are different
MAX_INDEX = 16  # of the symmetry of a part of a position in the space group
PARTS = 12  # most symmetric parts of one position
CHUNK = 200_000  # distances computed together

#: Key of the provenance of a candidate: the number of its first atoms, which are those of the framework.
FRAMEWORK_ATOMS = "framework_atoms"


@dataclass(frozen=True, slots=True, eq=False)
class Framework:
    """The known atoms of a crystal, and those that are missing.

    Attributes:
        source: Name of the file.
        space_group: International number.
        lattice: Rows of the primitive cell in Å, shape (3, 3).
        positions: Fractional coordinates in the primitive cell, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
        occupied: Wyckoff letters without free coordinates that the known atoms occupy.
        cells: Primitive cells of the framework in the primitive cell of the crystal.
        formula_units: Z of the crystal.
        missing: Missing atoms of each element in all ``cells`` together.
    """

    source: str
    space_group: int
    lattice: FloatArray
    positions: FloatArray
    numbers: IntArray
    occupied: frozenset[str]
    cells: int
    formula_units: int
    missing: dict[str, int]


def read_framework(path: Path, formula: Formula) -> Framework:
    """Read the known atoms of a crystal of a formula.

    Raises:
        InputError: The file cannot be read or holds several structures, an element is not in the formula, no
            atom is missing, or the cell would be too large.
    """
    from alphacrystal.data import read_crystals

    crystals = read_crystals(path)
    if len(crystals) != 1:
        raise InputError(f"{path} holds {len(crystals)} structures: give one framework.")
    structure = crystals[0].structure
    numbers = np.array([site.specie.Z for site in structure], dtype=np.int64)
    found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers, symprec=SYMPREC)
    counts = Counter(chemical_symbols[number] for number in found.numbers.tolist())
    if other := sorted(set(counts) - set(formula.counts)):
        raise InputError(
            f"The framework {path} contains {other[0]}, which {formula.text} does not: give a part of the "
            "crystal."
        )
    cells, units = _multiples(counts, formula, path)
    missing = {
        symbol: rest
        for symbol, count in formula.counts.items()
        if (rest := units * count - cells * counts[symbol])
    }
    free = free_coordinates(found.space_group)
    return Framework(
        source=path.name,
        space_group=found.space_group,
        lattice=found.primitive_lattice,
        positions=found.primitive_positions,
        numbers=found.numbers,
        occupied=frozenset(letter for letter in found.setting_letters if not free[letter]),
        cells=cells,
        formula_units=units,
        missing=missing,
    )


def _multiples(counts: Counter[str], formula: Formula, path: Path) -> tuple[int, int]:
    """Cells of the framework and formula units in the smallest cell that both fill."""
    for cells in range(1, MAX_ATOMS // sum(counts.values()) + 1):
        units = max(-(-cells * count // formula.counts[symbol]) for symbol, count in counts.items())
        complete = any(units * formula.counts[s] == cells * count for s, count in counts.items())
        if not complete or units * formula.num_atoms > MAX_ATOMS:
            continue
        if all(units * count == cells * counts[symbol] for symbol, count in formula.counts.items()):
            raise InputError(f"The framework {path} has all atoms of {formula.text}: nothing is to search.")
        return cells, units
    raise InputError(
        f"No cell of up to {MAX_ATOMS} atoms holds the framework {path} and whole formula units of "
        f"{formula.text}: check the composition of the framework."
    )


@dataclass(frozen=True, slots=True)
class SublatticeGenerator:
    """Places the missing atoms of a crystal in a known framework.

    Attributes:
        framework: The known atoms.
        on_progress: Called with (combinations done, combinations in total).
    """

    framework: Framework
    on_progress: StageProgress | None = field(default=None, compare=False)
    name: str = "sublattice"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, those with the largest distances first.

        Raises:
            InputError: The missing atoms find no place.
        """
        framework = self.framework
        placed = self._whole_positions(rng) if framework.cells == 1 else []
        if len(framework.missing) == 1:
            placed += self._parts_of_positions(rng)
        if not placed:
            atoms = ", ".join(f"{number} {symbol}" for symbol, number in framework.missing.items())
            raise InputError(
                f"The missing atoms ({atoms}) find no place in the framework {framework.source} with space "
                f"group {framework.space_group}: give a larger framework, or one of lower symmetry."
            )
        placed.sort(key=lambda pair: -pair[0])
        yield from (candidate for _, candidate in placed[:count])

    def _whole_positions(self, rng: np.random.Generator) -> list[tuple[float, Candidate]]:
        """Missing atoms on whole Wyckoff positions, with their shortest relative distances."""
        framework = self.framework
        number, elements = framework.space_group, tuple(framework.missing)
        counts = tuple(framework.missing.values())
        if not can_place(number, counts):
            return []
        assignments = [
            letters
            for letters in first_assignments(number, counts, ASSIGNMENTS)
            if not framework.occupied & set("".join(letters))
        ]
        placed = []
        for done, letters in enumerate(assignments, start=1):
            for contact, sites, numbers in self._best(letters, elements, rng):
                wyckoff = dict(zip(elements, letters, strict=True))
                placed.append((contact, self._candidate(sites, numbers, contact, wyckoff)))
            if self.on_progress:
                self.on_progress(done, len(assignments))
        return placed

    def _best(
        self, letters: tuple[str, ...], elements: tuple[str, ...], rng: np.random.Generator
    ) -> list[tuple[float, FloatArray, IntArray]]:
        """The best different coordinates of one combination: relative distance, sites, atomic numbers."""
        framework = self.framework
        layout = arrangement(framework.space_group, letters, elements, framework.formula_units)
        coordinates = rng.random((DRAWS if layout.free else 1, layout.free))
        positions = layout.positions(coordinates)
        contacts = shortest_contacts(
            framework.lattice, framework.positions, framework.numbers, positions, layout.numbers
        )
        chosen: list[int] = []
        for place in np.argsort(-contacts, kind="stable").tolist():
            if contacts[place] < MIN_COVALENT_FRACTION or len(chosen) == PLACES:
                break
            difference = coordinates[chosen] - coordinates[place]
            difference -= np.round(difference)
            if not chosen or (np.abs(difference).max(-1, initial=0.0) > DIFFERENT).all():
                chosen.append(place)
        return [(float(contacts[place]), positions[place], layout.numbers) for place in chosen]

    def _parts_of_positions(self, rng: np.random.Generator) -> list[tuple[float, Candidate]]:
        """Missing atoms of one element on a part of a Wyckoff position."""
        framework = self.framework
        ((element, missing),) = framework.missing.items()
        placed = []
        for letter, size in multiplicities(framework.space_group).items():
            if letter in framework.occupied or missing >= size * framework.cells:
                continue
            for _, sites, _ in self._sites(letter, element, rng):
                for colouring in colourings(
                    framework.space_group, sites, missing, framework.cells, MAX_INDEX
                )[:PARTS]:
                    supercell = colouring.supercell @ framework.lattice
                    inverse = np.linalg.inv(colouring.supercell)
                    cells = colouring.translations[:, None]
                    known = ((framework.positions + cells) @ inverse).reshape(-1, 3)
                    numbers = np.tile(framework.numbers, framework.cells)
                    added = ((sites + cells) @ inverse)[colouring.first]
                    species = np.full(len(added), atomic_numbers[element])
                    contact = float(shortest_contacts(supercell, known, numbers, added[None], species)[0])
                    if contact < MIN_COVALENT_FRACTION:
                        continue
                    structure = to_structure(
                        supercell, np.concatenate([numbers, species]), np.concatenate([known, added])
                    )
                    provenance = self._provenance(contact, {element: letter}, len(known))
                    provenance["index"] = colouring.index
                    placed.append((contact, Candidate(structure, self.name, None, None, provenance)))
        return placed

    def _sites(
        self, letter: str, element: str, rng: np.random.Generator
    ) -> list[tuple[float, FloatArray, IntArray]]:
        """The best different sites of one Wyckoff position; its atoms may be close to one another."""
        framework = self.framework
        layout = arrangement(framework.space_group, (letter,), (element,), 1)
        coordinates = rng.random((DRAWS if layout.free else 1, layout.free))
        positions = layout.positions(coordinates)
        # One atom of the position stands for all: they have the same distances to the framework.
        contacts = shortest_contacts(
            framework.lattice, framework.positions, framework.numbers, positions[:, :1], layout.numbers[:1]
        )
        best = np.argsort(-contacts, kind="stable")[:PLACES]
        return [
            (float(contacts[place]), positions[place], layout.numbers)
            for place in best.tolist()
            if contacts[place] >= MIN_COVALENT_FRACTION
        ]

    def _candidate(
        self, sites: FloatArray, numbers: IntArray, contact: float, wyckoff: dict[str, str]
    ) -> Candidate:
        framework = self.framework
        structure = to_structure(
            framework.lattice,
            np.concatenate([framework.numbers, numbers]),
            np.concatenate([framework.positions, sites]),
        )
        provenance = self._provenance(contact, wyckoff, len(framework.numbers))
        return Candidate(structure, self.name, None, None, provenance)

    def _provenance(self, contact: float, wyckoff: dict[str, str], known: int) -> dict[str, object]:
        return {
            "framework": self.framework.source,
            FRAMEWORK_ATOMS: known,
            "space_group": self.framework.space_group,
            "wyckoff": wyckoff,
            "relative_distance": round(contact, 4),
        }


def shortest_contacts(
    lattice: FloatArray,
    known: FloatArray,
    known_numbers: IntArray,
    added: FloatArray,
    added_numbers: IntArray,
) -> FloatArray:
    """Smallest distance of added atoms to others, over the sum of covalent radii.

    Args:
        lattice: Rows in Å, shape (3, 3).
        known: Fractional coordinates, shape (atoms, 3).
        known_numbers: Atomic numbers, shape (atoms,).
        added: Fractional coordinates, shape (trials, added atoms, 3).
        added_numbers: Atomic numbers, shape (added atoms,).

    Returns:
        shape (trials,); distances to images of the same atom count too.
    """
    reduced, transformation = minkowski_reduced(lattice)
    inverse = np.linalg.inv(transformation)
    radii, sizes = covalent_radii[known_numbers], covalent_radii[added_numbers]
    rows, columns = np.triu_indices(len(sizes), 1)
    sums = np.concatenate([(sizes[:, None] + radii).ravel(), sizes[rows] + sizes[columns]])
    vectors = NEIGHBOUR_IMAGES @ reduced  # (27, 3)
    self_images = np.linalg.norm(reduced, axis=-1).min() / (2 * sizes.max())
    step = max(1, CHUNK // (len(sums) * len(vectors)))
    result = np.empty(len(added))
    for start in range(0, len(added), step):
        chosen = added[start : start + step]
        to_known = (chosen[:, :, None] - known).reshape(len(chosen), -1, 3)
        among = chosen[:, rows] - chosen[:, columns]
        difference = np.concatenate([to_known, among], axis=1) @ inverse
        difference -= np.round(difference)
        # the cell is reduced: the nearest image is among the 27 neighbours
        squares = np.square((difference @ reduced)[:, :, None] + vectors).sum(-1).min(-1)
        result[start : start + step] = (np.sqrt(squares) / sums).min(-1)
    return np.asarray(np.minimum(result, self_images))


def _check(context: GeneratorContext) -> None:
    config = context.config
    if config.fix_sublattice is None:
        raise InputError("The generator sublattice needs known positions: give --fix-sublattice FILE.")
    if config.space_group is not None or config.lattice is not None:
        raise InputError(
            "The framework of --fix-sublattice has a space group and a cell: leave out --space-group and "
            "--lattice."
        )


@register(
    "sublattice",
    "missing atoms in a known framework (--fix-sublattice)",
    check=_check,
    unrelaxed_copies=False,
)
def build_sublattice(context: GeneratorContext) -> SublatticeGenerator:
    """Build the generator of a run; reads the framework.

    Raises:
        InputError: The framework cannot be used.
    """
    _check(context)
    assert context.config.fix_sublattice is not None
    framework = read_framework(context.config.fix_sublattice, context.formula)
    return SublatticeGenerator(framework, context.on_progress)

"""Distances of cell contents as the median over their probable structure types, for models in training."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from ase.data import chemical_symbols
from torch import nn

from alphacrystal.crystal import letter_index, orbit_order, space_group
from alphacrystal.learn import StructureType
from alphacrystal.learn.distances.network import AtomTokens, DistanceNet
from alphacrystal.learn.distances.sorted_distances import geometric_median
from alphacrystal.learn.distances.templates import element_slots
from alphacrystal.learn.distograms import BATCH_PAIRS, MAX_MIXED_TYPES, MIN_PROBABILITY
from alphacrystal.learn.symmetry.network import ANY
from alphacrystal.learn.training import DistanceTask, LatticeTask, SymmetryTask
from alphacrystal.typing import FloatArray, IntArray

SHARPNESSES = (0.4, 0.55, 0.7, 0.85, 1.0, 1.3)
COMPOSITION_WEIGHT = 0.2  # of the matrix from the composition alone; the types share the rest
MIN_SCORE = -1e3  # types of another stoichiometry have lower scores


@dataclass(frozen=True, slots=True, eq=False)
class _PossibleMatrices:
    """Distances in Å of the pairs of one structure, for each probable structure type.

    Attributes:
        distances, shares: Distances and probability of each type.
        alone: Distances predicted from the composition alone.
    """

    distances: list[FloatArray]
    shares: list[float]
    alone: list[FloatArray]


def _median(possible: _PossibleMatrices, sharpness: float) -> FloatArray:
    shares = np.array(possible.shares) ** sharpness
    weights = (
        np.append((1 - COMPOSITION_WEIGHT) * shares / shares.sum(), COMPOSITION_WEIGHT)
        if len(shares)
        else np.ones(1)
    )
    return geometric_median(np.stack([*possible.distances, *possible.alone]), weights)


@dataclass(frozen=True, slots=True, eq=False)
class TypeMixture:
    """Predict distances with three models trained on other structures of the same data.

    Attributes:
        symmetry, lattice, distance: Training tasks; the models of the last two are trained.
        ensemble: Trained symmetry networks, whose probabilities are averaged.
        alone: Trained distance network for predictions from the composition alone.
        conventional: The data contain conventional cells instead of primitive ones.
    """

    symmetry: SymmetryTask
    lattice: LatticeTask
    distance: DistanceTask
    ensemble: tuple[nn.Module, ...]
    alone: DistanceNet
    conventional: bool = False

    def expected_distances(self, rows: IntArray, sharpness: float = 1.0) -> list[FloatArray]:
        """Distances in Å of the pairs i < j of each structure, from its cell content alone.

        They have the smallest expected error over the probable types, see ``geometric_median``.

        Args:
            rows: Structures.
            sharpness: Power of the probabilities of the types, see ``best_sharpness``.
        """
        return [_median(found, sharpness) for found in self._possible(rows)]

    def best_sharpness(self, rows: IntArray) -> float:
        """The power of the probabilities with the smallest mean error on known structures."""
        data = self.distance.data
        true = [data.distances[data.pairs(row)] for row in rows]
        possible = self._possible(rows)

        def error(sharpness: float) -> float:
            medians = (_median(found, sharpness) for found in possible)
            return float(
                np.mean(
                    [np.sqrt(np.mean((median - t) ** 2)) for median, t in zip(medians, true, strict=True)]
                )
            )

        return min(SHARPNESSES, key=error)

    def _possible(self, rows: IntArray) -> list[_PossibleMatrices]:
        """The matrices of the probable types of each structure."""
        jobs: dict[int, list[tuple[int, StructureType, float]]] = defaultdict(list)
        sizes = self.distance.data.sizes[rows]
        matrices = [_PossibleMatrices([], [], []) for _ in rows]
        for place, row in enumerate(rows.tolist()):
            for structure_type, share in self._probable_types(row):
                jobs[int(sizes[place])].append((place, structure_type, share))
        for n, samples in jobs.items():
            step = max(1, BATCH_PAIRS // n**2)
            for start in range(0, len(samples), step):
                part = samples[start : start + step]
                structures = rows[[place for place, _, _ in part]]
                distances = self._given_types(structures, [structure_type for _, structure_type, _ in part])
                for (place, _, share), values in zip(part, distances, strict=True):
                    matrices[place].distances.append(values)
                    matrices[place].shares.append(share)
        for atoms in np.unique(sizes):
            places = np.flatnonzero(sizes == atoms)
            with torch.no_grad():
                _, probabilities, _ = self.distance.predict(self.alone, rows[places], given=False)
                values = self.alone.expected_distances(probabilities).double().numpy()
            for at, value in zip(places.tolist(), values, strict=True):
                matrices[at].alone.append(value)
        return matrices

    def _probable_types(self, row: int) -> list[tuple[StructureType, float]]:
        """Types that fit the cell content of a structure, with normalised probabilities."""
        size = int(self.distance.data.sizes[row])
        types = self.symmetry.model.types
        chances = np.zeros(len(types))
        for net in self.ensemble:
            with torch.no_grad():
                # The data include hypothetical compounds, and the structures are not in the training split.
                scores = self.symmetry.scores(net, np.array([row]), ANY, leave_one_out=False)[0].double()
            chances += np.where(scores > MIN_SCORE, scores.softmax(-1), 0.0)
        found: list[tuple[StructureType, float]] = []
        for place in np.argsort(-chances):
            if chances[place] <= 0 or len(found) == MAX_MIXED_TYPES:
                break
            structure_type = types[int(place)]
            if sum(structure_type.counts()) * self._centring(structure_type) == size:
                found.append((structure_type, float(chances[place])))
        total = sum(share for _, share in found)
        probable = [
            (structure_type, share) for structure_type, share in found if share >= MIN_PROBABILITY * total
        ]
        kept = sum(share for _, share in probable)
        return [(structure_type, share / kept) for structure_type, share in probable]

    def _centring(self, structure_type: StructureType) -> int:
        return len(space_group(structure_type.space_group).centring) if self.conventional else 1

    def _given_types(self, rows: IntArray, structure_types: list[StructureType]) -> FloatArray:
        """Expected distances of structures of one size with the given types, shape (n, pairs)."""
        data, task = self.distance.data, self.distance
        numbers = data.numbers[data.atom_offsets[rows][:, None] + np.arange(data.sizes[rows[0]])]
        slots = element_slots(numbers)
        sites = [self._sites(structure_type) for structure_type in structure_types]
        elements = [[chemical_symbols[z] for z in dict.fromkeys(atoms.tolist())] for atoms in numbers]
        shapes = self.lattice.predicted(structure_types, elements, data.functionals[rows])
        tokens = AtomTokens(
            numbers=torch.as_tensor(numbers),
            letters=torch.as_tensor(np.stack([letters for letters, _ in sites])),
            multiplicities=torch.as_tensor(np.stack([sizes for _, sizes in sites])),
            space_groups=torch.tensor([structure_type.space_group for structure_type in structure_types]),
            functionals=torch.as_tensor(data.functionals[rows]),
            shapes=torch.as_tensor(shapes.astype(np.float32)),
        )
        types = np.array([task.fit.type_rows.get(structure_type, -1) for structure_type in structure_types])
        model = task.model
        assert isinstance(model, DistanceNet)
        with torch.no_grad():
            log_probabilities = model(tokens, task.fit.batch_of_types(types, slots))
            return np.asarray(model.expected_distances(log_probabilities).double().numpy())

    def _sites(self, structure_type: StructureType) -> tuple[IntArray, IntArray]:
        """Letter index + 1 and orbit size of each atom in canonical order, shape (atoms,) each."""
        group = space_group(structure_type.space_group)
        letters: list[int] = []
        sizes: list[int] = []
        for element_letters in structure_type.letters:
            for letter in orbit_order(structure_type.space_group, element_letters):
                atoms = group.positions[letter].multiplicity
                atoms = atoms if self.conventional else atoms // len(group.centring)
                letters += [letter_index(letter) + 1] * atoms
                sizes += [atoms] * atoms
        return np.array(letters, dtype=np.int64), np.array(sizes, dtype=np.int64)

"""Distances of cell contents as the mean over their likely structure types, with models still in training."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from ase.data import chemical_symbols
from torch import nn

from alphacrystal.crystal import letter_index, orbit_order, space_group
from alphacrystal.learn.distances.distograms import BATCH_PAIRS, LEAST_SHARE, MIXED_TYPES
from alphacrystal.learn.distances.geometric_median import geometric_median
from alphacrystal.learn.distances.network import AtomTokens, DistanceNet
from alphacrystal.learn.distances.template_fitting import element_slots
from alphacrystal.learn.distances.training import DistanceTask
from alphacrystal.learn.lattice.training import LatticeTask
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.network import ANY
from alphacrystal.learn.symmetry.training import SymmetryTask
from alphacrystal.typing import FloatArray, IntArray

SHARPNESSES = (0.4, 0.55, 0.7, 0.85, 1.0, 1.3)
ALONE_SHARE = 0.2  # of the matrix from the composition alone beside those of the types
IMPOSSIBLE = -1e3  # types of another stoichiometry score far below


@dataclass(frozen=True, slots=True, eq=False)
class _Possible:
    """Matrices that a structure may have: distances in Å of its pairs.

    Attributes:
        distances, shares: For each likely type, and how likely it is.
        alone: From the composition alone.
    """

    distances: list[FloatArray]
    shares: list[float]
    alone: list[FloatArray]


def _answer(possible: _Possible, sharpness: float) -> FloatArray:
    shares = np.array(possible.shares) ** sharpness
    weights = np.append((1 - ALONE_SHARE) * shares / shares.sum(), ALONE_SHARE) if len(shares) else np.ones(1)
    return geometric_median(np.stack([*possible.distances, *possible.alone]), weights)


@dataclass(frozen=True, slots=True, eq=False)
class TypeMixture:
    """Three models trained on the same structures, asked for the distances of others of the same data.

    Attributes:
        symmetry, lattice, distance: Training tasks; the ``model`` of the last two is trained.
        judges: Trained symmetry networks, whose probabilities are averaged.
        alone: Trained distance network that is asked with the composition alone: one more opinion.
        conventional: The data hold conventional cells instead of primitive ones.
    """

    symmetry: SymmetryTask
    lattice: LatticeTask
    distance: DistanceTask
    judges: tuple[nn.Module, ...]
    alone: DistanceNet
    conventional: bool = False

    def expected_distances(self, rows: IntArray, sharpness: float = 1.0) -> list[FloatArray]:
        """Distances in Å of the pairs i < j of each structure, from its cell content alone.

        The answer with the least expected error over the likely types, see ``geometric_median``.

        Args:
            rows: Structures.
            sharpness: Power of the probabilities of the types, see ``best_sharpness``.
        """
        return [_answer(found, sharpness) for found in self._possible(rows)]

    def best_sharpness(self, rows: IntArray) -> float:
        """The power of the probabilities with the least mean error on known structures."""
        data = self.distance.data
        true = [data.distances[data.pairs(row)] for row in rows]
        possible = self._possible(rows)

        def error(sharpness: float) -> float:
            answers = (_answer(found, sharpness) for found in possible)
            return float(
                np.mean([np.sqrt(np.mean((own - t) ** 2)) for own, t in zip(answers, true, strict=True)])
            )

        return min(SHARPNESSES, key=error)

    def _possible(self, rows: IntArray) -> list[_Possible]:
        """The matrices of the likely types of each structure."""
        jobs: dict[int, list[tuple[int, StructureType, float]]] = defaultdict(list)
        sizes = self.distance.data.sizes[rows]
        found = [_Possible([], [], []) for _ in rows]
        for place, row in enumerate(rows.tolist()):
            for kind, share in self._likely_types(row):
                jobs[int(sizes[place])].append((place, kind, share))
        for n, own in jobs.items():
            step = max(1, BATCH_PAIRS // n**2)
            for start in range(0, len(own), step):
                part = own[start : start + step]
                structures = rows[[place for place, _, _ in part]]
                distances = self._given_types(structures, [kind for _, kind, _ in part])
                for (place, _, share), values in zip(part, distances, strict=True):
                    found[place].distances.append(values)
                    found[place].shares.append(share)
        for atoms in np.unique(sizes):
            places = np.flatnonzero(sizes == atoms)
            with torch.no_grad():
                _, probabilities, _ = self.distance.predict(self.alone, rows[places], given=False)
                values = self.alone.expected_distances(probabilities).double().numpy()
            for at, own in zip(places.tolist(), values, strict=True):
                found[at].alone.append(own)
        return found

    def _likely_types(self, row: int) -> list[tuple[StructureType, float]]:
        """Types that fit the cell content of a structure, with shares that sum to one."""
        size = int(self.distance.data.sizes[row])
        types = self.symmetry.model.types
        chances = np.zeros(len(types))
        for net in self.judges:
            with torch.no_grad():
                # The data hold hypothetical compounds too, and nothing that is asked for was trained on.
                scores = self.symmetry.scores(net, np.array([row]), ANY, leave_own_out=False)[0].double()
            chances += np.where(scores > IMPOSSIBLE, scores.softmax(-1), 0.0)
        found: list[tuple[StructureType, float]] = []
        for place in np.argsort(-chances):
            if chances[place] <= 0 or len(found) == MIXED_TYPES:
                break
            kind = types[int(place)]
            if sum(kind.counts()) * self._centring(kind) == size:
                found.append((kind, float(chances[place])))
        total = sum(share for _, share in found)
        likely = [(kind, share) for kind, share in found if share >= LEAST_SHARE * total]
        kept = sum(share for _, share in likely)
        return [(kind, share / kept) for kind, share in likely]

    def _centring(self, kind: StructureType) -> int:
        return len(space_group(kind.space_group).centring) if self.conventional else 1

    def _given_types(self, rows: IntArray, kinds: list[StructureType]) -> FloatArray:
        """Expected distances of structures of one size, each as if of the given type, (n, pairs)."""
        data, task = self.distance.data, self.distance
        numbers = data.numbers[data.atom_offsets[rows][:, None] + np.arange(data.sizes[rows[0]])]
        slots = element_slots(numbers)
        sites = [self._sites(kind) for kind in kinds]
        elements = [[chemical_symbols[z] for z in dict.fromkeys(own.tolist())] for own in numbers]
        shapes = self.lattice.predicted(kinds, elements, data.functionals[rows])
        tokens = AtomTokens(
            numbers=torch.as_tensor(numbers),
            letters=torch.as_tensor(np.stack([letters for letters, _ in sites])),
            multiplicities=torch.as_tensor(np.stack([sizes for _, sizes in sites])),
            space_groups=torch.tensor([kind.space_group for kind in kinds]),
            functionals=torch.as_tensor(data.functionals[rows]),
            shapes=torch.as_tensor(shapes.astype(np.float32)),
        )
        types = np.array([task.fit.type_rows.get(kind, -1) for kind in kinds])
        model = task.model
        assert isinstance(model, DistanceNet)
        with torch.no_grad():
            log_probabilities = model(tokens, task.fit.batch_of_types(types, slots))
            return np.asarray(model.expected_distances(log_probabilities).double().numpy())

    def _sites(self, kind: StructureType) -> tuple[IntArray, IntArray]:
        """Letter index + 1 and orbit size of each atom in canonical order, shape (atoms,) each."""
        group = space_group(kind.space_group)
        letters: list[int] = []
        sizes: list[int] = []
        for own in kind.letters:
            for letter in orbit_order(kind.space_group, own):
                atoms = group.positions[letter].multiplicity
                atoms = atoms if self.conventional else atoms // len(group.centring)
                letters += [letter_index(letter) + 1] * atoms
                sizes += [atoms] * atoms
        return np.array(letters, dtype=np.int64), np.array(sizes, dtype=np.int64)

"""Crystals of large cells, in which the distance network does not predict distances.

Coordinates come from prototypes in the predicted cell. Hypotheses without prototypes but with few free
coordinates are sampled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from alphacrystal.composition import element_order
from alphacrystal.crystal import (
    SymmetryHypothesis,
    encode,
    min_image_distances,
)
from alphacrystal.reconstruct._alternatives import placed_prototypes
from alphacrystal.reconstruct._fitness import CLASH_FACTOR, CLASH_WEIGHT
from alphacrystal.reconstruct._search import Reconstruction
from alphacrystal.typing import FloatArray, IntArray

MAX_CRYSTALS = 3  # of one hypothesis
MIN_SHARE = 0.04  # of the crystals of a type in a cluster that becomes a candidate
MAX_COMPARED = 48  # prototypes or samples of one hypothesis that are compared
MAX_SAMPLED_FREE = 6  # free coordinates up to which a hypothesis without prototypes is sampled
SAMPLES = 240
CHUNK_PAIRS = 200_000  # atom pairs whose distances are computed together
SCREENING_LENGTH = 3.0  # Å, of the charges that compare crystals
PLAUSIBILITY_SCALE = 0.02  # of the charge energy per atom, against the clash penalty


def reconstruct_large(
    hypothesis: SymmetryHypothesis, prototypes: FloatArray, formulas: IntArray, seed: int
) -> list[tuple[Reconstruction, float]]:
    """Crystals of one hypothesis and their weights, at most MAX_CRYSTALS.

    Args:
        hypothesis: Symmetry and cell.
        prototypes: Fractional coordinates in the conventional cell, see ``prototype_coordinates``, shape
            (prototypes, atoms, 3).
        formulas: Formulas behind each prototype of a known type; empty for those of related types, which are
            compared by contacts and charges, shape (prototypes,).
        seed: Seed of the samples.

    Returns:
        Crystals with clash penalties but without a geometry term, and their weights: the number of formulas
        relative to the most frequent prototype, 1 for prototypes of related types and samples. Empty for
        hypotheses with many free coordinates and without prototypes.
    """
    encoding = encode(hypothesis)
    if len(prototypes):
        lattice, positions = placed_prototypes(hypothesis, prototypes)
    elif encoding.free <= MAX_SAMPLED_FREE:
        lattice = encoding.lattice(np.zeros(6))
        samples = SAMPLES if encoding.free else 1
        positions = encoding.positions(np.random.default_rng(seed).random((samples, encoding.free)))
        formulas = formulas[:0]
    else:
        return []
    if len(formulas):
        shares = formulas / formulas.sum()
        rows = np.argsort(-shares, kind="stable")[:MAX_CRYSTALS]
        rows = rows[(shares[rows] >= MIN_SHARE) | (np.arange(len(rows)) == 0)]
        clashes, _ = _compared(lattice, positions[rows], encoding.numbers)
        weights = shares[rows] / shares.max()
        chosen = list(zip(rows.tolist(), clashes.tolist(), weights.tolist(), strict=True))
    else:
        limit = MAX_COMPARED if len(prototypes) else len(positions)
        clashes, charges = _compared(lattice, positions[:limit], encoding.numbers)
        best = np.argsort(clashes + PLAUSIBILITY_SCALE * charges, kind="stable")[:MAX_CRYSTALS]
        chosen = [(int(row), float(clashes[row]), 1.0) for row in best]
    return [
        (
            Reconstruction(
                lattice=lattice,
                positions=positions[row] % 1.0,
                numbers=encoding.numbers,
                geometry=0.0,
                penalty=clash,
                method="prototype" if len(prototypes) else "search",
            ),
            weight,
        )
        for row, clash, weight in chosen
    ]


def _compared(
    lattice: FloatArray, positions: FloatArray, numbers: Sequence[int] | IntArray
) -> tuple[FloatArray, FloatArray]:
    """Clash penalty and charge energy per atom of crystals, shape (crystals,) each; low is good.

    The charges are electronegativities minus their mean; only the nearest image of each pair counts.
    """
    numbers = np.asarray(numbers)
    rows, columns = np.triu_indices(len(numbers), 1)
    shortest = CLASH_FACTOR * (covalent_radii[numbers[rows]] + covalent_radii[numbers[columns]])
    electronegativity = np.array([element_order(chemical_symbols[number])[0] for number in numbers])
    charges = electronegativity - electronegativity.mean()
    products = charges[rows] * charges[columns]
    clashes, energies = [], []
    step = max(1, CHUNK_PAIRS // len(numbers) ** 2)
    for start in range(0, len(positions), step):
        lengths = min_image_distances(lattice, positions[start : start + step])[:, rows, columns]
        short = np.maximum(shortest - lengths, 0)
        clashes.append(CLASH_WEIGHT * np.square(short).sum(1) / max(len(rows), 1))
        screened = np.exp(-lengths / SCREENING_LENGTH) / np.maximum(lengths, 0.5)
        energies.append((products * screened).sum(1) / len(numbers))
    return np.concatenate(clashes), np.concatenate(energies)

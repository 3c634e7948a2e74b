"""Fitness evaluations per second for 12-atom crystals: ours and plain NumPy, in one run on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from alphacrystal.crystal import (
    NEIGHBOUR_IMAGES,
    CrystalEncoding,
    Distogram,
    LatticeParameters,
    SymmetryHypothesis,
    encode,
    min_image_distances,
)
from alphacrystal.reconstruct import fitness_function
from alphacrystal.typing import FloatArray

MEMBERS = 1000
SECONDS = 2.0
ORTHORHOMBIC = LatticeParameters(7.05, 4.12, 8.22, 90, 90, 90)
# Three crystals of 12 atoms: an orthorhombic one, an oblique one and one with a hexagonal cell.
CRYSTALS = {
    "pnma_6_free_coordinates": (62, {"Sm": "c", "Zn": "c", "Rh": "c"}, ORTHORHOMBIC),
    "p1_bar_18_free_coordinates": (
        2,
        {"Ca": "i", "Mo": "i", "O": "iiii"},
        LatticeParameters(5.3, 6.1, 7.2, 95, 104, 98),
    ),
    "p3m1_12_free_coordinates": (
        156,
        {"Mo": "ab", "S": "aabb", "Se": "aabb", "W": "ab"},
        LatticeParameters(3.3, 3.3, 27, 90, 90, 120),
    ),
}


def evaluation_speed(seed: int) -> dict[str, dict[str, float]]:
    """Evaluations per second of the root mean square error with interchangeable atoms, and the ratio."""
    table = {}
    for name, (number, occupation, lattice) in CRYSTALS.items():
        hypothesis = SymmetryHypothesis(
            space_group=number,
            occupation=occupation,
            formula_units=1,
            lattice=lattice,
            lattice_std=LatticeParameters(0, 0, 0, 0, 0, 0),
            shape_scale=(0, 0, 0, 0, 0, 0),
            log_probability=0.0,
        )
        encoding = encode(hypothesis)
        random = np.random.default_rng(seed)
        cell = encoding.lattice(np.zeros(6))
        target = min_image_distances(cell, encoding.positions(random.random(encoding.free)))
        members = random.random((MEMBERS, encoding.free))
        edges = np.concatenate([np.linspace(1.2, 6, 49), np.linspace(6.25, 16, 40)])
        distogram = Distogram.from_distances(encoding.numbers, target, edges)
        fast = fitness_function(hypothesis, distogram, "rmse")
        plain = plain_fitness(encoding, distogram.expected)
        difference = float(np.abs(fast(members[:50]) - plain(members[:50])).max())
        if difference > 1e-3:
            raise AssertionError(f"the two fitness functions differ by {difference} Å")
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        ours, numpy_rate = _rate(fast, members), _rate(plain, members)
        torch.set_num_threads(before)
        table[name] = {
            "ours": round(ours),
            "plain_numpy": round(numpy_rate),
            "ratio": round(ours / numpy_rate, 1),
        }
    return table


def plain_fitness(encoding: CrystalEncoding, expected: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """The direct form: all pairs, all 27 images, one sort per pair of elements; in batches."""
    lattice = encoding.lattice(np.zeros(6))
    numbers = encoding.numbers
    blocks = []
    elements = np.unique(numbers)
    for index, first in enumerate(elements):
        for second in elements[index:]:
            rows, columns = np.nonzero((numbers[:, None] == first) & (numbers[None] == second))
            if first == second:
                rows, columns = rows[rows < columns], columns[rows < columns]
            if len(rows):
                blocks.append((rows, columns))
    target = np.concatenate([np.sort(expected[block]) for block in blocks])

    def fitness(members: FloatArray) -> FloatArray:
        positions = encoding.positions(members)
        difference = positions[:, :, None] - positions[:, None]
        difference -= np.round(difference)
        vectors = (difference[..., None, :] + NEIGHBOUR_IMAGES) @ lattice
        distances = np.sqrt((vectors**2).sum(-1).min(-1))
        ranked = np.concatenate([np.sort(distances[:, rows, columns], -1) for rows, columns in blocks], -1)
        return np.asarray(np.sqrt(((ranked - target) ** 2).mean(-1)))

    return fitness


def _rate(fitness: Callable[[FloatArray], FloatArray], members: FloatArray) -> float:
    fitness(members)
    begun, rounds = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        fitness(members)
        rounds += 1
    return rounds * len(members) / (time.process_time() - begun)

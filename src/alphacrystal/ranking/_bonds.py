"""Nearest neighbours in the crystals of the Materials Project: which pairs of elements, how far apart.

The training crystals of CHGNet are those of the Materials Project. A structure with neighbours that do not
occur there is far from the training data of the potential.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import nearest_neighbours
from alphacrystal.runtime.csv_cells import write_csv

if TYPE_CHECKING:
    from pymatgen.core import Structure

TABLE = "neighbour_distances.csv"
COLUMNS = ("element", "neighbour", "structures", "shortest", "longest")
TAILS = 0.01  # quantiles of the distances of a pair in the table
LEAST_STRUCTURES = 3  # in which a pair occurs, to be known
TOO_SHORT, TOO_LONG = 0.9, 1.25  # times the shortest and the longest distance of the table


@dataclass(frozen=True, slots=True)
class NeighbourDistances:
    """How often an element is the nearest neighbour of another one, and at which distances.

    Attributes:
        structures: Number of crystals.
        shortest: Lower quantile of the distances in Å.
        longest: Upper quantile in Å.
    """

    structures: int
    shortest: float
    longest: float


Pairs = Mapping[tuple[str, str], NeighbourDistances]


def neighbour_pairs(structure: Structure) -> dict[tuple[str, str], tuple[float, float]]:
    """Shortest and longest distance in Å to the nearest neighbour, by both elements."""
    symbols = [site.specie.symbol for site in structure]
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for symbol, neighbour, distance in zip(symbols, *nearest_neighbours(structure), strict=True):
        pair = (symbol, symbols[neighbour])
        low, high = found.get(pair, (distance, distance))
        found[pair] = min(low, float(distance)), max(high, float(distance))
    return found


def collect_pairs(structures: Iterable[Structure]) -> dict[tuple[str, str], NeighbourDistances]:
    """The pairs of nearest neighbours of crystals, in alphabetic order."""
    distances: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for structure in structures:
        for pair, limits in neighbour_pairs(structure).items():
            distances[pair].append(limits)
    return {
        pair: NeighbourDistances(
            len(values),
            round(float(np.quantile([low for low, _ in values], TAILS)), 3),
            round(float(np.quantile([high for _, high in values], 1 - TAILS)), 3),
        )
        for pair, values in sorted(distances.items())
    }


def pairs_csv(pairs: Pairs) -> str:
    """The table as CSV text."""
    stream = io.StringIO()
    rows = (
        (element, neighbour, found.structures, found.shortest, found.longest)
        for (element, neighbour), found in pairs.items()
    )
    write_csv(stream, COLUMNS, rows, number=".3f")
    return stream.getvalue()


@cache
def known_pairs() -> Pairs:
    """The shipped table."""
    text = files("alphacrystal.ranking").joinpath("data", TABLE).read_text(encoding="utf-8")
    return {
        (row["element"], row["neighbour"]): NeighbourDistances(
            int(row["structures"]), float(row["shortest"]), float(row["longest"])
        )
        for row in csv.DictReader(io.StringIO(text))
    }


def has_unknown_neighbours(structure: Structure, *, any_distance: bool = False) -> bool:
    """Whether an atom has a nearest neighbour of an unknown pair, or at an unusual distance.

    Args:
        structure: A crystal.
        any_distance: Accept each distance, for crystals under pressure.
    """
    table = known_pairs()
    for pair, (low, high) in neighbour_pairs(structure).items():
        known = table.get(pair)
        if known is None or known.structures < LEAST_STRUCTURES:
            return True
        if not any_distance and (low < TOO_SHORT * known.shortest or high > TOO_LONG * known.longest):
            return True
    return False

"""Composition features of the random forests: Magpie statistics and those of MLatticeABC and SG_predict.

Definitions: L. Ward et al., npj Comput. Mater. 2, 16028 (2016), doi:10.1038/npjcompumats.2016.28, as
matminer 0.10.1 computes them (L. Ward et al., doi:10.1016/j.commatsci.2018.05.018). The elemental values are
those of matminer (data/README.md). The statistics are computed here because matminer requires an older pandas
than the pinned one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from alphacrystal.data import PreparedStructures
from alphacrystal.typing import BoolArray, Float32Array, FloatArray, IntArray

LAST_ELEMENT = 103
STATISTICS = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
NORMS = (0, 2, 3, 5, 7, 10)
ORBITALS = ("s", "p", "d", "f")
KJ_PER_MOL = 96.48  # of one eV, in matminer's band centre


@dataclass(frozen=True, slots=True, eq=False)
class ElementalValues:
    """Values of the elements by atomic number; row 0 is unused.

    Attributes:
        properties: Names of the 22 Magpie properties.
        magpie: shape (104, 22), units as in Magpie.
        electronegativity: Pauling's, shape (104,).
        mulliken: Half the sum of first ionisation energy and electron affinity in eV, shape (104,).
        oxidation_states: Common ones of each element, by atomic number.
    """

    properties: tuple[str, ...]
    magpie: FloatArray
    electronegativity: FloatArray
    mulliken: FloatArray
    oxidation_states: tuple[tuple[int, ...], ...]


@cache
def elemental_values() -> ElementalValues:
    """The stored table, written by scripts/build_magpie_table.py."""
    path = files("alphacrystal_bench") / "data" / "magpie_elements.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    names = tuple(rows[0])[1:23]

    def column(name: str) -> FloatArray:
        return np.array([0.0, *(float(row[name]) for row in rows)])

    ionisation, affinity = column("FirstIonization") / 1000, column("ElectronAffinity")
    states = [tuple(int(word) for word in row["CommonOxidationStates"].split()) for row in rows]
    return ElementalValues(
        properties=names,
        magpie=np.stack([column(name) for name in names], axis=1),
        electronegativity=column("PaulingX"),
        mulliken=0.5 * (ionisation + affinity) / KJ_PER_MOL,
        oxidation_states=((), *states),
    )


def feature_names() -> list[str]:
    """Names of the columns of ``composition_features``."""
    return [
        *(f"{statistic} {name}" for name in elemental_values().properties for statistic in STATISTICS),
        *(f"{norm}-norm" for norm in NORMS),
        *(f"frac {orbital} valence electrons" for orbital in ORBITALS),
        "compound possible",
        "max ionic char",
        "avg ionic char",
        "band center",
        *(f"fraction of element {number}" for number in range(1, LAST_ELEMENT + 1)),
        "elements",
    ]


def cell_contents(data: PreparedStructures) -> tuple[IntArray, IntArray]:
    """Atomic numbers and atoms in the primitive cell, shape (structures, slots) each, 0 where unused."""
    keys = np.repeat(np.arange(len(data)), data.sizes) * (LAST_ELEMENT + 1) + data.numbers
    unique, amounts = np.unique(keys, return_counts=True)
    rows, elements = np.divmod(unique, LAST_ELEMENT + 1)
    slots = np.arange(len(unique)) - np.searchsorted(rows, rows)
    numbers = np.zeros((len(data), int(slots.max(initial=0)) + 1), dtype=np.int64)
    counts = np.zeros_like(numbers)
    numbers[rows, slots], counts[rows, slots] = elements, amounts
    return numbers, counts


def composition_features(numbers: IntArray, counts: IntArray) -> Float32Array:
    """Features of the composition, columns as in ``feature_names``.

    132 Magpie statistics, 6 norms of the stoichiometry, fractions of s, p, d and f valence electrons, 3 ionic
    properties (one oxidation state per element), band centre, 103 element fractions, number of elements.

    Args:
        numbers, counts: Atomic numbers and amounts, shape (n, slots), 0 where unused.

    Returns:
        shape (n, 250).
    """
    values, used = elemental_values(), counts > 0
    fractions = counts / counts.sum(1, keepdims=True)  # (n, slots)
    magpie = _statistics(values.magpie[numbers], fractions, used)
    norms = [used.sum(1) if p == 0 else (fractions**p).sum(1) ** (1 / p) for p in NORMS]
    mean = {name: magpie[:, place, 3] for place, name in enumerate(values.properties)}
    orbitals = [mean[f"N{orbital}Valence"] / mean["NValence"] for orbital in ORBITALS]
    band_centre = np.prod(np.where(used, values.mulliken[numbers], 1.0) ** fractions, axis=1)
    amounts = np.zeros((len(numbers), LAST_ELEMENT + 1))
    np.put_along_axis(amounts, numbers, fractions, axis=1)  # unused slots write 0 to the unused element 0
    columns = [*norms, *orbitals, *_ionic(numbers, counts, fractions), band_centre]
    return np.concatenate(
        [
            magpie.reshape(len(numbers), -1),
            np.stack(columns, axis=1),
            amounts[:, 1:],
            used.sum(1, keepdims=True),
        ],
        axis=1,
    ).astype(np.float32)


def _statistics(values: FloatArray, fractions: FloatArray, used: BoolArray) -> FloatArray:
    """STATISTICS over the elements of each composition, (n, slots, k) -> (n, k, 6)."""
    inside = used[:, :, None]
    weights = fractions[:, :, None]
    low = np.where(inside, values, np.inf).min(1)
    high = np.where(inside, values, -np.inf).max(1)
    mean = (weights * values).sum(1)
    deviation = (weights * np.abs(values - mean[:, None])).sum(1)
    commonest = np.isclose(weights, weights.max(1, keepdims=True)) & inside
    mode = np.where(commonest, values, np.inf).min(1)
    return np.stack([low, high, high - low, mean, deviation, mode], axis=-1)


def _ionic(
    numbers: IntArray, counts: IntArray, fractions: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Charge balance with one oxidation state per element; largest and mean ionic character of pairs."""
    values, used = elemental_values(), counts > 0
    electronegativity = values.electronegativity[numbers]
    difference = electronegativity[:, :, None] - electronegativity[:, None, :]
    pairs = np.triu(np.ones((numbers.shape[1],) * 2, dtype=bool), 1) & used[:, :, None] & used[:, None, :]
    character = np.where(pairs, 1 - np.exp(-0.25 * difference**2), 0)
    mean = (character * fractions[:, :, None] * fractions[:, None, :]).sum((1, 2))
    possible = [
        _balances(elements[amounts > 0].tolist(), amounts[amounts > 0].tolist())
        for elements, amounts in zip(numbers, counts, strict=True)
    ]
    return np.array(possible, dtype=float), character.max((1, 2)), mean


def _balances(numbers: list[int], counts: list[int]) -> bool:
    if len(numbers) == 1:
        return True
    states, sums = elemental_values().oxidation_states, {0}
    for number, count in zip(numbers, counts, strict=True):
        sums = {total + state * count for total in sums for state in states[number]}
    return 0 in sums


def lattice_counts(counts: IntArray) -> Float32Array:
    """Counts of MLatticeABC: atoms; largest, smallest, mean, variance over the elements."""
    total, high, low, mean = _count_statistics(counts)
    used = counts > 0
    variance = (np.where(used, counts - mean[:, None], 0) ** 2).sum(1) / used.sum(1)
    return np.stack([total, high, low, mean, variance], axis=1).astype(np.float32)


def group_counts(counts: IntArray) -> Float32Array:
    """Counts of SG_predict: atoms; largest, smallest, mean count; formula units; variance of fractions."""
    total, high, low, mean = _count_statistics(counts)
    used = counts > 0
    fractions = counts / total[:, None]
    variance = (np.where(used, fractions - (1 / used.sum(1))[:, None], 0) ** 2).sum(1) / used.sum(1)
    units = np.gcd.reduce(counts, axis=1)
    return np.stack([total, high, low, mean, units, variance], axis=1).astype(np.float32)


def _count_statistics(counts: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    used = counts > 0
    total = counts.sum(1).astype(float)
    low = np.where(used, counts, np.iinfo(np.int64).max).min(1).astype(float)
    return total, counts.max(1).astype(float), low, total / used.sum(1)

"""Other settings of a pseudo-symmetric cell: nearly the same lattice, with its axes exchanged."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from alphacrystal.diffraction._reflections import Reflections
from alphacrystal.typing import FloatArray, IntArray

NEARLY_EQUAL = 0.04  # relative difference of metric tensors
SAME = 0.003  # distance of strains that the fit bridges
MAX_REMAINDER = 0.01  # strain that the crystal's symmetry does not allow
MAX_SETTINGS = 8


def pseudo_symmetric_strains(reflections: Reflections, strains: FloatArray) -> list[FloatArray]:
    """Strains that give nearly the lattice of ``strains``, turned against the atoms.

    A distorted perovskite with a pseudo-cubic cell has six assignments of its axes. Reflections coincide with
    measured peaks in all of them, so that a fit does not leave the wrong one. None where the lattice has only
    the symmetry of the crystal.

    Args:
        reflections: Of the crystal.
        strains: Fitted free strains, shape (strains,).

    Returns:
        Arrays of shape (strains,), nearest first.
    """
    lattice = reflections.strained_lattice(strains)
    metric = lattice @ lattice.T
    lengths = np.sqrt(np.diag(metric))
    changes = _unimodular()
    others = changes @ metric @ np.transpose(changes, (0, 2, 1))  # (changes, 3, 3)
    difference = np.abs(others - metric) / np.outer(lengths, lengths)
    others = others[difference.max(axis=(1, 2)) < NEARLY_EQUAL]
    direct = reflections.crystal.lattice
    # The reciprocal metric is R (1 + S) Rᵀ with the rows R of the reciprocal cell, so S follows from it.
    tensors = direct.T @ np.linalg.inv(others) @ direct - np.eye(3)
    amounts = np.einsum("nij,mij->nm", tensors, reflections.strain_basis)
    remainder = tensors - np.einsum("nm,mij->nij", amounts, reflections.strain_basis)
    allowed = amounts[np.linalg.norm(remainder, axis=(1, 2)) < MAX_REMAINDER]
    distances = np.linalg.norm(allowed - strains, axis=1)
    chosen: list[FloatArray] = []
    for index in np.argsort(distances, kind="stable"):
        known = [strains, *chosen]
        if all(np.linalg.norm(allowed[index] - other) > SAME for other in known):
            chosen.append(allowed[index])
        if len(chosen) == MAX_SETTINGS:
            break
    return chosen


@cache
def _unimodular() -> IntArray:
    """Matrices of -1, 0 and 1 with determinant 1, shape (3480, 3, 3)."""
    matrices = np.array(list(product((-1, 0, 1), repeat=9)), dtype=np.int64).reshape(-1, 3, 3)
    return np.asarray(matrices[np.rint(np.linalg.det(matrices)) == 1], dtype=np.int64)

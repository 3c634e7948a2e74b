"""Lattice parameters and symmetry hypotheses: the words every stage shares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alphacrystal.typing import FloatArray


@dataclass(frozen=True, slots=True)
class LatticeParameters:
    """Conventional cell lengths in Å and angles in degrees."""

    a: float
    b: float
    c: float
    alpha: float
    beta: float
    gamma: float

    def matrix(self) -> FloatArray:
        """Rows are the lattice vectors in Å, shape (3, 3); c along z as in pymatgen."""
        from pymatgen.core import Lattice

        cell = Lattice.from_parameters(self.a, self.b, self.c, self.alpha, self.beta, self.gamma)
        return np.asarray(cell.matrix, dtype=np.float64)

    @property
    def volume(self) -> float:
        """Cell volume in Å³ (0 if the angles do not close)."""
        cosines = [math.cos(math.radians(x)) for x in (self.alpha, self.beta, self.gamma)]
        ca, cb, cg = cosines
        square = 1 - ca * ca - cb * cb - cg * cg + 2 * ca * cb * cg
        return self.a * self.b * self.c * math.sqrt(max(square, 0.0))

    def as_dict(self) -> dict[str, float]:
        """Parameters by name."""
        return {
            "a": self.a,
            "b": self.b,
            "c": self.c,
            "alpha": self.alpha,
            "beta": self.beta,
            "gamma": self.gamma,
        }


@dataclass(frozen=True, slots=True)
class SymmetryHypothesis:
    """A guess of how a composition sits in space, before any coordinate is known.

    Attributes:
        space_group: International number, 1-230.
        occupation: Wyckoff letters taken by each element, e.g. {"Zr": "ab", "Al": "f"}; ITA standard
            setting (unique axis b, hexagonal axes, origin choice 2).
        formula_units: Formula units Z in the primitive cell.
        lattice: Predicted conventional cell.
        lattice_std: One standard deviation of each parameter, Å and degrees; 0 where symmetry fixes it.
        shape_scale: Spread of log volume, log(b/a), log(c/a) and the cosines of the three angles; these vary
            independently, unlike the parameters themselves. 0 where symmetry fixes them or the cell is given.
        log_probability: Natural log of the prior given the composition; comparable within one composition.
        source: Where the hypothesis came from: "type" (learned vocabulary), "enumerated" (new to the
            stoichiometry, related types too) or "given".
    """

    space_group: int
    occupation: dict[str, str]
    formula_units: int
    lattice: LatticeParameters
    lattice_std: LatticeParameters
    shape_scale: tuple[float, float, float, float, float, float]
    log_probability: float
    source: str = "type"

"""The phase of lowest enthalpy by pressure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from alphacrystal.typing import FloatArray

EV_PER_GPA_A3 = 1 / 160.2176634  # eV in 1 GPa Å³, from the charge of the electron (SI 2019)
DERIVATIVES = (1.01, 40.0)  # pressure derivatives of the bulk modulus between which the interpolation solves
GRID = 2001  # pressures between the first and the last at which enthalpies are compared


@dataclass(frozen=True, slots=True, eq=False)
class PhaseEnthalpies:
    """Enthalpies of one phase.

    Attributes:
        pressures: GPa, ascending, shape (n,).
        enthalpies: eV/atom, shape (n,).
        volumes: Å³/atom, shape (n,).
    """

    pressures: FloatArray
    enthalpies: FloatArray
    volumes: FloatArray

    def at(self, pressures: FloatArray) -> FloatArray:
        """Enthalpies in eV/atom at pressures in GPa, shape (m,).

        Between two computed pressures by Murnaghan's equation of state (doi:10.1073/pnas.30.9.244) through
        both enthalpies and volumes. Beyond them by the tangent, which is an upper limit because the volume
        falls with the pressure.
        """
        p, h, v = self.pressures, self.enthalpies, self.volumes
        values = np.where(
            pressures < p[0],
            h[0] + (pressures - p[0]) * v[0] * EV_PER_GPA_A3,
            h[-1] + (pressures - p[-1]) * v[-1] * EV_PER_GPA_A3,
        )
        for i in range(len(p) - 1):
            inside = (p[i] <= pressures) & (pressures <= p[i + 1])
            work = (h[i + 1] - h[i]) / EV_PER_GPA_A3
            values[inside] = h[i] + EV_PER_GPA_A3 * _work(
                pressures[inside] - p[i], p[i + 1] - p[i], v[i], v[i + 1], work
            )
        return np.asarray(values)


def _work(x: FloatArray, width: float, begin: float, end: float, total: float) -> FloatArray:
    """Integral of V dP in GPa Å³ from the begin of an interval of pressure to ``x`` GPa beyond it.

    Args:
        x: From 0 to ``width``.
        width: Of the interval in GPa.
        begin: Volume at its begin in Å³.
        end: Volume at its end in Å³.
        total: Integral over the interval in GPa Å³.
    """
    from scipy.optimize import brentq

    def integral(derivative: float, x: FloatArray) -> FloatArray:
        """For V = begin (1 + B' x / B)^(-1/B'), with the modulus B that gives the volume at the end."""
        modulus = derivative * width / ((begin / end) ** derivative - 1)
        power = (derivative - 1) / derivative
        return np.asarray(begin * modulus / (derivative - 1) * ((1 + derivative * x / modulus) ** power - 1))

    def excess(derivative: float) -> float:
        return float(integral(derivative, np.array(width)) - total)

    if end < begin and excess(DERIVATIVES[0]) * excess(DERIVATIVES[1]) < 0:
        derivative = float(brentq(excess, *DERIVATIVES))
        return np.asarray(integral(derivative, x))
    # No such equation: a cubic polynomial with both integrals and volumes.
    t = x / width
    cubic = width * (begin * t * (1 - t) ** 2 - end * t**2 * (1 - t))
    return np.asarray(total * t**2 * (3 - 2 * t) + cubic)


class PhaseRange(NamedTuple):
    """A range of pressure and the number (from 0) of the phase of lowest enthalpy in it."""

    phase: int
    begin_gpa: float
    end_gpa: float


def lowest_phases(phases: Sequence[PhaseEnthalpies], begin: float, end: float) -> tuple[PhaseRange, ...]:
    """The phase of lowest enthalpy by range of pressure, ascending; neighbours meet at transitions.

    Args:
        phases: Enthalpies, those of a phase at some or all of the pressures.
        begin: First pressure in GPa.
        end: Last pressure in GPa.
    """
    if not phases:
        return ()
    grid = np.linspace(begin, end, GRID)
    values = np.array([phase.at(grid) for phase in phases])
    lowest = values.argmin(0)
    ranges, start = [], begin
    for place in np.flatnonzero(np.diff(lowest)).tolist():
        low, high = int(lowest[place]), int(lowest[place + 1])
        before, after = values[high, place : place + 2] - values[low, place : place + 2]
        transition = float(grid[place] + before / (before - after) * (grid[place + 1] - grid[place]))
        ranges.append(PhaseRange(low, start, transition))
        start = transition
    return (*ranges, PhaseRange(int(lowest[-1]), start, end))


def distances_from_lowest(phases: Sequence[PhaseEnthalpies], pressures: Sequence[float]) -> FloatArray:
    """Least enthalpy of each phase above the lowest one in eV/atom, over its pressures, shape (phases,)."""
    lowest = np.min([phase.at(np.array(pressures)) for phase in phases], axis=0)
    at = dict(zip(pressures, lowest.tolist(), strict=True))
    return np.array(
        [
            min(
                value - at[p]
                for p, value in zip(phase.pressures.tolist(), phase.enthalpies.tolist(), strict=True)
            )
            for phase in phases
        ]
    )

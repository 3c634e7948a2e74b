"""Quasi-Newton minimisation of one crystal in the directions its symmetry leaves free.

There are rarely more than a dozen of them, so a dense Hessian (BFGS with Powell's damping,
doi:10.1007/BFb0067703) is cheap. A trust radius limits the steps.
"""

from __future__ import annotations

import numpy as np

from alphacrystal.crystal import Crystal
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.relaxation._variables import SymmetricVariables
from alphacrystal.typing import FloatArray

#: First guess of the curvature along an atomic displacement, eV/Å².
_ATOM_STIFFNESS = 6.0

#: First guess of the curvature along a strain, eV/Å³ (80 GPa).
_CELL_STIFFNESS = 0.5

#: Energy may rise by this much (eV/atom) in an accepted step: the noise of single precision.
_ENERGY_NOISE = 2e-5

#: What is left of the trust radius after a step that went wrong.
_SHRINK = 0.35


class QuasiNewton:
    """Implements `Minimiser`; see the module's docstring."""

    def __init__(self, crystal: Crystal, settings: RelaxSettings) -> None:
        self.crystal = crystal
        self._settings = settings
        self._variables = SymmetricVariables(crystal, settings)
        self._x = np.zeros(self._variables.size)
        diagonal = np.full(self._variables.size, _ATOM_STIFFNESS)
        diagonal[self._variables.atom_modes :] = _CELL_STIFFNESS * crystal.volume
        self._hessian = np.diag(diagonal)
        self._accepted: tuple[float, FloatArray, FloatArray] | None = None
        self._radius = 1.0

    def tell(self, energy: float, forces: FloatArray, stress: FloatArray) -> None:
        """See `Minimiser.tell`."""
        enthalpy = self._variables.enthalpy(energy)
        gradient = self._variables.gradient(self._x, forces, stress)
        noise = _ENERGY_NOISE * len(self.crystal)
        if self._accepted is not None:
            last_enthalpy, last_gradient, last_x = self._accepted
            step = self._x - last_x
            expected = float(last_gradient @ step + 0.5 * step @ self._hessian @ step)
            self._update_hessian(step, gradient - last_gradient)
            change = enthalpy - last_enthalpy
            if change > noise:
                self.reject()
                return
            if expected < 0 and change < 0.75 * expected:
                self._radius = min(1.0, 2 * self._radius)
            elif expected < -noise and change > 0.25 * expected:
                self._radius *= 0.6
        self._accepted = (enthalpy, gradient, self._x.copy())
        self._step_from(self._x, gradient)

    def reject(self) -> None:
        """See `Minimiser.reject`."""
        assert self._accepted is not None, "the start itself cannot be taken back"
        _, gradient, x = self._accepted
        self._radius *= _SHRINK
        self._step_from(x, gradient)

    def stalled(self) -> bool:
        """See `Minimiser.stalled`."""
        return self._radius < 1e-3

    def _update_hessian(self, step: FloatArray, change: FloatArray) -> None:
        pushed = self._hessian @ step
        curvature = float(step @ pushed)
        product = float(step @ change)
        if curvature <= 1e-14:
            return
        if product < 0.2 * curvature:
            theta = 0.8 * curvature / (curvature - product)
            change = theta * change + (1 - theta) * pushed
            product = float(step @ change)
        self._hessian += np.outer(change, change) / product - np.outer(pushed, pushed) / curvature

    def _step_from(self, origin: FloatArray, gradient: FloatArray) -> None:
        """Go a quasi-Newton step from ``origin``, no longer than the trust radius."""
        values, vectors = np.linalg.eigh(self._hessian)
        step = -vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 1e-3))
        moved = self._variables.displacement(step)
        length = max(
            float(np.sqrt((moved**2).sum(axis=1).max())) / self._settings.max_displacement,
            float(np.abs(self._variables.strain(step)).max()) / self._settings.max_strain,
        )
        if length > self._radius:
            step *= self._radius / length
        self._x = origin + step
        self._variables.place(self._x)

"""Quasi-Newton minimisation of one crystal in the directions its symmetry leaves free.

The variables are symmetric atomic displacements u, taken in the frame of the start, and a symmetric strain
exponent U: the cell is L = L0·exp(U) and the atoms sit at (r0 + u)·exp(U), as in ASE's FrechetCellFilter.
There are rarely more than a dozen of them, so a dense Hessian (BFGS with Powell's damping,
doi:10.1007/BFb0067703) is cheap. A trust radius limits the steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphacrystal.relax._crystal import Crystal
from alphacrystal.relax._potential import EV_PER_A3_IN_GPA
from alphacrystal.relax._settings import RelaxSettings
from alphacrystal.relax._symmetry import CrystalSymmetry, identity_symmetry

FloatArray = NDArray[np.float64]

#: First guess of the curvature along an atomic displacement, eV/Å².
_ATOM_STIFFNESS = 6.0

#: First guess of the curvature along a strain, eV/Å³ (80 GPa).
_CELL_STIFFNESS = 0.5

#: Energy may rise by this much (eV/atom) in an accepted step: the noise of single precision.
_ENERGY_NOISE = 2e-5


class Minimiser:
    """Moves one crystal downhill; `crystal` is always the geometry to evaluate next."""

    def __init__(self, crystal: Crystal, settings: RelaxSettings) -> None:
        symmetry: CrystalSymmetry = crystal.symmetry or identity_symmetry(crystal)
        self.crystal = crystal
        self._settings = settings
        self._pressure = settings.pressure_gpa / EV_PER_A3_IN_GPA
        self._start_lattice = crystal.lattice.copy()
        self._start_frac = crystal.frac_coords.copy()
        self._displacements = symmetry.displacement_basis()
        self._strains = symmetry.strain_basis() if settings.relax_cell else np.zeros((0, 3, 3))
        self._atom_modes = len(self._displacements)
        self._x = np.zeros(self._atom_modes + len(self._strains))
        self._hessian = self._first_hessian()
        self._accepted: tuple[float, FloatArray, FloatArray] | None = None
        self._radius = 1.0

    def tell(self, energy: float, forces: FloatArray, stress: FloatArray) -> None:
        """Take the evaluation of `crystal` (eV, eV/Å, eV/Å³) and move it to the next geometry."""
        enthalpy = energy + self._pressure * self.crystal.volume
        gradient = self._gradient(forces, stress)
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
            elif expected < 0 and change > 0.25 * expected and -expected > noise:
                self._radius *= 0.6
        self._accepted = (enthalpy, gradient, self._x.copy())
        self._move(self._x, gradient)

    def reject(self) -> None:
        """Take back the last step, whose end could not be evaluated, and try a shorter one."""
        assert self._accepted is not None, "the start itself cannot be taken back"
        _, gradient, x = self._accepted
        self._radius *= 0.35
        self._move(x, gradient)

    def stalled(self) -> bool:
        """True where steps have become too short to change anything."""
        return self._radius < 1e-3

    def _first_hessian(self) -> FloatArray:
        diagonal = np.full(len(self._x), _ATOM_STIFFNESS)
        diagonal[self._atom_modes :] = _CELL_STIFFNESS * self.crystal.volume
        return np.diag(diagonal)

    def _strain_exponent(self, x: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("m,mab->ab", x[self._atom_modes :], self._strains))

    def _gradient(self, forces: FloatArray, stress: FloatArray) -> FloatArray:
        """Derivative of the enthalpy by the variables."""
        values, vectors = np.linalg.eigh(self._strain_exponent(self._x))
        stretch = (vectors * np.exp(values)) @ vectors.T
        by_displacement = -np.einsum("mia,ia->m", self._displacements, forces @ stretch)
        virial = self.crystal.volume * (stress + self._pressure * np.eye(3))
        by_stretch = np.linalg.solve(stretch, virial)
        # Daleckii-Krein: divided differences of exp turn d/d(exp U) into d/dU.
        gap = values[:, None] - values[None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            divided = np.exp(values[None, :]) * np.where(np.abs(gap) > 1e-9, np.expm1(gap) / gap, 1.0)
        by_exponent = vectors @ (divided * (vectors.T @ by_stretch @ vectors)) @ vectors.T
        return np.concatenate([by_displacement, np.einsum("mab,ab->m", self._strains, by_exponent)])

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

    def _move(self, origin: FloatArray, gradient: FloatArray) -> None:
        """Set the variables to a quasi-Newton step from ``origin``, no longer than the trust radius."""
        values, vectors = np.linalg.eigh(self._hessian)
        step = -vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 1e-3))
        moved = np.einsum("m,mia->ia", step[: self._atom_modes], self._displacements)
        strain = self._strain_exponent(step)
        length = max(
            float(np.sqrt((moved**2).sum(axis=1).max())) / self._settings.max_displacement,
            float(np.abs(strain).max()) / self._settings.max_strain,
        )
        if length > self._radius:
            step *= self._radius / length
        self._x = origin + step
        exponent_values, exponent_vectors = np.linalg.eigh(self._strain_exponent(self._x))
        stretch = (exponent_vectors * np.exp(exponent_values)) @ exponent_vectors.T
        displacement = np.einsum("m,mia->ia", self._x[: self._atom_modes], self._displacements)
        self.crystal.lattice = self._start_lattice @ stretch
        self.crystal.frac_coords = self._start_frac + displacement @ np.linalg.inv(self._start_lattice)

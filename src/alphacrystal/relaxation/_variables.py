"""The directions in which a crystal can move without losing its symmetry.

A point x holds symmetric atomic displacements u in Å, taken in the frame of the start, and a symmetric strain
exponent U: the cell is L = L0·exp(U) and the atoms sit at (r0 + u)·exp(U), as in ASE's FrechetCellFilter.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from alphacrystal.crystal import Crystal, identity_symmetry
from alphacrystal.relaxation._potential import EV_PER_A3_IN_GPA
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.typing import FloatArray

#: Strains whose share in the plane differs from 1 by less are in the plane.
_EXACT = 1e-6


class Minimiser(Protocol):
    """Moves one crystal downhill; ``crystal`` is always the geometry to evaluate next."""

    crystal: Crystal

    def tell(self, energy: float, forces: FloatArray, stress: FloatArray) -> None:
        """Take the evaluation of ``crystal`` (eV, eV/Å, eV/Å³) and move it to the next geometry."""
        ...

    def reject(self) -> None:
        """Take back the last step, whose end could not be evaluated, and try a shorter one."""
        ...

    def stalled(self) -> bool:
        """True where steps have become too short to change anything."""
        ...


class SymmetricVariables:
    """Symmetric displacements and strains of one crystal as one vector.

    Attributes:
        crystal: Moved by `place`.
        atom_modes: How many of the variables are displacements; they come first.
        size: Number of variables.
    """

    def __init__(self, crystal: Crystal, settings: RelaxSettings) -> None:
        symmetry = crystal.symmetry or identity_symmetry(crystal)
        self.crystal = crystal
        self._pressure = settings.pressure_gpa / EV_PER_A3_IN_GPA
        self._start_lattice = crystal.lattice.copy()
        self._start_frac = crystal.frac_coords.copy()
        self._displacements = symmetry.displacement_basis()
        self._strains = symmetry.strain_basis() if settings.relax_cell else np.zeros((0, 3, 3))
        if settings.in_plane:
            self._strains = _in_plane(self._strains, plane_projector(crystal.lattice))
        self.atom_modes = len(self._displacements)
        self.size = self.atom_modes + len(self._strains)

    def place(self, x: FloatArray) -> None:
        """Move the crystal to the point ``x``, shape (size,)."""
        values, vectors = np.linalg.eigh(self.strain(x))
        stretch = (vectors * np.exp(values)) @ vectors.T
        self.crystal.lattice = self._start_lattice @ stretch
        self.crystal.frac_coords = self._start_frac + self.displacement(x) @ np.linalg.inv(
            self._start_lattice
        )

    def displacement(self, x: FloatArray) -> FloatArray:
        """Atomic displacements in Å, shape (atoms, 3)."""
        return np.asarray(np.einsum("m,mia->ia", x[: self.atom_modes], self._displacements))

    def strain(self, x: FloatArray) -> FloatArray:
        """Strain exponent, shape (3, 3)."""
        return np.asarray(np.einsum("m,mab->ab", x[self.atom_modes :], self._strains))

    def enthalpy(self, energy: float) -> float:
        """Energy + pressure · volume in eV."""
        return energy + self._pressure * self.crystal.volume

    def gradient(self, x: FloatArray, forces: FloatArray, stress: FloatArray) -> FloatArray:
        """Derivative of the enthalpy by the variables at ``x``, where the crystal is; eV/Å and eV."""
        values, vectors = np.linalg.eigh(self.strain(x))
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


def plane_projector(lattice: FloatArray) -> FloatArray:
    """The projector of Cartesian vectors onto the plane of the first two cell vectors, shape (3, 3)."""
    normal = np.cross(lattice[0], lattice[1])
    normal /= np.linalg.norm(normal)
    return np.asarray(np.eye(3) - np.outer(normal, normal), dtype=np.float64)


def _in_plane(strains: FloatArray, projector: FloatArray) -> FloatArray:
    """An orthonormal basis of those strains in the space of ``strains`` that leave the normal unchanged.

    Args:
        strains: Orthonormal basis, shape (modes, 3, 3).
        projector: Onto the plane, shape (3, 3).
    """
    flat = strains.reshape(-1, 9)
    values, vectors = np.linalg.eigh(flat @ (projector @ strains @ projector).reshape(-1, 9).T)
    return np.asarray(np.einsum("mk,kab->mab", vectors.T[values > 1 - _EXACT], strains))

"""Reflections of a crystal: families under its symmetry, with kinematic intensities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.crystal import (
    Crystal,
    StructureLike,
    as_structure,
    identity_symmetry,
    symmetrise_crystal,
)
from alphacrystal.diffraction._scattering import (
    anomalous_dispersion,
    scattering_factor,
    without_scattering_factor,
)
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from alphacrystal.diffraction._pattern import Radiation

SYMPREC = 0.05  # Å
MAX_REFLECTIONS = 2_000_000  # points of the reciprocal lattice that are considered at most
EXTINCT = 1e-12  # of the largest possible |F|²; smaller ones are rounding errors of extinctions
NEGLIGIBLE = 1e-5  # of the sum of all intensities; weaker families are left out


@dataclass(frozen=True, slots=True, eq=False)
class Reflections:
    """Families of symmetry-equivalent reflections of a crystal, by falling d.

    Attributes:
        crystal: The crystal with its symmetry.
        indices: Miller indices of one member in the cell of ``crystal``, shape (families, 3).
        multiplicity: Members of each family, shape (families,).
        square: 1/d² in Å⁻², shape (families,).
        derivative: Derivative of 1/d² by the free strains of the reciprocal cell, shape (families, strains).
        strain_basis: Symmetric tensors of these strains, shape (strains, 3, 3). The reciprocal vectors q have
            1/d² = q·(1 + S)q with the sum S of strains times tensors.
        intensity: Squared structure factor in electrons² times multiplicity, atoms at rest, shape
            (families,).
        displacements: Symmetry-keeping displacements of the atoms in fractional coordinates, of unit length
            in Å over all atoms; shape (modes, atoms, 3), no modes unless they are wanted.
        wavelength: Å, of the anomalous dispersion; None: without.
    """

    crystal: Crystal
    indices: IntArray
    multiplicity: IntArray
    square: FloatArray
    derivative: FloatArray
    strain_basis: FloatArray
    intensity: FloatArray
    displacements: FloatArray
    wavelength: float | None

    def __len__(self) -> int:
        return len(self.indices)

    def strained_lattice(self, strains: FloatArray) -> FloatArray:
        """Direct cell rows in Å after strains of the reciprocal cell, shape (strains,) -> (3, 3)."""
        tensor = np.eye(3) + np.einsum("m,mij->ij", strains, self.strain_basis)
        values, vectors = np.linalg.eigh(tensor)
        return np.asarray(self.crystal.lattice @ (vectors / np.sqrt(values)) @ vectors.T)

    def squared_factors(self, amplitudes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Squared structure factors times multiplicity after displacements, and their derivatives.

        Args:
            amplitudes: Of the displacement modes in Å, shape (modes,).

        Returns:
            Shapes (families,) and (families, modes).
        """
        if not len(amplitudes):
            return self.intensity, np.zeros((len(self), 0))
        coords = self.crystal.frac_coords + np.einsum("m,mai->ai", amplitudes, self.displacements)
        value, slope = _squared_factors(
            self.crystal.numbers, coords, self.indices, self.square, self.wavelength, self.displacements
        )
        return self.multiplicity * value, self.multiplicity[:, None] * slope

    def displaced(self, strains: FloatArray, amplitudes: FloatArray) -> Crystal:
        """The crystal after strains and displacements; its symmetry is kept."""
        coords = self.crystal.frac_coords
        if len(amplitudes):
            coords = coords + np.einsum("m,mai->ai", amplitudes, self.displacements)
        lattice, symmetry = self.strained_lattice(strains), self.crystal.symmetry
        if symmetry is not None:
            rotations = np.transpose(symmetry.rotations, (0, 2, 1))
            symmetry = replace(symmetry, cartesian=np.linalg.inv(lattice) @ rotations @ lattice)
        return Crystal(self.crystal.numbers, lattice, coords, symmetry)

    def texture_cosines(self, axis: tuple[int, int, int]) -> FloatArray:
        """Squared cosines between the members of each family and a reciprocal axis.

        Members repeat where several operations give them. Shape (families, operations).
        """
        reciprocal = np.linalg.inv(self.crystal.lattice).T
        members = np.einsum("ra,gab->rgb", self.indices, _rotations(self.crystal)) @ reciprocal
        direction = np.array(axis) @ reciprocal
        direction /= np.linalg.norm(direction)
        return np.asarray((members @ direction) ** 2 / (members**2).sum(axis=-1))

    def texture_axes(self, count: int = 5) -> tuple[tuple[int, int, int], ...]:
        """Directions of the first families, which do not depend on the choice of the cell."""
        axes: dict[tuple[int, int, int], None] = {}
        seen: set[tuple[int, ...]] = set()
        for index in self.indices:
            axis = index // np.gcd.reduce(index)
            if tuple(axis.tolist()) not in seen:
                axes[tuple(axis.tolist())] = None
                images = axis @ _rotations(self.crystal)
                seen |= {tuple(image) for image in np.concatenate([images, -images]).tolist()}
            if len(axes) == count:
                break
        return tuple(axes)


def reflections(
    structure: StructureLike | Crystal,
    radiation: Radiation,
    two_theta: tuple[float, float],
    *,
    dispersion: bool = True,
    displacements: bool = False,
    symprec: float = SYMPREC,
) -> Reflections:
    """The reflections of an ordered crystal between two angles 2θ in degrees.

    Args:
        structure: The crystal, in any cell. A `Crystal` keeps the symmetry that it has.
        radiation: Spectral lines; the range of d is that of their mean wavelength.
        two_theta: Smallest and largest angle.
        dispersion: Whether the scattering factors include anomalous dispersion.
        displacements: Whether the free coordinates of the atoms get displacement modes.
        symprec: Tolerance of the symmetry in Å.

    Raises:
        InputError: The crystal is disordered, an element has no scattering factor, or the cell has too many
            reflections.
    """
    crystal = structure if isinstance(structure, Crystal) else symmetric_crystal(structure, symprec)
    wavelength = radiation.mean_wavelength
    low, high = (2 * np.sin(np.radians(np.clip(angle, 0, 180) / 2)) / wavelength for angle in two_theta)
    indices, multiplicity = _families(crystal, low, high)
    reciprocal = np.linalg.inv(crystal.lattice).T
    vectors = indices @ reciprocal
    square = (vectors**2).sum(axis=1)
    symmetry = identity_symmetry(crystal) if crystal.symmetry is None else crystal.symmetry
    basis = symmetry.strain_basis()
    modes = symmetry.displacement_basis() if displacements else np.zeros((0, len(crystal), 3))
    modes = modes @ np.linalg.inv(crystal.lattice)
    anomalous = wavelength if dispersion else None
    intensity = (
        multiplicity
        * _squared_factors(crystal.numbers, crystal.frac_coords, indices, square, anomalous, modes[:0])[0]
    )
    # Displaced atoms may give intensity to reflections that have none now.
    electrons = float(crystal.numbers.sum())
    limit = np.maximum(NEGLIGIBLE * intensity.sum(), EXTINCT * electrons**2 * multiplicity)
    kept = np.flatnonzero(intensity > limit) if not len(modes) else np.arange(len(intensity))
    kept = kept[np.argsort(square[kept], kind="stable")]
    derivative = np.einsum("ri,mij,rj->rm", vectors[kept], basis, vectors[kept])
    return Reflections(
        crystal=crystal,
        indices=indices[kept],
        multiplicity=multiplicity[kept],
        square=square[kept],
        derivative=derivative,
        strain_basis=basis,
        intensity=intensity[kept],
        displacements=modes,
        wavelength=anomalous,
    )


def symmetric_crystal(structure: StructureLike, symprec: float = SYMPREC) -> Crystal:
    """An ordered crystal on exact symmetry, in the cell as given.

    Raises:
        InputError: It is disordered, or an element has no scattering factor.
    """
    given = as_structure(structure)
    if not given.is_ordered:
        raise InputError(f"{given.composition.reduced_formula} is disordered: give an ordered structure.")
    unknown = without_scattering_factor(site.specie.symbol for site in given)
    if unknown:
        raise InputError(
            f"{given.composition.reduced_formula} contains {', '.join(unknown)}: the table of X-ray "
            "scattering factors ends at Cf."
        )
    return symmetrise_crystal(Crystal.from_structure(given), symprec)


def lorentz_polarisation(theta: FloatArray) -> FloatArray:
    """Lorentz-polarisation factor of a powder diffractometer without monochromator; θ in radians.

    De Graef & McHenry, Structure of Materials, 2012, eq. 11.49.
    """
    return np.asarray((1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta)))


def _rotations(crystal: Crystal) -> IntArray:
    """Rotations that act on column vectors of coordinates; each once, shape (operations, 3, 3)."""
    if crystal.symmetry is None:
        return np.eye(3, dtype=np.int64)[None]
    return np.unique(crystal.symmetry.rotations, axis=0)


def _families(crystal: Crystal, low: float, high: float) -> tuple[IntArray, IntArray]:
    """One member of each family with low <= 1/d <= high, and the number of members."""
    limits = np.floor(high * np.linalg.norm(crystal.lattice, axis=1)).astype(int)
    if np.prod(2.0 * limits + 1) > MAX_REFLECTIONS:
        raise InputError(
            f"A cell of {crystal.volume:.0f} Å³ has too many reflections up to d = {1 / high:.2f} Å: "
            "give its primitive cell or a smaller angle."
        )
    ranges = [np.arange(-limit, limit + 1) for limit in limits]
    points = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(points @ np.linalg.inv(crystal.lattice).T, axis=1)
    points = points[(lengths >= max(low, 1e-9)) & (lengths <= high)]
    if not len(points):
        return points, np.zeros(0, dtype=np.int64)
    size = 2 * int(limits.sum()) + 1  # larger than any index of an image
    code = np.array([size**2, size, 1])
    keys = np.zeros(len(points), dtype=np.int64)
    for rotation in _rotations(crystal):
        keys = np.maximum(keys, np.abs(points @ (rotation @ code)))  # a reflection and its inverse are one
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return points[first], counts


def _squared_factors(
    numbers: IntArray,
    frac_coords: FloatArray,
    indices: IntArray,
    square: FloatArray,
    wavelength: float | None,
    displacements: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Mean of |F|² over a reflection and its inverse, and its derivatives by displacement amplitudes.

    Shapes (families,) and (families, modes).
    """
    regular, absorbed = np.zeros((2, len(indices)), dtype=complex)
    slopes = np.zeros((2, len(indices), len(displacements)), dtype=complex)
    for number in np.unique(numbers).tolist():
        members = numbers == number
        phases = np.exp(2j * np.pi * (indices @ frac_coords[members].T))  # (families, atoms)
        shift = 0j if wavelength is None else anomalous_dispersion(number, wavelength)
        factor = scattering_factor(chemical_symbols[number], number, square / 4) + shift.real
        total = phases.sum(axis=1)
        regular += factor * total
        absorbed += shift.imag * total
        if len(displacements):
            turns = np.einsum("ri,mai->ram", indices, displacements[:, members])
            moved = 2j * np.pi * np.einsum("ra,ram->rm", phases, turns)
            slopes[0] += factor[:, None] * moved
            slopes[1] += shift.imag * moved
    value = np.abs(regular) ** 2 + np.abs(absorbed) ** 2
    slope = 2 * (regular.conj()[:, None] * slopes[0] + absorbed.conj()[:, None] * slopes[1]).real
    return value, slope

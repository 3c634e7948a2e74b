"""The calculated powder profile of a crystal as a function of cell, shifts, widths, displacement, texture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from alphacrystal.diffraction._profile import PeakShapes, peak_shapes
from alphacrystal.diffraction._reflections import Reflections, lorentz_polarisation
from alphacrystal.typing import FloatArray

DEGREES = 180 / np.pi


@dataclass(frozen=True, slots=True)
class Profile:
    """Instrument and sample parameters of a powder profile.

    Attributes:
        zero: Zero shift in degrees 2θ.
        displacement: Sample displacement as a shift of ``displacement`` times cos θ in degrees 2θ.
        width: Full width at half maximum in degrees at 2θ = 0.
        strain_width: Increase of the full width in degrees per unit of tan θ.
        mixing: Lorentzian fraction of the pseudo-Voigt profile, 0 to 1.
        b_iso: Isotropic displacement parameter B of all atoms in Å².
        texture: Logarithm of the March-Dollase coefficient; 0: no texture, negative: plates.
    """

    zero: float = 0.0
    displacement: float = 0.0
    width: float = 0.1
    strain_width: float = 0.02
    mixing: float = 0.5
    b_iso: float = 0.7
    texture: float = 0.0

    def as_array(self) -> FloatArray:
        """The values in the order of the fields, shape (7,)."""
        return np.array([getattr(self, field.name) for field in fields(self)])

    @classmethod
    def from_array(cls, values: FloatArray) -> Profile:
        """The parameters of an array in the order of the fields."""
        return cls(*values.tolist())

    def replaced(self, **changes: float) -> Profile:
        """The same with other values."""
        return replace(self, **changes)


PROFILE_SIZE = len(fields(Profile))


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Each reflection with each spectral line, shapes (lines, families) unless stated.

    Attributes:
        square: 1/d² in Å⁻², shape (families,).
        tangent: tan θ.
        cosine: cos θ.
        common: Intensity per squared structure factor without texture.
        shapes: Profiles, of lines × families.
    """

    square: FloatArray
    tangent: FloatArray
    cosine: FloatArray
    common: FloatArray
    shapes: PeakShapes


def _columns(*values: FloatArray) -> FloatArray:
    """Arrays of shape (lines, families) as columns, shape (lines × families, values)."""
    return np.stack([value.ravel() for value in values], axis=-1)


class ProfileModel:
    """Profile of a crystal on an even grid of 2θ, with derivatives.

    Parameters are the free strains, the fields of `Profile`, and the amplitudes of the displacement modes.

    Args:
        reflections: Of the crystal.
        wavelengths: Å, shape (lines,).
        weights: Intensity of each line, shape (lines,).
        grid: First point, step (degrees) and number of points.
        cosines: Squared cosines to the texture axis (`Reflections.texture_cosines`), or None.
    """

    def __init__(
        self,
        reflections: Reflections,
        wavelengths: Sequence[float],
        weights: Sequence[float],
        grid: tuple[float, float, int],
        cosines: FloatArray | None = None,
    ) -> None:
        self.reflections, self.cosines = reflections, cosines
        self._wavelengths = np.array(wavelengths)[:, None]
        self._weights = np.array(weights)[:, None]
        self._grid = grid
        self._start, self._step, self._points = grid

    @property
    def modes(self) -> int:
        """Number of free strains."""
        return len(self.reflections.strain_basis)

    def with_texture(self, cosines: FloatArray) -> ProfileModel:
        """The same model with a texture axis."""
        wavelengths, weights = self._wavelengths[:, 0].tolist(), self._weights[:, 0].tolist()
        return ProfileModel(self.reflections, wavelengths, weights, self._grid, cosines)

    def __call__(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Profile, shape (points,), and its Jacobian, shape (points, parameters)."""
        family = self.reflections
        profile, amplitudes = self._split(parameters)
        lines = self._lines(parameters)
        square, tangent, cosine = lines.square, lines.tangent, lines.cosine
        factor, by_displacement = family.squared_factors(amplitudes)
        texture, by_texture = march_dollase(self.cosines, profile.texture)
        area = lines.common * factor * texture
        by_strain = (DEGREES * tangent / square * area)[..., None] * family.derivative
        by_amplitude = (lines.common * texture)[..., None] * by_displacement
        shapes = lines.shapes
        centre = shapes.total(
            shapes.by_centre,
            np.column_stack([by_strain.reshape(area.size, -1), _columns(area, area * cosine)]),
        )
        width = shapes.total(shapes.by_width, _columns(area, area * tangent))
        mixing = shapes.total(shapes.by_mixing, _columns(area))
        weights = _columns(area, -area * square / 2, lines.common * factor * by_texture)
        value = shapes.total(shapes.value, np.column_stack([weights, by_amplitude.reshape(area.size, -1)]))
        return value[:, 0], np.column_stack([centre, width, mixing, value[:, 1:]])

    def reweighted(self, parameters: FloatArray, factors: FloatArray) -> FloatArray:
        """Profiles with other intensities.

        Args:
            parameters: Shape (parameters,).
            factors: Factors of the intensities of the families, shape (families, profiles).

        Returns:
            Shape (points, profiles).
        """
        lines = self._lines(parameters)
        area = lines.common * self.reflections.squared_factors(self._split(parameters)[1])[0]
        weights = area[..., None] * factors
        return lines.shapes.total(lines.shapes.value, weights.reshape(area.size, -1))

    def _split(self, parameters: FloatArray) -> tuple[Profile, FloatArray]:
        """Profile parameters and amplitudes of displacements."""
        values = parameters[self.modes : self.modes + PROFILE_SIZE]
        return Profile.from_array(values), parameters[self.modes + PROFILE_SIZE :]

    def _lines(self, parameters: FloatArray) -> _Lines:
        family, profile = self.reflections, self._split(parameters)[0]
        square = np.maximum(family.square + family.derivative @ parameters[: self.modes], 1e-6)
        sine = self._wavelengths * np.sqrt(square) / 2  # (lines, families)
        reached = sine < 0.999
        theta = np.arcsin(np.where(reached, sine, 0.5))
        tangent, cosine = np.tan(theta), np.cos(theta)
        damping = np.exp(-profile.b_iso * square / 2)
        centres = 2 * DEGREES * theta + profile.zero + profile.displacement * cosine
        widths = profile.width + profile.strain_width * tangent
        return _Lines(
            square=square,
            tangent=tangent,
            cosine=cosine,
            common=self._weights * lorentz_polarisation(theta) * damping * reached,
            shapes=peak_shapes(
                self._start, self._step, self._points, centres.ravel(), widths.ravel(), profile.mixing
            ),
        )

    def centres(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angles 2θ of the strongest line in degrees and integrated intensities, each of shape (families,)."""
        family, (profile, amplitudes) = self.reflections, self._split(parameters)
        square = np.maximum(family.square + family.derivative @ parameters[: self.modes], 1e-6)
        theta = np.arcsin(np.minimum(self._wavelengths[0] * np.sqrt(square) / 2, 0.999))
        texture = march_dollase(self.cosines, profile.texture)[0]
        area = lorentz_polarisation(theta) * np.exp(-profile.b_iso * square / 2) * texture
        angles = 2 * DEGREES * theta + profile.zero + profile.displacement * np.cos(theta)
        return angles, area * family.squared_factors(amplitudes)[0]


def march_dollase(cosines: FloatArray | None, logarithm: float) -> tuple[FloatArray, FloatArray]:
    """Factor of preferred orientation of each family, and its derivative by the logarithm of r.

    Mean over the members of a family of (r² cos²α + sin²α / r)^(-3/2) (Dollase 1986,
    doi:10.1107/S0021889886089458). Ones where no cosines are given.

    Args:
        cosines: cos²α of each member, shape (families, members), or None.
        logarithm: ln r.
    """
    if cosines is None:
        return np.ones(1), np.zeros(1)
    r = np.exp(logarithm)
    base = r**2 * cosines + (1 - cosines) / r
    slope = 2 * r**2 * cosines - (1 - cosines) / r
    return (base**-1.5).mean(axis=1), (-1.5 * base**-2.5 * slope).mean(axis=1)

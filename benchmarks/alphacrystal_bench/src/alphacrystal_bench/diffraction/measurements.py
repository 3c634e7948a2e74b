"""Simulated measurements of held-out compounds, and their crystals with the errors of a potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Crystal, symmetrise_crystal
from alphacrystal.diffraction import CU_KALPHA, Faults, PowderPattern, Profile, reflections, simulate_pattern
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

STRAIN = 0.015  # standard deviation of each component of the strain of the candidate's cell
SHIFT = 0.05  # Å, root mean square displacement of the candidate's atoms where they are free
ANGLES = (10.0, 90.0, 0.02)  # 2θ: first, last, step in degrees
SYMPREC = 0.01  # Å


@dataclass(frozen=True, slots=True)
class Spread:
    """Ranges of the faults of simulated measurements.

    Attributes:
        zero: Standard deviation of the zero shift and of the displacement in degrees.
        width: Smallest and largest full width in degrees.
        strain_width: Largest strain broadening in degrees per tan θ.
        texture: Standard deviation of ln r.
        counts: Smallest and largest count at the highest point.
        background: Largest background relative to the highest point.
        foreign: Intensity of a foreign phase relative to that of the crystal.
    """

    zero: float = 0.04
    width: tuple[float, float] = (0.06, 0.2)
    strain_width: float = 0.2
    texture: float = 0.2
    counts: tuple[float, float] = (1_000.0, 50_000.0)
    background: float = 0.1
    foreign: float = 0.05


ORDINARY = Spread()
POOR = Spread(
    zero=0.08,
    width=(0.15, 0.4),
    strain_width=0.4,
    texture=0.4,
    counts=(200.0, 2_000.0),
    background=0.5,
    foreign=0.3,
)


def measured_pattern(
    structure: Structure, foreign: Structure | None, rng: np.random.Generator, spread: Spread = ORDINARY
) -> PowderPattern:
    """A powder pattern of a crystal with the faults of a laboratory measurement."""
    axes = reflections(structure, CU_KALPHA, (5.0, 60.0)).texture_axes()
    profile = Profile(
        zero=float(rng.normal(0, spread.zero)),
        displacement=float(rng.normal(0, spread.zero)),
        width=float(rng.uniform(*spread.width)),
        strain_width=float(rng.uniform(0, spread.strain_width)),
        mixing=float(rng.uniform(0.2, 0.9)),
        b_iso=float(rng.uniform(0.3, 1.2)),
        texture=float(rng.normal(0, spread.texture)),
    )
    faults = Faults(
        counts=float(np.exp(rng.uniform(*np.log(spread.counts)))),
        background=float(rng.uniform(0.005, spread.background)),
        texture_axis=axes[int(rng.integers(len(axes)))] if axes else None,
        foreign=() if foreign is None else (foreign,),
        foreign_share=spread.foreign,
    )
    first, last, step = ANGLES
    return simulate_pattern(structure, np.arange(first, last, step), profile=profile, faults=faults, rng=rng)


def with_errors_of_a_potential(structure: Structure, rng: np.random.Generator) -> Structure:
    """The crystal with another cell and other free coordinates; its symmetry is kept."""
    crystal = symmetrise_crystal(Crystal.from_structure(structure), SYMPREC)
    symmetry = crystal.symmetry
    assert symmetry is not None
    basis = symmetry.strain_basis()
    tensor = np.einsum("m,mij->ij", rng.normal(0, STRAIN, len(basis)), basis)
    # A crystal of high symmetry has fewer free strains; each length still changes by the same amount.
    tensor *= STRAIN * np.sqrt(3) / max(float(np.linalg.norm(tensor)), 1e-12) * float(rng.uniform(0.3, 1.5))
    moved = _displaced(crystal, symmetry.displacement_basis(), rng)
    return Crystal(crystal.numbers, crystal.lattice @ (np.eye(3) + tensor), moved).to_structure()


def _displaced(crystal: Crystal, modes: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Fractional coordinates after a random combination of the modes."""
    if not len(modes):
        return crystal.frac_coords
    shift = np.einsum("m,mai->ai", rng.normal(0, 1, len(modes)), modes)
    moved = np.linalg.norm(shift, axis=1) > 1e-6
    shift *= SHIFT / np.sqrt(np.mean(np.sum(shift[moved] ** 2, axis=1)))
    return np.asarray(crystal.frac_coords + shift @ np.linalg.inv(crystal.lattice))

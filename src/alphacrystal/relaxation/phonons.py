"""Harmonic phonons by finite displacements with phonopy: dynamic stability and free energy."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat

from alphacrystal.errors import InputError, PotentialError
from alphacrystal.relaxation._checked import evaluate_structures
from alphacrystal.runtime.registry import require_package

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation._potential import Potential
    from alphacrystal.typing import FloatArray

SUPERCELL_LENGTH = 10.0  # Å between opposite faces of the supercell, at least
MAX_SUPERCELL_ATOMS = 400
DISPLACEMENT = 0.03  # Å
MESH_LENGTH = 30.0  # Å; phonopy's measure of the density of the mesh of wave vectors
BAND_POINTS = 51  # of each segment of the band path
IMAGINARY = -0.2  # THz; less negative frequencies are errors of the potential and the interpolation
BATCH_ATOMS = 2000  # atoms of the supercells that are evaluated together
EV_PER_KJ_MOL = 1 / 96.48533212  # from the Faraday constant (SI 2019)


class BandSegment(BaseModel):
    """A straight part of the band path.

    Attributes:
        begin: Label of its first wave vector, e.g. "Γ".
        end: Label of its last one.
        distances: 1/Å from the start of the path, shape (points,).
        frequencies: THz, shape (points, bands).
    """

    model_config = ConfigDict(frozen=True)

    begin: str
    end: str
    distances: list[FiniteFloat]
    frequencies: list[list[FiniteFloat]]


class Phonons(BaseModel):
    """Phonons of one crystal.

    Attributes:
        supercell: Repeats of the cell along its vectors.
        atoms: Atoms of the supercell.
        displacements: Supercells whose forces were evaluated.
        lowest_frequency_thz: THz, negative for an imaginary one; over a mesh and the band path.
        zero_point_energy_per_atom_ev: eV/atom.
        temperature_k: K.
        free_energy_per_atom_ev: Vibrational part at that temperature in eV/atom, imaginary modes left out.
        bands: Frequencies along the path of seekpath.
    """

    model_config = ConfigDict(frozen=True)

    supercell: tuple[int, int, int]
    atoms: int
    displacements: int
    lowest_frequency_thz: FiniteFloat
    zero_point_energy_per_atom_ev: FiniteFloat
    temperature_k: FiniteFloat
    free_energy_per_atom_ev: FiniteFloat
    bands: tuple[BandSegment, ...] = ()

    @property
    def stable(self) -> bool:
        """Whether no frequency is imaginary beyond the tolerance IMAGINARY."""
        return self.lowest_frequency_thz > IMAGINARY


def require_phonopy() -> None:
    """Check that phonopy and seekpath are installed.

    Raises:
        InputError: One of them is missing.
    """
    for package in ("phonopy", "seekpath"):
        require_package(package, "phonons", "A phonon calculation")


def supercell_repeats(structure: Structure) -> tuple[int, int, int]:
    """Repeats that put opposite faces SUPERCELL_LENGTH apart, fewer if there would be too many atoms.

    Odd repeats above 1 are raised by one, so that modes at the zone boundary fit into the supercell.

    Raises:
        InputError: The cell itself has more atoms than MAX_SUPERCELL_ATOMS.
    """
    if len(structure) > MAX_SUPERCELL_ATOMS:
        raise InputError(f"{len(structure)} atoms are too many for phonons: at most {MAX_SUPERCELL_ATOMS}.")
    heights = 1 / np.linalg.norm(structure.lattice.reciprocal_lattice_crystallographic.matrix, axis=1)
    length = SUPERCELL_LENGTH
    while True:
        least = [max(1, math.ceil(length / height - 1e-6)) for height in heights.tolist()]
        a, b, c = (n + n % 2 if n > 1 else n for n in least)
        if len(structure) * a * b * c <= MAX_SUPERCELL_ATOMS:
            return a, b, c
        length *= 0.9


@dataclass(frozen=True, slots=True)
class HarmonicCrystal:
    """A crystal with its force constants.

    Attributes:
        structure: Primitive cell.
        supercell: Repeats of the cell along its vectors.
        displacements: Supercells whose forces were evaluated.
        phonopy: The Phonopy object with the force constants.
    """

    structure: Structure
    supercell: tuple[int, int, int]
    displacements: int
    phonopy: Any


def compute_phonons(structure: Structure, potential: Potential, *, temperature: float = 300.0) -> Phonons:
    """Phonons of a relaxed crystal.

    Args:
        structure: Primitive cell at a minimum of the potential under its symmetry.
        potential: Gives the forces.
        temperature: K, of the free energy.

    Raises:
        InputError: phonopy is missing, or the cell is too large.
        PotentialError: The potential gives no forces for a supercell.
    """
    return phonons_of(harmonic_crystal(structure, potential), temperature=temperature)


def harmonic_crystal(structure: Structure, potential: Potential) -> HarmonicCrystal:
    """Force constants of a relaxed crystal by finite displacements; arguments as `compute_phonons`.

    Raises:
        InputError: phonopy is missing, or the cell is too large.
        PotentialError: The potential gives no forces for a supercell.
    """
    require_phonopy()
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    repeats = supercell_repeats(structure)
    cell = PhonopyAtoms(
        symbols=[site.specie.symbol for site in structure],
        cell=structure.lattice.matrix,
        scaled_positions=structure.frac_coords,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on defaults of earlier versions of phonopy
        phonopy: Any = Phonopy(cell, supercell_matrix=np.diag(repeats), primitive_matrix="P")
        phonopy.generate_displacements(distance=DISPLACEMENT)
        supercells = _structures(phonopy.supercells_with_displacements)
        phonopy.forces = _forces(supercells, potential)
        phonopy.produce_force_constants()
        phonopy.symmetrize_force_constants()
    return HarmonicCrystal(structure, repeats, len(supercells), phonopy)


def phonons_of(harmonic: HarmonicCrystal, *, temperature: float = 300.0) -> Phonons:
    """Frequencies and free energy at a temperature in K."""
    atoms, phonopy = len(harmonic.structure), harmonic.phonopy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        phonopy.run_mesh(MESH_LENGTH)
        mesh = np.asarray(phonopy.get_mesh_dict()["frequencies"])
        phonopy.run_thermal_properties(temperatures=[0.0, temperature], cutoff_frequency=abs(IMAGINARY) / 4)
        energies = np.asarray(phonopy.get_thermal_properties_dict()["free_energy"]) * EV_PER_KJ_MOL
        bands = _bands(phonopy)
    lowest = min([float(mesh.min()), *(min(map(min, segment.frequencies)) for segment in bands)])
    per_atom = (energies / atoms).tolist()
    return Phonons(
        supercell=harmonic.supercell,
        atoms=atoms * math.prod(harmonic.supercell),
        displacements=harmonic.displacements,
        lowest_frequency_thz=round(lowest, 4),
        zero_point_energy_per_atom_ev=round(per_atom[0], 6),
        temperature_k=temperature,
        free_energy_per_atom_ev=round(per_atom[1], 6),
        bands=bands,
    )


def _structures(cells: Sequence[Any]) -> list[Structure]:
    from pymatgen.core import Lattice, Structure

    return [Structure(Lattice(cell.cell), cell.symbols, cell.scaled_positions) for cell in cells]


def _forces(supercells: Sequence[Structure], potential: Potential) -> list[FloatArray]:
    """Forces in eV/Å of each supercell, shape (atoms, 3)."""
    forces: list[FloatArray] = []
    size = max(1, BATCH_ATOMS // len(supercells[0]))
    for begin in range(0, len(supercells), size):
        evaluation = evaluate_structures(potential, supercells[begin : begin + size])
        if reason := next((text for text in evaluation.failures if text), None):
            raise PotentialError(f"{potential.name} gives no forces of a supercell: {reason}.")
        forces += evaluation.forces
    return forces


def _bands(phonopy: Any) -> tuple[BandSegment, ...]:
    """Frequencies along the path of Hinuma et al., doi:10.1016/j.commatsci.2016.10.015."""
    phonopy.auto_band_structure(npoints=BAND_POINTS)
    content = phonopy.get_band_structure_dict()
    labels = iter(map(_label, phonopy.band_structure.labels))
    connected = phonopy.band_structure.path_connections
    segments, begin = [], next(labels)
    for number, (distances, frequencies) in enumerate(
        zip(content["distances"], content["frequencies"], strict=True)
    ):
        end = next(labels)
        segments.append(
            BandSegment(
                begin=begin,
                end=end,
                distances=np.round(distances, 5).tolist(),
                frequencies=np.round(frequencies, 4).tolist(),
            )
        )
        begin = end if connected[number] else next(labels, end)
    return tuple(segments)


def _label(text: str) -> str:
    """A label of phonopy without LaTeX, e.g. "Γ"."""
    plain = text.replace("$", "").replace("\\mathrm", "").replace("{", "").replace("}", "")
    return (
        plain.replace("\\Gamma", "Γ").replace("\\Sigma", "Σ").replace("\\Delta", "Δ").replace("\\Lambda", "Λ")
    )

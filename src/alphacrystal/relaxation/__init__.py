"""Potentials behind one protocol, and relaxation of atoms and cell that keeps the space group.

`relax` works in this process, `RelaxPool` on workers; formation energies use shipped elemental references.
"""

from alphacrystal.relaxation._ase import AsePotential
from alphacrystal.relaxation._bayesian import BayesianRelaxer, require_optuna
from alphacrystal.relaxation._checked import energies_checked
from alphacrystal.relaxation._dispersion import DispersionPotential, has_dispersion
from alphacrystal.relaxation._energy_process import EnergyProcess, check_supported_elements
from alphacrystal.relaxation._energy_scale import (
    EnergyScale,
    corrected_energy_per_atom,
    mp2020_correction,
    mp2020_correction_per_atom,
)
from alphacrystal.relaxation._pool import RelaxPool
from alphacrystal.relaxation._potential import EnergyModel, Evaluation, Potential, PotentialEnergies
from alphacrystal.relaxation._reference_table import reference_table
from alphacrystal.relaxation._references import (
    elemental_references,
    formation_energy_per_atom,
    read_references,
)
from alphacrystal.relaxation._relax import relax
from alphacrystal.relaxation._relaxation import Relaxation, RelaxationStatus, Relaxer
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.relaxation._torch_sim import TorchSimPotential
from alphacrystal.relaxation.modes import MAX_MODE_ATOMS, DisplacedStructure, displaced_structures
from alphacrystal.relaxation.phonons import (
    IMAGINARY,
    BandSegment,
    HarmonicCrystal,
    Phonons,
    compute_phonons,
    harmonic_crystal,
    phonons_of,
    require_phonopy,
)
from alphacrystal.relaxation.potentials.chgnet.potential import CHGNetPotential
from alphacrystal.relaxation.registry import (
    POTENTIALS,
    EnergyRange,
    PotentialSpec,
    check_potential,
    energy_scale,
    load_energy_model,
    load_potential,
    potential_names,
    register,
)
from alphacrystal.relaxation.user_potentials import (
    potentials_folder,
    register_file,
    registered_files,
    unregister_file,
)

__all__ = [
    "IMAGINARY",
    "MAX_MODE_ATOMS",
    "POTENTIALS",
    "AsePotential",
    "BandSegment",
    "BayesianRelaxer",
    "CHGNetPotential",
    "DispersionPotential",
    "DisplacedStructure",
    "EnergyModel",
    "EnergyProcess",
    "EnergyRange",
    "EnergyScale",
    "Evaluation",
    "HarmonicCrystal",
    "Phonons",
    "Potential",
    "PotentialEnergies",
    "PotentialSpec",
    "RelaxPool",
    "RelaxSettings",
    "Relaxation",
    "RelaxationStatus",
    "Relaxer",
    "TorchSimPotential",
    "check_potential",
    "check_supported_elements",
    "compute_phonons",
    "corrected_energy_per_atom",
    "displaced_structures",
    "elemental_references",
    "energies_checked",
    "energy_scale",
    "formation_energy_per_atom",
    "harmonic_crystal",
    "has_dispersion",
    "load_energy_model",
    "load_potential",
    "mp2020_correction",
    "mp2020_correction_per_atom",
    "phonons_of",
    "potential_names",
    "potentials_folder",
    "read_references",
    "reference_table",
    "register",
    "register_file",
    "registered_files",
    "relax",
    "require_optuna",
    "require_phonopy",
    "unregister_file",
]

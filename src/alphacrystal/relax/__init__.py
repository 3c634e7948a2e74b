"""Potentials behind one protocol, and relaxation of atoms and cell that keeps the space group.

`relax` works in this process, `RelaxPool` on workers; formation energies use shipped elemental references.
"""

from alphacrystal.relax._ase import AsePotential
from alphacrystal.relax._bayesian import BayesianRelaxer, require_optuna
from alphacrystal.relax._checked import energies_checked
from alphacrystal.relax._energy_model import EnergyModel, PotentialEnergies
from alphacrystal.relax._energy_process import EnergyProcess
from alphacrystal.relax._energy_scale import (
    EnergyScale,
    corrected_energy_per_atom,
    mp2020_correction,
    mp2020_correction_per_atom,
)
from alphacrystal.relax._pool import RelaxPool
from alphacrystal.relax._potential import Evaluation, Potential
from alphacrystal.relax._reference_table import reference_table
from alphacrystal.relax._references import elemental_references, formation_energy_per_atom, read_references
from alphacrystal.relax._relax import relax
from alphacrystal.relax._relaxation import Relaxation, RelaxationStatus
from alphacrystal.relax._relaxer import Relaxer
from alphacrystal.relax._settings import RelaxSettings
from alphacrystal.relax.chgnet.potential import CHGNetPotential
from alphacrystal.relax.registry import (
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

__all__ = [
    "POTENTIALS",
    "AsePotential",
    "BayesianRelaxer",
    "CHGNetPotential",
    "EnergyModel",
    "EnergyProcess",
    "EnergyRange",
    "EnergyScale",
    "Evaluation",
    "Potential",
    "PotentialEnergies",
    "PotentialSpec",
    "RelaxPool",
    "RelaxSettings",
    "Relaxation",
    "RelaxationStatus",
    "Relaxer",
    "check_potential",
    "corrected_energy_per_atom",
    "elemental_references",
    "energies_checked",
    "energy_scale",
    "formation_energy_per_atom",
    "load_energy_model",
    "load_potential",
    "mp2020_correction",
    "mp2020_correction_per_atom",
    "potential_names",
    "read_references",
    "reference_table",
    "register",
    "relax",
    "require_optuna",
]

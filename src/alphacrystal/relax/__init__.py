"""Potentials behind one protocol, and relaxation of atoms and cell that keeps the space group.

`relax` works in this process, `RelaxPool` on several; formation energies use shipped elemental references.
"""

from alphacrystal.relax._ase import AsePotential
from alphacrystal.relax._chgnet import CHGNetPotential
from alphacrystal.relax._pool import RelaxPool
from alphacrystal.relax._potential import Evaluation, Potential
from alphacrystal.relax._references import elemental_references, formation_energy_per_atom
from alphacrystal.relax._registry import EnergyRange, check_potential, load_potential, potential_names
from alphacrystal.relax._relax import relax
from alphacrystal.relax._relaxation import Relaxation, RelaxationStatus
from alphacrystal.relax._settings import RelaxSettings

__all__ = [
    "AsePotential",
    "CHGNetPotential",
    "EnergyRange",
    "Evaluation",
    "Potential",
    "RelaxPool",
    "RelaxSettings",
    "Relaxation",
    "RelaxationStatus",
    "check_potential",
    "elemental_references",
    "formation_energy_per_atom",
    "load_potential",
    "potential_names",
    "relax",
]

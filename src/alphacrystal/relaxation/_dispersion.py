"""Potentials with the D3(BJ) dispersion of the package dftd3 (s-dftd3), for layers and molecules."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.units import Bohr, Hartree

from alphacrystal.crystal import Crystal
from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._memory import device_of
from alphacrystal.relaxation._potential import CrystalPotential, Evaluation, Potential
from alphacrystal.runtime.registry import require_package

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from alphacrystal.crystal import StructureLike
    from alphacrystal.typing import FloatArray

DISPERSION = "+d3"  # at the end of the name of a potential with dispersion
FUNCTIONAL = "pbe"  # whose damping parameters are used: the potentials reproduce PBE and PBE+U
PAIR_CUTOFF, COORDINATION_CUTOFF = 30.0, 20.0  # Å


def has_dispersion() -> bool:
    """Whether the package of the dispersion is installed."""
    return find_spec("dftd3") is not None


class DispersionPotential:
    """A potential plus the D3(BJ) dispersion energy without three-body terms.

    S. Grimme, S. Ehrlich and L. Goerigk, doi:10.1002/jcc.21759; damping parameters of PBE.
    """

    def __init__(self, base: Potential) -> None:
        """Load dftd3.

        Args:
            base: Potential without dispersion.

        Raises:
            PotentialError: dftd3 is not installed.
        """
        self.name = base.name + DISPERSION
        require_package("dftd3", "dispersion", f"The potential {self.name}", PotentialError)
        import dftd3.interface

        self.supported_elements = base.supported_elements
        self.device = device_of(base)  # the dispersion itself is computed on the CPU
        self._base = base
        interface: Any = dftd3.interface
        self._damping = interface.RationalDampingParam(method=FUNCTIONAL, atm=False)

    def evaluate(self, structures: Sequence[StructureLike]) -> Evaluation:
        """Energies, forces and stresses; see `Potential.evaluate`."""
        from alphacrystal.crystal import as_structures

        return self.evaluate_crystals([Crystal.from_structure(item) for item in as_structures(structures)])

    def evaluate_crystals(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see `CrystalPotential.evaluate_crystals`."""
        if isinstance(self._base, CrystalPotential):
            plain = self._base.evaluate_crystals(crystals)
        else:
            plain = self._base.evaluate([crystal.to_structure() for crystal in crystals])
        energies, stresses, forces = plain.energies.copy(), plain.stresses.copy(), list(plain.forces)
        for index, crystal in enumerate(crystals):
            if plain.failures[index] is None:
                energy, force, virial = self._dispersion(crystal)
                if crystal.symmetry is not None:
                    force = crystal.symmetry.symmetrise_vectors(force)
                    virial = crystal.symmetry.symmetrise_tensor(virial)
                energies[index] += energy
                forces[index] = forces[index] + force
                stresses[index] += virial / crystal.volume
        return Evaluation(energies, forces, stresses, plain.failures)

    def calculator(self) -> Calculator:
        """An ASE calculator; see `Potential.calculator`."""
        from alphacrystal.relaxation._ase import PotentialCalculator

        return PotentialCalculator(self)

    def _dispersion(self, crystal: Crystal) -> tuple[float, FloatArray, FloatArray]:
        """Energy in eV, forces in eV/Å, shape (atoms, 3), and dE/dstrain in eV, shape (3, 3)."""
        from dftd3.interface import DispersionModel

        positions = crystal.frac_coords @ crystal.lattice
        model: Any = DispersionModel(
            crystal.numbers, positions / Bohr, lattice=crystal.lattice / Bohr, periodic=np.ones(3, dtype=bool)
        )
        model.set_realspace_cutoff(PAIR_CUTOFF / Bohr, PAIR_CUTOFF / Bohr, COORDINATION_CUTOFF / Bohr)
        result = model.get_dispersion(self._damping, grad=True)
        gradient = np.asarray(result["gradient"], dtype=np.float64)
        virial = np.asarray(result["virial"], dtype=np.float64)
        return float(result["energy"]) * Hartree, -gradient * Hartree / Bohr, virial * Hartree

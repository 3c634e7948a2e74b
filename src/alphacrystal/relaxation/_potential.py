"""The protocols of potentials (energies, forces, stresses) and of energy models, which have no forces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.relaxation._memory import device_of
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator
    from pymatgen.core import Structure

    from alphacrystal.crystal import Crystal

#: 1 eV/Å³ in GPa, from the exact SI value of the electronvolt.
EV_PER_A3_IN_GPA = 160.21766340

REMEDY = "choose another with --potential or run with --no-relax"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Energies, forces and stresses of n crystals.

    Attributes:
        energies: Total energies in eV, shape (n,); NaN where the evaluation failed.
        forces: One array per crystal, shape (atoms, 3), in eV/Å.
        stresses: Cauchy stress (1/V) dE/dstrain in eV/Å³, shape (n, 3, 3), ASE's sign: positive means the
            crystal is under tension and wants to shrink.
        failures: Per crystal, one clause that says why it could not be evaluated, or None.
    """

    energies: FloatArray
    forces: list[FloatArray]
    stresses: FloatArray
    failures: tuple[str | None, ...]


@runtime_checkable
class Potential(Protocol):
    """An energy model of periodic crystals."""

    name: str
    supported_elements: frozenset[str]

    def evaluate(self, structures: Sequence[Structure]) -> Evaluation:
        """Energies, forces and stresses; a structure that cannot be evaluated fails alone.

        Raises:
            InputError: A structure holds an element the potential does not know.
        """
        ...

    def calculator(self) -> Calculator:
        """An ASE calculator with energy, forces and stress of this potential."""
        ...


@runtime_checkable
class CrystalPotential(Potential, Protocol):
    """A potential that reads the arrays of the relaxer and may use their symmetry."""

    def evaluate_crystals(self, crystals: Sequence[Crystal]) -> Evaluation:
        """As `evaluate`; forces and stresses are invariant under each crystal's symmetry."""
        ...


def check_elements(structures: Sequence[Structure], potential: Potential) -> None:
    """Refuse structures with elements that ``potential`` does not know.

    Raises:
        InputError: Names the elements and the potential.
    """
    check_known(element_symbols(structures), potential.supported_elements, potential.name)


def element_symbols(structures: Sequence[Structure]) -> set[str]:
    """Symbols of all elements in ``structures``."""
    return {element.symbol for structure in structures for element in structure.composition.elements}


def check_known(
    elements: Iterable[str], known: frozenset[str], potential_name: str, *, remedy: str = REMEDY
) -> None:
    """Refuse elements that a potential does not support.

    Args:
        elements: Symbols.
        known: Symbols of the supported elements.
        potential_name: Name for the message.
        remedy: Last clause of the message.

    Raises:
        InputError: Names the elements and the potential.
    """
    unknown = sorted(set(elements) - known)
    if unknown:
        plural = "elements" if len(unknown) > 1 else "element"
        raise InputError(
            f"The potential {potential_name} does not know the {plural} {', '.join(unknown)}; {remedy}."
        )


@runtime_checkable
class EnergyModel(Protocol):
    """A model that gives the energy of a crystal, or its formation energy; enough for Bayesian relaxation."""

    name: str
    supported_elements: frozenset[str]

    def energies_per_atom(self, structures: Sequence[Structure]) -> FloatArray:
        """Energies in eV/atom, shape (n,), on the scale of `energy_scale`; NaN where there is none.

        Raises:
            InputError: A structure holds an element the model does not know.
        """
        ...


class PotentialEnergies:
    """A potential as an energy model.

    Attributes:
        potential: The potential.
        device: PyTorch's name of its device.
    """

    def __init__(self, potential: Potential) -> None:
        self.name = potential.name
        self.device = device_of(potential)
        self.supported_elements = potential.supported_elements
        self.potential = potential

    def energies_per_atom(self, structures: Sequence[Structure]) -> FloatArray:
        """See `EnergyModel.energies_per_atom`."""
        check_elements(structures, self.potential)
        if not structures:
            return np.zeros(0)
        energies = self.potential.evaluate(structures).energies
        return np.asarray(energies / [len(structure) for structure in structures])

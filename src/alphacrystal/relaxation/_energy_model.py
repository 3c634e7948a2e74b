"""Energies without forces: enough for Bayesian relaxation, and all that MEGNet-style models give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from alphacrystal.relaxation._potential import Potential, check_elements
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


@runtime_checkable
class EnergyModel(Protocol):
    """A model that gives the energy of a crystal, or its formation energy."""

    name: str
    supported_elements: frozenset[str]

    def energies_per_atom(self, structures: Sequence[Structure]) -> FloatArray:
        """Energies in eV/atom, shape (n,), on the scale of `energy_scale`; NaN where there is none.

        Raises:
            InputError: A structure holds an element the model does not know.
        """
        ...


class PotentialEnergies:
    """A potential as an energy model."""

    def __init__(self, potential: Potential) -> None:
        self.name = potential.name
        self.supported_elements = potential.supported_elements
        self._potential = potential

    def energies_per_atom(self, structures: Sequence[Structure]) -> FloatArray:
        """See `EnergyModel.energies_per_atom`."""
        check_elements(structures, self._potential)
        if not structures:
            return np.zeros(0)
        energies = self._potential.evaluate(structures).energies
        return np.asarray(energies / [len(structure) for structure in structures])

"""Models of the package torch-sim-atomistic as potentials."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import Crystal, StructureLike, as_structures
from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._ase import PotentialCalculator
from alphacrystal.relaxation._potential import Evaluation, check_elements

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

_INTERFACE = "torch_sim.models.interface"


class TorchSimPotential:
    """A torch-sim model with energy, forces and stress as a potential; evaluates crystals in batches.

    Attributes:
        name: Name on the command line and in results.
        supported_elements: Symbols of the supported elements.
        device: PyTorch's name of the device of the model.
    """

    def __init__(self, name: str, model: Any, supported_elements: frozenset[str] | None = None) -> None:
        """Wrap ``model``.

        Args:
            name: Name on the command line and in results.
            model: A ``torch_sim.models.interface.ModelInterface``. Its units are eV, eV/Å and eV/Å³, and a
                positive stress is tension.
            supported_elements: Symbols it knows; every element where None: torch-sim models do not say.

        Raises:
            PotentialError: The model computes no forces or no stress, so no crystal can be relaxed with it.
        """
        from ase.data import chemical_symbols

        missing = [word for word in ("forces", "stress") if not getattr(model, f"compute_{word}")]
        if missing:
            raise PotentialError(
                f"The potential {name} cannot relax crystals: its torch-sim model computes no "
                f"{', '.join(missing)}; create it with compute_{missing[0]}=True."
            )
        self.name = name
        self.supported_elements = supported_elements or frozenset(chemical_symbols[1:])
        self.device = str(model.device)
        self._model = model

    def evaluate(self, structures: Sequence[StructureLike]) -> Evaluation:
        """Energies, forces and stresses; see `Potential.evaluate`."""
        crystals = as_structures(structures)
        check_elements(crystals, self)
        return self.evaluate_crystals([Crystal.from_structure(crystal) for crystal in crystals])

    def evaluate_crystals(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see `CrystalPotential.evaluate_crystals`.

        An exception of the model passes through: the caller then evaluates each crystal alone.
        """
        if not crystals:
            return Evaluation(np.zeros(0), [], np.zeros((0, 3, 3)), ())
        import torch_sim
        from ase import Atoms

        atoms = [
            Atoms(crystal.numbers, cell=crystal.lattice, scaled_positions=crystal.frac_coords, pbc=True)
            for crystal in crystals
        ]
        state = torch_sim.initialize_state(atoms, device=self._model.device, dtype=self._model.dtype)
        answer = {name: values.detach().cpu().double().numpy() for name, values in self._model(state).items()}
        energies = answer["energy"].reshape(-1)
        forces = np.split(answer["forces"], np.cumsum([len(crystal) for crystal in crystals])[:-1])
        failures = tuple(
            None
            if np.isfinite(energies[i]) and np.isfinite(part).all() and np.isfinite(answer["stress"][i]).all()
            else f"the potential {self.name} returned NaN"
            for i, part in enumerate(forces)
        )
        return Evaluation(energies, forces, answer["stress"], failures)

    def calculator(self) -> Calculator:
        """An ASE calculator that evaluates one structure at a time."""
        return PotentialCalculator(self)


def is_torch_sim_model(candidate: object) -> bool:
    """Whether an object is a torch-sim model; the package is not imported for the question."""
    interface = sys.modules.get(_INTERFACE)
    return interface is not None and isinstance(candidate, interface.ModelInterface)

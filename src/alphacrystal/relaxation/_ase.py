"""ASE calculators of other packages as potentials, and potentials as ASE calculators."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress

from alphacrystal.crystal import Crystal, StructureLike, as_structures
from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._memory import is_out_of_memory, memory_reason, release_memory
from alphacrystal.relaxation._potential import Evaluation, Potential, check_elements


class AsePotential:
    """An ASE calculator with energy, forces and stress as a potential; takes one crystal at a time.

    Attributes:
        name: Name on the command line and in results.
        supported_elements: Symbols of the supported elements.
        batch_size: 1: nothing is gained by relaxing several crystals side by side.
    """

    batch_size = 1

    def __init__(
        self, name: str, calculator: Calculator, supported_elements: frozenset[str] | None = None
    ) -> None:
        """Wrap ``calculator``.

        Args:
            name: Name on the command line and in results.
            calculator: Its units are ASE's: eV, eV/Å, eV/Å³.
            supported_elements: Symbols it knows; every element where None: ASE calculators do not say.

        Raises:
            PotentialError: The calculator gives no stress, so no cell can be relaxed with it.
        """
        missing = {"energy", "forces", "stress"} - set(calculator.implemented_properties)
        if missing:
            raise PotentialError(
                f"The potential {name} cannot relax crystals: its ASE calculator gives no "
                f"{', '.join(sorted(missing))}."
            )
        self.name = name
        self.supported_elements = supported_elements or frozenset(chemical_symbols[1:])
        self._calculator = calculator

    def evaluate(self, structures: Sequence[StructureLike]) -> Evaluation:
        """Energies, forces and stresses; see `Potential.evaluate`."""
        crystals = as_structures(structures)
        check_elements(crystals, self)
        return self.evaluate_crystals([Crystal.from_structure(crystal) for crystal in crystals])

    def evaluate_crystals(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see `CrystalPotential.evaluate_crystals`."""
        energies = np.full(len(crystals), np.nan)
        forces = [np.full((len(c), 3), np.nan) for c in crystals]
        stresses = np.full((len(crystals), 3, 3), np.nan)
        failures: list[str | None] = [None] * len(crystals)
        for i, crystal in enumerate(crystals):
            atoms = Atoms(
                crystal.numbers, cell=crystal.lattice, scaled_positions=crystal.frac_coords, pbc=True
            )
            atoms.calc = self._calculator
            lacks_memory = False
            try:
                with np.errstate(all="ignore"):
                    energies[i] = float(atoms.get_potential_energy())
                    # Complex numbers and text are refused.
                    forces[i] = np.asarray(atoms.get_forces()).astype(np.float64, casting="same_kind")
                    stresses[i] = np.asarray(atoms.get_stress(voigt=False)).astype(
                        np.float64, casting="same_kind"
                    )
            except Exception as error:  # noqa: BLE001 - a foreign calculator may raise anything
                lacks_memory = is_out_of_memory(error)
                failures[i] = f"the calculator of {self.name} failed: {type(error).__name__} {error}".strip()
            if lacks_memory:
                release_memory()
                failures[i] = memory_reason(self.name, len(crystal))
            if failures[i] is None and not (
                np.isfinite(energies[i]) and np.isfinite(forces[i]).all() and np.isfinite(stresses[i]).all()
            ):
                failures[i] = f"the potential {self.name} returned NaN"
        return Evaluation(energies, forces, stresses, tuple(failures))

    def calculator(self) -> Calculator:
        """The wrapped calculator."""
        return self._calculator


class PotentialCalculator(Calculator):
    """A potential of this package as an ASE calculator."""

    implemented_properties = [  # noqa: RUF012 - ASE declares it so
        "energy",
        "free_energy",
        "forces",
        "stress",
    ]

    def __init__(self, potential: Potential, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._potential = potential

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill ``results`` for ``atoms``."""
        from pymatgen.io.ase import AseAtomsAdaptor

        super().calculate(atoms, list(properties), list(system_changes))  # type: ignore[no-untyped-call]
        evaluation = self._potential.evaluate([AseAtomsAdaptor.get_structure(cast(Atoms, self.atoms))])
        if evaluation.failures[0] is not None:
            raise PotentialError(f"The potential {self._potential.name} failed: {evaluation.failures[0]}.")
        self.results = {
            "energy": float(evaluation.energies[0]),
            "free_energy": float(evaluation.energies[0]),
            "forces": evaluation.forces[0],
            "stress": full_3x3_to_voigt_6_stress(evaluation.stresses[0]),
        }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and standard output of another package."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def first_line(error: Exception) -> str:
    """The first line of an error message, for a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160].rstrip(". ")

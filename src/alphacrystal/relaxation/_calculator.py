"""Our potentials as ASE calculators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._potential import Potential


class PotentialCalculator(Calculator):
    """An ASE calculator that asks one of our potentials."""

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

"""Energy references of a run: the elements and a hull."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphacrystal.ranking._hull import HullPoint, HullReference

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True)
class EnergyReference:
    """How formation energies and energies above the hull are had from those of a potential.

    Attributes:
        potential: Name of the potential.
        pressure_gpa: Energies are enthalpies where it is not zero; formation energies then do not exist, for
            the elements were not compressed.
        references: Elemental energies in eV/atom; the potential's shipped table where None.
        hull: Competing phases, or None.
    """

    potential: str
    pressure_gpa: float = 0.0
    references: Mapping[str, float] | None = None
    hull: HullReference | None = None

    def formation_energy(self, structure: Structure, energy_per_atom: float) -> float | None:
        """Formation energy in eV/atom, corrected if its scale needs it; None without references."""
        from alphacrystal.relaxation import EnergyScale, energy_scale, formation_energy_per_atom

        if self.pressure_gpa != 0:
            return None
        if energy_scale(self.potential) is EnergyScale.FORMATION:
            return energy_per_atom
        corrected = self.corrected_energy(structure, energy_per_atom)
        if corrected is None:
            return None
        # Elements carry no correction, so that of the compound passes to its formation energy.
        counts = structure.composition.get_el_amt_dict()
        return formation_energy_per_atom(counts, corrected, self.potential, self.references)

    def corrected_energy(self, structure: Structure, energy_per_atom: float) -> float | None:
        """Energy or enthalpy in eV/atom with the corrections its scale lacks; None where none is known."""
        from alphacrystal.errors import PotentialError
        from alphacrystal.relaxation import corrected_energy_per_atom, energy_scale

        try:
            return corrected_energy_per_atom(structure, energy_per_atom, energy_scale(self.potential))
        except PotentialError:
            return None

    def elemental_energies(self) -> Mapping[str, float]:
        """Energies of the elements that compounds may fall apart into, eV/atom; none under pressure."""
        from alphacrystal.relaxation import EnergyScale, elemental_references, energy_scale

        if self.pressure_gpa != 0 or self.hull is None:
            return {}
        if energy_scale(self.potential) is EnergyScale.FORMATION:
            return dict.fromkeys(self.hull.elements, 0.0)
        return self.references or elemental_references(self.potential) or {}

    def hull_point(self, structure: Structure) -> HullPoint | None:
        """The hull at the composition of a structure."""
        return None if self.hull is None else self.hull.at(structure.composition.get_el_amt_dict())

    def above_hull(
        self, point: HullPoint | None, structure: Structure, energy_per_atom: float
    ) -> float | None:
        """Energy of a structure above a hull point in eV/atom, on the scale of the hull's phases."""
        if point is None or self.hull is None:
            return None
        on_its_scale = self.formation_energy if self.hull.formation else self.corrected_energy
        energy = on_its_scale(structure, energy_per_atom)
        return None if energy is None else energy - point.energy

    def remarks(self) -> list[str]:
        """Notes on the energies above the hull, one sentence each."""
        if self.hull is None:
            return []
        said = list(self.hull.notes)
        if self.hull.lost:
            said.append(
                f"{self.hull.lost} phases of {self.hull.name} could not be relaxed: the hull lacks them."
            )
        if self.hull.formation:
            said.append(
                f"Energies above hull compare formation energies of {self.potential} with those stored in "
                f"{self.hull.name}: they may differ by some hundredths of an eV/atom for the method alone."
            )
        return said

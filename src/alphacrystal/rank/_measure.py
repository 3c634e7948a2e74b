"""What the energies of a run are measured against: the elements, and a hull."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphacrystal.rank._hull import HullPoint, HullReference

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True)
class EnergyMeasure:
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
        """Formation energy in eV/atom, corrected where its scale asks for it; None where it cannot be had."""
        from alphacrystal.relax import (
            EnergyScale,
            corrected_energy_per_atom,
            energy_scale,
            formation_energy_per_atom,
        )

        if self.pressure_gpa != 0:
            return None
        scale = energy_scale(self.potential)
        if scale is EnergyScale.FORMATION:
            return energy_per_atom
        counts = structure.composition.get_el_amt_dict()
        raw = formation_energy_per_atom(counts, energy_per_atom, self.potential, self.references)
        if raw is None:
            return None
        # Elements carry no correction, so that of the compound passes to its formation energy.
        return raw + corrected_energy_per_atom(structure, energy_per_atom, scale) - energy_per_atom

    def hull_point(self, structure: Structure) -> HullPoint | None:
        """The hull at the composition of a structure."""
        return None if self.hull is None else self.hull.at(structure.composition.get_el_amt_dict())

    def above_hull(
        self, point: HullPoint | None, energy_per_atom: float | None, formation: float | None
    ) -> float | None:
        """Energy above a hull point in eV/atom."""
        if point is None or self.hull is None:
            return None
        own = formation if self.hull.formation else energy_per_atom
        return None if own is None else own - point.energy

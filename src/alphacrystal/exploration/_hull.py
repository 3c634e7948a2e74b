"""The convex hull of the phases of a chemical system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.exploration._system import ChemicalSystem, plain_formula

if TYPE_CHECKING:
    from pymatgen.analysis.phase_diagram import PhaseDiagram

    from alphacrystal.typing import FloatArray, IntArray

#: Sources of phases.
PREDICTED, KNOWN, REFERENCE = "predicted", "known", "reference"
ON_HULL = 1e-6  # eV/atom
#: Facts of a phase that its rows in ``summary.csv`` and ``hull.csv`` have under the same names.
ROW_FACTS = (
    *("space_group_number", "space_group_symbol", "n_atoms", "volume_per_atom_a3"),
    *("probability", "converged", "known", "flags", "unexplained_peaks", "prototype"),
    *("a", "b", "c", "alpha", "beta", "gamma", "density_g_cm3"),
)
MIN_SHARE = 1e-6  # of the atoms, in a decomposition
_SINGULAR = 1e-10  # determinant of the fractions of a facet


def row_facts(row: object) -> dict[str, Any]:
    """The ``ROW_FACTS`` of a phase or of a row of a table."""
    return {name: getattr(row, name) for name in ROW_FACTS}


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """A phase of a chemical system.

    Attributes:
        counts: Atoms in the reduced formula by symbol, least electronegative first.
        energy_per_atom_ev: Energy (under pressure: enthalpy) with the potential in eV/atom, with the
            corrections that its scale needs.
        source: PREDICTED, KNOWN (a known phase whose structure the search has not found) or REFERENCE (the
            shipped energy of an element).
        space_group_number: International number, None where unknown.
        space_group_symbol: Hermann-Mauguin short symbol, "" where unknown.
        n_atoms: Atoms in the primitive cell, None where unknown.
        volume_per_atom_a3: Å³/atom, None where unknown.
        probability: That the structure is the known or ground-state structure of its formula, None where
            unknown.
        converged: Whether the relaxation converged, None where unknown.
        known: Identifier of the known phase, "other structure", "new", or "" without a table.
        flags: Keys of ``alphacrystal.ranking.FLAGS``, separated by blanks.
        r_wp: Weighted profile reliability factor of the fit to the measured pattern, 0 to about 1; None
            without a profile.
        unexplained_peaks: Measured peaks that the structure does not explain, None without a pattern.
        folder: Run folder relative to the folder of the exploration, "" without one.
        file: CIF in the run folder, "" without one.
        prototype: Names of the prototypes of its structure type, "" without one or where unknown.
        a: Å, of the conventional cell, as the five attributes that follow; None where unknown.
        b: Å.
        c: Å.
        alpha: Degrees.
        beta: Degrees.
        gamma: Degrees.
        density_g_cm3: g/cm³, None where unknown.
    """

    counts: Mapping[str, int]
    energy_per_atom_ev: float
    source: str
    space_group_number: int | None = None
    space_group_symbol: str = ""
    n_atoms: int | None = None
    volume_per_atom_a3: float | None = None
    probability: float | None = None
    converged: bool | None = None
    known: str = ""
    flags: str = ""
    r_wp: float | None = None
    unexplained_peaks: int | None = None
    folder: str = ""
    file: str = ""
    prototype: str = ""
    a: float | None = None
    b: float | None = None
    c: float | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    density_g_cm3: float | None = None

    @property
    def formula(self) -> str:
        """Reduced formula without brackets."""
        return plain_formula(self.counts)

    @property
    def misfit(self) -> tuple[float, int] | None:
        """Disagreement with a measured pattern, to compare phases; None without a pattern.

        R_wp, then the number of unexplained peaks, which decides where there is no profile.
        """
        if self.unexplained_peaks is None:
            return None
        return self.r_wp or 0.0, self.unexplained_peaks

    @property
    def trusted(self) -> bool:
        """Whether the phase may be on the hull: its neighbours are ones that the potential describes."""
        return "unknown" not in self.flags.split()


@dataclass(frozen=True, eq=False)
class Hull:
    """The lowest mixtures of phases at each composition.

    Attributes:
        system: The chemical system.
        phases: All phases; each element has at least one.
        pressure_gpa: Pressure of the energies.
    """

    system: ChemicalSystem
    phases: tuple[Phase, ...]
    pressure_gpa: float = 0.0

    @cached_property
    def lowest(self) -> dict[str, int]:
        """Index of the lowest trusted phase of each formula."""
        found: dict[str, int] = {}
        for index, phase in enumerate(self.phases):
            best = found.get(phase.formula)
            if phase.trusted and (
                best is None or phase.energy_per_atom_ev < self.phases[best].energy_per_atom_ev
            ):
                found[phase.formula] = index
        return found

    @cached_property
    def phase_diagram(self) -> PhaseDiagram:
        """The lowest phase of each formula as a phase diagram of pymatgen; entries have the name FORMULA."""
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core import Composition

        entries = []
        for formula, index in self.lowest.items():
            phase = self.phases[index]
            composition = Composition(dict(phase.counts))
            entries.append(
                PDEntry(
                    composition,
                    phase.energy_per_atom_ev * composition.num_atoms,
                    name=formula,
                    attribute=index,
                )
            )
        return PhaseDiagram(entries)

    @cached_property
    def fractions(self) -> FloatArray:
        """Atomic fractions of the phases, shape (phases, elements)."""
        return np.array([self.system.fractions(phase.counts) for phase in self.phases])

    @cached_property
    def energies(self) -> FloatArray:
        """eV/atom, shape (phases,)."""
        return np.array([phase.energy_per_atom_ev for phase in self.phases])

    @cached_property
    def elemental(self) -> FloatArray:
        """Energies of the elements on the hull in eV/atom, shape (elements,)."""
        return np.array([self.energies[self.lowest[symbol]] for symbol in self.system.elements])

    @cached_property
    def facets(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the phases that coexist, one for each element."""
        diagram: Any = self.phase_diagram
        entries = diagram.qhull_entries
        return tuple(tuple(entries[int(i)].attribute for i in facet) for facet in diagram.facets)

    @cached_property
    def _simplices(self) -> IntArray:
        """The facets whose phases have independent compositions, shape (facets, elements)."""
        facets = np.array(self.facets, dtype=np.int64)
        return np.asarray(facets[np.abs(np.linalg.det(self.fractions[facets])) > _SINGULAR])

    @cached_property
    def potentials(self) -> FloatArray:
        """Chemical potentials of the elements on each facet in eV/atom, shape (facets, elements).

        Facets whose phases have dependent compositions are left out.
        """
        corners = self._simplices
        potentials = np.linalg.solve(self.fractions[corners], self.energies[corners][..., None])
        return np.asarray(potentials[..., 0], dtype=np.float64)

    def energy_at(self, fractions: FloatArray) -> FloatArray:
        """Energy of the hull in eV/atom at compositions of shape (n, elements).

        Each facet is part of a plane below the hull, so the hull is the largest of their energies.
        """
        return np.asarray((fractions @ self.potentials.T).max(axis=1))

    @cached_property
    def above(self) -> FloatArray:
        """Energy of each phase above the hull in eV/atom, shape (phases,); 0 for those on the hull."""
        above = self.energies - self.energy_at(self.fractions)
        return np.where(np.abs(above) < ON_HULL, 0.0, above)

    @cached_property
    def formation(self) -> FloatArray:
        """Formation energy of each phase from the elements in eV/atom, shape (phases,)."""
        return self.energies - self.fractions @ self.elemental

    @cached_property
    def stable(self) -> tuple[int, ...]:
        """Indices of the phases on the hull, one for each formula."""
        return tuple(index for index in self.lowest.values() if self.above[index] <= ON_HULL)

    @cached_property
    def by_agreement(self) -> tuple[int, ...]:
        """The phase of each formula that agrees best with the measured pattern, best formula first."""
        compared = [index for index, phase in enumerate(self.phases) if phase.misfit is not None]
        ordered = sorted(compared, key=lambda index: (self.phases[index].misfit, self.above[index], index))
        best: dict[str, int] = {}
        for index in ordered:
            best.setdefault(self.phases[index].formula, index)
        return tuple(best.values())

    @cached_property
    def depths(self) -> FloatArray:
        """Energy of each phase minus that of the hull of the other formulas in eV/atom, shape (phases,).

        Negative for phases on the hull; equal to ``above`` for the others.
        """
        from scipy.optimize import linprog

        depths = self.above.copy()
        lowest = np.array(list(self.lowest.values()))
        for index in self.stable:
            if len(self.phases[index].counts) == 1:
                continue
            others = lowest[lowest != index]
            mixture = linprog(
                self.energies[others], A_eq=self.fractions[others].T, b_eq=self.fractions[index]
            )
            depths[index] = self.energies[index] - mixture.fun
        return depths

    @cached_property
    def _shares(self) -> tuple[IntArray, FloatArray]:
        """The facet of each phase, shape (phases,), and atomic shares of its corners, (phases, elements)."""
        facet = (self.fractions @ self.potentials.T).argmax(axis=1)
        corners = self.fractions[self._simplices[facet]]  # (phases, corners, elements)
        return facet, np.linalg.solve(corners.transpose(0, 2, 1), self.fractions[..., None])[..., 0]

    def decomposition(self, index: int) -> tuple[tuple[str, float], ...]:
        """Formulas on the hull at the composition of a phase, with their fractions of the atoms."""
        facet, shares = self._shares
        corners = self._simplices[facet[index]].tolist()
        parts = [
            (self.phases[corner].formula, float(share))
            for corner, share in zip(corners, shares[index], strict=True)
            if share > MIN_SHARE
        ]
        return tuple(sorted(parts, key=lambda item: (-item[1], item[0])))

    def potential_ranges(self) -> Mapping[str, tuple[tuple[float, float], ...]]:
        """Range of the chemical potential of each element, relative to the element, of each stable phase.

        Returns:
            Formula to one (lowest, highest) in eV for each element; the potentials of the elements are at
            most 0.
        """
        relative = self.potentials - self.elemental
        ranges = {}
        for index in self.stable:
            planes = self._planes(index)
            if len(planes):
                low, high = relative[planes].min(axis=0), relative[planes].max(axis=0)
                ranges[self.phases[index].formula] = tuple(
                    (round(float(a), 6) + 0.0, round(float(b), 6) + 0.0)
                    for a, b in zip(low, high, strict=True)
                )
        return ranges

    def _planes(self, index: int) -> Sequence[int]:
        """Facets whose planes contain a phase."""
        gap = self.energies[index] - self.fractions[index] @ self.potentials.T
        return np.flatnonzero(np.abs(gap) < ON_HULL).tolist()

    def potential_corners(self) -> Mapping[str, FloatArray]:
        """Corners of the region of chemical potentials in which each phase is stable.

        Returns:
            Formula to potentials relative to the elements in eV, shape (corners, elements). The regions of
            elements are unbounded; only their corners with other phases are listed.
        """
        relative = self.potentials - self.elemental
        return {self.phases[i].formula: relative[self._planes(i)] for i in self.stable if self._planes(i)}

"""The result of an exploration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.exploration._hull import Hull, Phase
from alphacrystal.exploration._system import ChemicalSystem, Compositions
from alphacrystal.report import pressure_folder

if TYPE_CHECKING:
    from pymatgen.analysis.phase_diagram import PhaseDiagram


@dataclass(frozen=True, eq=False)
class Exploration:
    """Phases and hulls of a chemical system.

    Attributes:
        system: The chemical system.
        hulls: Hull at each pressure in GPa, ascending.
        compositions: Compositions that were considered, with their probabilities.
        predicted: Number of formulas that were predicted or have failed.
        rounds: Number of finished rounds.
        stopped: Why it ended, e.g. "the budget of 8 formulas is spent"; "" while it runs.
        failures: Reason by run folder of each failed formula.
        folder: Folder of the results.
        potential: Name of the potential.
        pressures: All pressures in GPa; those of ``hulls`` if empty. Some may have no hull yet.
    """

    system: ChemicalSystem
    hulls: Mapping[float, Hull]
    compositions: Compositions
    predicted: int
    rounds: int
    stopped: str
    failures: Mapping[str, str]
    folder: Path
    potential: str
    pressures: tuple[float, ...] = ()

    def results_folder(self, pressure_gpa: float) -> Path:
        """Folder of the results at a pressure: that of the exploration, or one for each of several."""
        several = len(self.pressures or self.hulls) > 1
        return pressure_folder(self.folder, pressure_gpa) if several else self.folder

    @property
    def hull(self) -> Hull:
        """The hull at the lowest pressure."""
        return next(iter(self.hulls.values()))

    @property
    def phase_diagram(self) -> PhaseDiagram:
        """The hull at the lowest pressure as a phase diagram of pymatgen."""
        return self.hull.phase_diagram

    @property
    def stable(self) -> tuple[Phase, ...]:
        """The phases on the hull at the lowest pressure."""
        return tuple(self.hull.phases[index] for index in self.hull.stable)

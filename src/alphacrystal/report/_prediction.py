"""What the pipeline hands over when a run ends, finished or interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alphacrystal.generate import Candidate
    from alphacrystal.rank import RankedStructure
    from alphacrystal.relax import Relaxation


@dataclass(frozen=True, slots=True)
class DistogramSummary:
    """What the distance network says about one cell content.

    Attributes:
        cell_formula: Content of the primitive cell, e.g. "Pb4O4".
        formula_units: Formula units Z in that cell.
        species: Element symbol of each of the n atoms, in the network's order.
        expected_distances: Mean of the predicted distribution of each pair in Å, shape (n, n), diagonal 0.
        bin_edges: Edges of the distance bins in Å, shape (bins + 1,).
        probabilities: Probability of each bin, shape (n, n, bins), or None where only the mean was kept.
    """

    cell_formula: str
    formula_units: int
    species: tuple[str, ...]
    expected_distances: NDArray[np.float64]
    bin_edges: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The outcome of a run for one formula.

    Attributes:
        formula: Reduced formula, e.g. "Zr4Al3".
        formula_text: The formula as the user typed it.
        notes: Sentences the user should read beside the result.
        ranked: Distinct structures in rank order.
        candidates: Every candidate that was made; ``RankedStructure.candidate_index`` points into it.
        relaxations: Relaxation of each relaxed candidate, by candidate index; empty with --no-relax.
        distograms: One per cell content that was tried.
        potential: Name and version of the potential, None with --no-relax.
        hull_reference: Name of the reference set of the energies above hull, None without one.
        energy_unit_note: One clause on what the energies mean, e.g. "enthalpy at 10 GPa".
        timings: Wall seconds by stage, in the order the stages ran.
        complete: False where the run was interrupted; the report then says so.
    """

    formula: str
    formula_text: str
    ranked: tuple[RankedStructure, ...]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()
    relaxations: Mapping[int, Relaxation] = field(default_factory=dict)
    distograms: tuple[DistogramSummary, ...] = ()
    potential: str | None = None
    hull_reference: str | None = None
    energy_unit_note: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    complete: bool = True

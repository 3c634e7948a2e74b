"""What the pipeline hands over when a run ends, finished or interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import py3Dmol
    from ase import Atoms
    from pymatgen.core.structure import Structure
    from rich.console import Group

    from alphacrystal.generate import Candidate
    from alphacrystal.rank import RankedStructure
    from alphacrystal.relax import Relaxation
    from alphacrystal.report._summary import SummaryRow
    from alphacrystal.typing import FloatArray


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
    expected_distances: FloatArray
    bin_edges: FloatArray
    probabilities: FloatArray | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """The outcome of a run for one formula.

    Printed, or shown by rich or Jupyter, it is its ranked list; Jupyter adds a 3D view of the best structure
    where py3Dmol is installed (extra ``notebook``).

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
        folder: The run folder, None where nothing was written.
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
    folder: Path | None = None

    @property
    def rows(self) -> list[SummaryRow]:
        """The rows of ``summary.csv``, best first."""
        from alphacrystal.report._summary import summary_rows

        return summary_rows(self)

    @property
    def structures(self) -> list[Structure]:
        """The ranked crystals, best first: symmetrised conventional cells in the ITA standard setting."""
        return [ranked.structure for ranked in self.ranked]

    @property
    def remarks(self) -> list[str]:
        """Sentences to read before the list."""
        interrupted = [] if self.complete else ["This run was interrupted: the list holds what was finished."]
        return interrupted + list(self.notes)

    def to_ase(self) -> list[Atoms]:
        """The ranked crystals as ASE Atoms, best first; ``info`` holds the row of each."""
        from dataclasses import asdict

        from alphacrystal.crystal import as_atoms

        crystals = []
        for structure, row in zip(self.structures, self.rows, strict=True):
            atoms = as_atoms(structure)
            atoms.info.update({name: value for name, value in asdict(row).items() if value is not None})
            crystals.append(atoms)
        return crystals

    def to_dataframe(self) -> pd.DataFrame:
        """The columns of ``summary.csv`` by rank, and a column ``structure``."""
        import pandas as pd

        from alphacrystal.report._summary import SUMMARY_COLUMNS, column_kinds

        # Columns keep their kind where cells are empty.
        kinds: dict[object, str] = {int | None: "Int64", float | None: "float64", bool | None: "boolean"}
        frame = pd.DataFrame(self.rows, columns=list(SUMMARY_COLUMNS))
        frame = frame.astype({name: kinds[kind] for name, kind in column_kinds().items() if kind in kinds})
        frame["structure"] = pd.Series(self.structures, dtype=object)
        return frame.set_index("rank")

    def view(self, rank: int = 1, *, supercell: tuple[int, int, int] = (1, 1, 1)) -> py3Dmol.view:
        """The structure of a rank in 3D, for Jupyter.

        Raises:
            InputError: There is no such rank, or the extra ``notebook`` is not installed.
        """
        from alphacrystal.errors import InputError
        from alphacrystal.report._crystal_view import crystal_view

        if not 1 <= rank <= len(self.ranked):
            raise InputError(f"There is no rank {rank}: the list holds {len(self.ranked)} structures.")
        return crystal_view(self.ranked[rank - 1].structure, supercell=supercell)

    def __repr__(self) -> str:
        return f"Prediction({self.formula}, {len(self.ranked)} structures, folder={str(self.folder)!r})"

    def __str__(self) -> str:
        from io import StringIO

        from rich.console import Console

        text = StringIO()
        console = Console(
            file=text, width=80, color_system=None, soft_wrap=True, highlight=False, force_jupyter=False
        )
        console.print(self)
        return text.getvalue().rstrip()

    def __rich__(self) -> Group:
        from alphacrystal.report._table import prediction_lines

        return prediction_lines(self)

    def _repr_html_(self) -> str:
        from alphacrystal.report._crystal_view import NEEDS_EXTRA, has_viewer
        from alphacrystal.report._table import html_table

        if not self.ranked:
            return html_table(self)
        below = self.view().write_html() if has_viewer() else f"<p>{NEEDS_EXTRA}</p>"
        return f"{html_table(self)}\n{below}"

"""The result of the pipeline for one formula, finished or interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.report._sentences import list_sentences
from alphacrystal.report._summary import SUMMARY_COLUMNS, SummaryRow, column_types, summary_rows
from alphacrystal.report._table import (
    at_pressure,
    candidate_counts,
    html_table,
    ranked_table,
    table_legend,
    table_titles,
)

if TYPE_CHECKING:
    import pandas as pd
    import py3Dmol
    from ase import Atoms
    from pymatgen.core.structure import Structure
    from rich.console import Group, RenderableType

    from alphacrystal.disorder import Disorder
    from alphacrystal.generate import Candidate
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.relaxation import Relaxation
    from alphacrystal.report._chemistry import Chemistry
    from alphacrystal.report._run_record import CellProbability
    from alphacrystal.typing import FloatArray


@dataclass(frozen=True, slots=True)
class DistogramSummary:
    """The predicted distances of one cell content.

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


@dataclass(frozen=True, slots=True)
class OrbitDistanceSummary:
    """The predicted shortest distances between the orbits of one structure type in its predicted cell.

    Attributes:
        candidate_index: Candidate with this structure type.
        species: Element symbol of each orbit.
        sizes: Atoms of each orbit in the primitive cell.
        labels: Element, multiplicity and Wyckoff letter of each orbit, e.g. "O 8d".
        shortest: Expected shortest distance between an atom of one orbit and an atom of another (or the same)
            in Å, 0 within an orbit of one atom, shape (orbits, orbits).
    """

    candidate_index: int
    species: tuple[str, ...]
    sizes: tuple[int, ...]
    labels: tuple[str, ...]
    shortest: FloatArray


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """The result of a run for one formula.

    The ranked list is its text, in a terminal, in rich and in Jupyter; Jupyter adds a 3D view of the best
    structure where py3Dmol is installed (extra ``notebook``).

    Attributes:
        formula: Reduced formula in the spelling of the user, e.g. "BiVO4".
        formula_text: Input of the user.
        notes: Sentences to read with the result.
        cells: Contents of the primitive cell with their probabilities, most probable first.
        disorder: Disordered crystals whose ordered approximants are among the candidates.
        ranked: Distinct structures in rank order.
        candidates: All candidates; ``RankedStructure.candidate_index`` points into this list.
        relaxations: Relaxation of each relaxed candidate, by candidate index; empty with --no-relax.
        distograms: One per cell content that is small enough for distances between all atoms.
        orbit_distances: For the listed structures with larger cells.
        potential: Name and version of the potential, None with --no-relax.
        hull_reference: Name of the reference set of the energies above hull, None without one.
        pressure_gpa: Pressure of the relaxations; all energies are enthalpies where it is not zero.
        timings: Wall seconds by stage, in the order of the stages.
        complete: False where the run was interrupted; the report then says so.
        folder: The run folder, None where nothing was written.
    """

    formula: str
    formula_text: str
    ranked: tuple[RankedStructure, ...]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()
    cells: tuple[CellProbability, ...] = ()
    disorder: tuple[Disorder, ...] = ()
    relaxations: Mapping[int, Relaxation] = field(default_factory=dict)
    distograms: tuple[DistogramSummary, ...] = ()
    orbit_distances: tuple[OrbitDistanceSummary, ...] = ()
    potential: str | None = None
    hull_reference: str | None = None
    pressure_gpa: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)
    complete: bool = True
    folder: Path | None = None

    @property
    def rows(self) -> list[SummaryRow]:
        """The rows of ``summary.csv``, best first."""
        return summary_rows(self.formula, self.ranked, self.pressure_gpa)

    @property
    def structures(self) -> list[Structure]:
        """The ranked crystals, best first: symmetrised conventional cells in the ITA standard setting."""
        return [ranked.structure for ranked in self.ranked]

    @property
    def chemistry(self) -> list[Chemistry]:
        """Oxidation states, bond valences, coordination and distances of the crystals, best first."""
        from alphacrystal.report._chemistry import chemistry

        return chemistry(self.ranked)

    @property
    def remarks(self) -> list[str]:
        """Sentences to read before the list."""
        interrupted = [] if self.complete else ["This run was interrupted: the list is incomplete."]
        return interrupted + list(self.notes)

    def to_ase(self) -> list[Atoms]:
        """The ranked crystals as ASE Atoms, best first; ``info`` holds the row of each."""
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

        # Columns keep their type where cells are empty.
        nullable: dict[object, str] = {int | None: "Int64", float | None: "float64", bool | None: "boolean"}
        types = {name: nullable[type_] for name, type_ in column_types().items() if type_ in nullable}
        frame = pd.DataFrame(self.rows, columns=list(SUMMARY_COLUMNS)).astype(types)
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
        from rich.console import Group
        from rich.text import Text

        rows = self.rows
        parts: list[RenderableType] = [Text(f"Note: {note.rstrip('.')}.") for note in self.remarks]
        title = at_pressure(self.formula, self.pressure_gpa)
        parts.append(Text(f"{title}: {candidate_counts(len(rows), len(self.candidates))}"))
        if rows:
            parts += [ranked_table(rows), Text(table_legend(rows))]
        parts += [Text(text) for text in list_sentences(rows, table_titles(rows))]
        if self.folder is not None:
            parts.append(Text(f"Report: {self.folder / 'report.html'}"))
        return Group(*parts)

    def _repr_html_(self) -> str:
        from alphacrystal.report._crystal_view import NEEDS_EXTRA, has_viewer

        table = html_table(
            at_pressure(self.formula, self.pressure_gpa), self.rows, len(self.candidates), self.remarks
        )
        if not self.ranked:
            return table
        below = self.view().write_html() if has_viewer() else f"<p>{NEEDS_EXTRA}</p>"
        return f"{table}\n{below}"

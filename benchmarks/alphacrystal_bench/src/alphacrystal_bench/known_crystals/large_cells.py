"""Forty well-known compounds with 21 to 80 atoms in the primitive cell: a smoke test, no evidence.

The table of the package names the compounds and the entries of their known structures; the structures are
read from the data.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from alphacrystal.data import StructureRecord, benchmark_formulas
from alphacrystal.errors import InputError
from alphacrystal.typing import Progress
from alphacrystal_bench.cspbench.compounds import Compound
from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text
from alphacrystal_bench.harness.rows import Row
from alphacrystal_bench.known_crystals.comparison import STRICT
from alphacrystal_bench.known_crystals.lists import ListSettings, predicted_rows
from alphacrystal_bench.known_crystals.page import list_sections, run_details
from alphacrystal_bench.known_crystals.tables import tables

GOAL = 34  # of forty in the first five


@dataclass(frozen=True, slots=True)
class LargeCell:
    """One line of the table.

    Attributes:
        name: Name of the compound or of its structure type.
        formula: Reduced formula.
        space_group: Number of the known structure.
        id: Entry of the known structure.
    """

    name: str
    formula: str
    space_group: int
    id: str


def read_large_cells() -> list[LargeCell]:
    """The compounds of the table."""
    text = files("alphacrystal_bench").joinpath("data/large_cells.csv").read_text(encoding="utf-8")
    return [
        LargeCell(line["name"], line["formula"], int(line["space_group"]), line["id"])
        for line in csv.DictReader(text.splitlines())
    ]


def benchmark_large_cells(
    cells: Sequence[LargeCell],
    records: Iterable[StructureRecord],
    settings: ListSettings,
    out: Path,
    on_progress: Progress,
) -> dict[str, Any]:
    """Predict the compounds and compare their lists with the known structures.

    Args:
        cells: Lines of the table.
        records: Records that contain the entries of the table.
        settings: Settings of the run.
        out: Folder of finished compounds and run folders.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: An entry is not among the records, or is a benchmark compound.
    """
    wanted = {cell.id for cell in cells}
    entries = {record.id: record for record in records if record.id in wanted}
    missing = [cell.id for cell in cells if cell.id not in entries]
    if missing:
        raise InputError(
            f"The records do not contain {', '.join(missing)}: name the data folder with --data."
        )
    hidden = [cell.formula for cell in cells if cell.formula in benchmark_formulas()]
    if hidden:
        raise InputError(f"{', '.join(hidden)} are benchmark compounds: a smoke test must not read them.")
    compounds = [
        Compound(cell.id, entries[cell.id].reduced_formula, entries[cell.id].structure()) for cell in cells
    ]
    result = tables(predicted_rows(compounds, settings, out, on_progress))
    by_id = {cell.id: cell for cell in cells}
    for row in result["rows"]:
        cell = by_id[row["id"]]
        row |= {
            "name": cell.name,
            "expected_space_group": cell.space_group,
            "split": entries[cell.id].split,
        }
    in_five = sum(_within(row, 5) for row in result["rows"])
    return {"in_first_five": in_five, "settings": settings.fixed(), **result}


def _within(row: Row, top: int) -> bool:
    """Whether a structure within the first ones matches with 0.2/0.3/5."""
    rank = row["ranks"][STRICT]
    return rank is not None and rank <= top


def render(result: Mapping[str, Any]) -> str:
    """The rank of each known structure, and all tables."""
    lines = [
        f"# Large cells: {result['n']} well-known compounds",
        "",
        fact_line("large-cells", result, options=" --data DIR", details=run_details(result)),
        "",
        page_text("large_cells_page"),
        "",
        f"{result['in_first_five']} of {result['n']} in the first five (0.2/0.3/5; goal: {GOAL} of 40).",
        "",
        "## Compounds",
        "",
        *markdown_table(
            [
                "compound",
                "formula",
                "space group",
                "atoms",
                "entry",
                "split",
                "rank of the match",
                "rank of the space group",
                "rank of the structure type",
                "lost",
                "wall s",
            ],
            map(_line, result["rows"]),
        ),
        "",
        *list_sections(result),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> list[object]:
    place = [row["ranks"][STRICT], row["space_group_rank"], row["type_rank"]]
    stage = row["stage"][STRICT]
    return [
        row["name"],
        row["formula"],
        row["expected_space_group"],
        row["atoms"],
        row["id"],
        row["split"],
        *("none" if rank is None else rank for rank in place),
        "" if row["ranks"][STRICT] == 1 else label(stage),
        "none" if row["seconds"] is None else f"{row['seconds']:.1f}",
    ]

"""Results of Table 5 as tables of text, for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from alphacrystal_bench.paper_tables.table5_predictors import CONTROLS, FLOORS, NETWORKS, SHORT_NAMES
from alphacrystal_bench.paper_tables.table5_results import Scores, Split, Table5Results
from alphacrystal_bench.paper_tables.table5_rows import TABLE5_ROWS, Table5Row

Quantity = Literal["rmse", "mse", "overlap"]

_FAMILY = {"all": "", "cubic": " cubic", "binary": " binary", "ternary": " ternary"}
# What the paper prints of a row, what we print of a prediction, and of whom.
_PAPER: dict[Quantity, Callable[[Table5Row], str]] = {
    "rmse": lambda row: f"{row.rmse:.3f}",
    "mse": lambda row: f"{row.mse:.3f}",
    "overlap": lambda row: f"{row.overlap:.4f}",
}
_OURS: dict[Quantity, Callable[[Scores], str]] = {
    "rmse": lambda own: f"{own.rmse:.3f} ± {own.rmse_error:.3f}",
    "mse": lambda own: f"{own.mse:.3f}",
    "overlap": lambda own: f"{own.overlap:.4f} / {own.precision:.4f} / {own.f1:.4f}",
}
_NAMES: dict[Quantity, Sequence[str]] = {
    "rmse": (*NETWORKS, *CONTROLS, *FLOORS),
    "mse": (*NETWORKS, *CONTROLS, *FLOORS),
    "overlap": (*NETWORKS, *CONTROLS),
}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text.

    Attributes:
        header: One text per column.
        rows: One text per column each.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def score_table(
    results: Table5Results, split: Split, quantity: Quantity, *, short: bool = False
) -> TextTable:
    """A quantity of every predictor that was run, beside what the paper prints.

    "rmse" in Å is followed by its standard error over the test structures, "overlap" by precision and F1 of
    the pairs below 8 Å; "mse" is in Å². Rows of the table that were not run are left out; the paper's column
    is named "paper". ``short`` leaves out what would not fit 80 columns.
    """
    cells = {
        row: [cell for cell in results.cells if (cell.row, cell.split) == (row.number, split)]
        for row in TABLE5_ROWS
    }
    found = {
        row: {name: scores for cell in own for name, scores in cell.scores.items()}
        for row, own in cells.items()
    }
    names = [name for name in _NAMES[quantity] if any(name in own for own in found.values())]
    shown = (lambda scores: f"{getattr(scores, quantity):.3f}") if short else _OURS[quantity]
    size = "train" if short else "trained / tested on"
    return TextTable(
        ("row", "N", size, "paper", *(SHORT_NAMES[name] if short else name for name in names)),
        tuple(
            (
                f"{row.number}{_FAMILY[row.subset]}",
                str(row.classes),
                f"{cells[row][0].train:,}" + ("" if short else f" / {cells[row][0].test:,}"),
                _PAPER[quantity](row),
                *(shown(own[name]) if name in own else "" for name in names),
            )
            for row, own in found.items()
            if own
        ),
    )


def markdown(table: TextTable) -> str:
    """The same as a Markdown table."""
    lines = [table.header, ("---",) * len(table.header), *table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def table5_legend(results: Table5Results) -> str:
    """What the short names of the columns stand for."""
    known = {name for cell in results.cells for name in cell.scores}

    def named(names: Sequence[str]) -> str:
        return ", ".join(f"{SHORT_NAMES[name]}: {name}" for name in names if name in known)

    parts = {"networks": NETWORKS, "controls": CONTROLS, "floors": FLOORS}
    return "\n".join(f"{part} {text}" for part, names in parts.items() if (text := named(names)))

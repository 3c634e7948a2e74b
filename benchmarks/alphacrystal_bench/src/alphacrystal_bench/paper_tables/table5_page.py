"""Markdown page and tables of the benchmark table5."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, MAX_DISTANCE
from alphacrystal_bench.harness.pages import markdown_table
from alphacrystal_bench.paper_tables.mp12 import PAPER_COUNTS, PAPER_MIN_DISTANCE
from alphacrystal_bench.paper_tables.table5_figures import draw_figures
from alphacrystal_bench.paper_tables.table5_predictors import CONTROLS, DESCRIPTIONS, FLOORS, NAMES, NETWORKS
from alphacrystal_bench.paper_tables.table5_results import (
    TABLE5_METHODS,
    TABLE5_SPLITS,
    DataFacts,
    Scores,
    Settings,
    Split,
    Table5Cell,
    Table5Results,
)
from alphacrystal_bench.paper_tables.table5_rows import FIGURE7_COMPOUNDS, TABLE5_ROWS, Table5Row

Quantity = Literal["rmse", "mse", "overlap"]

INTRODUCTION = (
    "Written by `alphacrystal benchmark table5 --data DIR --page FILE`; every number is measured, except for "
    "the columns *paper*. RMSE and MSE are means over the test structures of the error over all pairs of two "
    "different atoms of the cell, atoms in our canonical order; lower is better. The value after ± is the "
    "standard error over the test structures."
)
ABOUT_OVERLAP = (
    "The paper's overlap (eq. 4) is the share of the true pairs below 8 Å that are predicted below 8 Å, a "
    "recall: every constant below 8 Å reaches 1."
)
WHOLE = ("share", 1.0)
OPTIONS = ("cell", "width", "epochs", "batch", "patience", "pair_epochs", "time_limit", "seed", "share")
_SUBSETS = {"all": "", "cubic": " cubic", "binary": " binary", "ternary": " ternary"}
_PAPER: dict[Quantity, Callable[[Table5Row], str]] = {
    "rmse": lambda row: f"{row.rmse:.3f}",
    "mse": lambda row: f"{row.mse:.3f}",
    "overlap": lambda row: f"{row.overlap:.4f}",
}
_OURS: dict[Quantity, Callable[[Scores], str]] = {
    "rmse": lambda score: f"{score.rmse:.3f} ± {score.rmse_error:.3f}",
    "mse": lambda score: f"{score.mse:.3f}",
    "overlap": lambda score: f"{score.overlap:.4f} / {score.precision:.4f} / {score.f1:.4f}",
}
_SHOWN: dict[Quantity, Sequence[str]] = {
    "rmse": (*NETWORKS, *CONTROLS, *FLOORS),
    "mse": (*NETWORKS, *CONTROLS, *FLOORS),
    "overlap": (*NETWORKS, *CONTROLS),
}


def render(result: Mapping[str, Any]) -> str:
    """The page without figures."""
    results = Table5Results.model_validate(result)
    splits = [split for split in TABLE5_SPLITS if any(cell.split == split for cell in results.cells)]
    parts = ["# Table 5: distance matrices from the composition", INTRODUCTION]
    for split in splits:
        parts += [f"## RMSE in Å, {TABLE5_SPLITS[split]}", score_table(results, split, "rmse")]
    parts += ["## Predictors", _predictors(results)]
    for split in splits:
        parts += [f"## MSE in Å², {TABLE5_SPLITS[split]}", score_table(results, split, "mse")]
    for split in splits:
        title = f"## Overlap / precision / F1 below 8 Å, {TABLE5_SPLITS[split]}"
        parts += [title, score_table(results, split, "overlap")]
    parts.append(ABOUT_OVERLAP)
    if results.data is not None:
        parts += ["## Data", _data(results.data)]
    parts += ["## Runs", _runs(results.cells), "## Commands", _commands(results.cells)]
    return "\n\n".join(parts) + "\n"


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """Draw the figures into a folder with the name of the page."""
    figures = draw_figures(Table5Results.model_validate(result), folder, page.with_suffix(""))
    if not figures:
        return ""
    images = [
        f"![{figure.caption}]({figure.path.relative_to(page.parent)})\n\n{figure.caption}"
        for figure in figures
    ]
    return "\n" + "\n\n".join(["## Figures", *images]) + "\n"


def score_table(results: Table5Results, split: Split, quantity: Quantity) -> str:
    """A Markdown table of every predictor with scores, and the published value.

    "rmse" in Å is followed by its standard error over the test structures, "overlap" by precision and F1 of
    the pairs below 8 Å; "mse" is in Å². Rows without scores are left out.
    """
    cells = {
        row: [cell for cell in results.cells if (cell.row, cell.split) == (row.number, split)]
        for row in TABLE5_ROWS
    }
    scores = {
        row: {name: score for cell in row_cells for name, score in cell.scores.items()}
        for row, row_cells in cells.items()
    }
    names = [name for name in _SHOWN[quantity] if any(name in row for row in scores.values())]
    rows = [
        [
            f"{row.number}{_SUBSETS[row.subset]}",
            str(row.classes),
            f"{cells[row][0].train:,} / {cells[row][0].test:,}",
            _PAPER[quantity](row),
            *(_OURS[quantity](row_scores[name]) if name in row_scores else "" for name in names),
        ]
        for row, row_scores in scores.items()
        if row_scores
    ]
    header = ["row", "N", "trained / tested on", "paper", *(NAMES[name] for name in names)]
    return "\n".join(markdown_table(header, rows))


def _predictors(results: Table5Results) -> str:
    known = {name for cell in results.cells for name in cell.scores}
    return "\n".join(f"- **{NAMES[name]}**: {text}." for name, text in DESCRIPTIONS.items() if name in known)


def _data(data: DataFacts) -> str:
    rows = [
        f"| {subset} | {data.counts[subset]:,} | {PAPER_COUNTS[name]:,} |"
        for subset, name in zip(
            ("all", "cubic", "binary", "ternary"),
            ("mp_12", "mp_12_cubic", "mp_12_binary", "mp_12_ternary"),
            strict=True,
        )
    ]
    recipe = (
        f"Mp_12, selected again from our records: conventional cells of up to {MAX_ATOMS} atoms, one "
        "entry per formula of that cell, all benchmark compounds left out. The matrices are those of the "
        f"{data.cell} cells with at least 2 atoms; the paper does not say which cells it took (`--cell`). "
        f"Digest {data.digest}."
    )
    spread = (
        f"Distances from {data.shortest:.4f} to {data.longest:.4f} Å (paper: {PAPER_MIN_DISTANCE} to "
        f"{MAX_DISTANCE} Å). Classes are N equal parts of 0 to {MAX_DISTANCE} Å, longer "
        f"distances are in the last. {100 * data.of_entries[1]:.1f} % of all entries of the padded matrices "
        f'lie in the second of ten classes (paper: "more than 25%"), {100 * data.of_pairs[1]:.1f} % of the '
        "pairs."
    )
    lines = [recipe, "", "| structures | ours | paper |", "| --- | --- | --- |", *rows, "", spread, ""]
    for formula, identifier in FIGURE7_COMPOUNDS:
        ids = data.examples.get(formula, [])
        where = f"in the data as {', '.join(ids)}" if ids else "not in the data"
        lacks = "" if identifier in ids or not ids else f" (the paper's {identifier} is not)"
        lines.append(f"{formula} of Figure 7 is {where}{lacks}; no row trains or tests on this formula.")
    return "\n".join(lines)


def _runs(cells: Sequence[Table5Cell]) -> str:
    lines = [
        "| predictors | rows | split | settings | commit | begun (UTC) | machine | minutes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    groups: dict[tuple[str, ...], list[Table5Cell]] = {}
    for cell in cells:
        machine = cell.facts["machine"]
        key = (
            TABLE5_METHODS[cell.method],
            cell.split,
            _settings(cell),
            str(cell.facts["commit"]),
            str(cell.facts["time"]),
            f"{machine['cpu']}, {machine['usable_cores']} cores",
        )
        groups.setdefault(key, []).append(cell)
    for (method, split, settings, *rest), group in groups.items():
        rows = ", ".join(str(cell.row) for cell in group)
        minutes = f"{sum(cell.minutes for cell in group):.1f}"
        lines.append("| " + " | ".join([method, rows, split, settings, *rest, minutes]) + " |")
    trained = [cell for cell in cells if cell.notes]
    if trained:
        lines += ["", "Training:", ""]
    for cell in trained:
        notes = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in cell.notes.items())
        lines.append(f"- row {cell.row}, {cell.split}, {TABLE5_METHODS[cell.method]}: {notes}")
    return "\n".join(lines)


def _settings(cell: Table5Cell) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in _given(cell).items())


def _commands(cells: Sequence[Table5Cell]) -> str:
    start = "alphacrystal benchmark table5 --data DIR --out OUT --methods"
    commands = dict.fromkeys(f"{start} {cell.method}{_flags(cell)}" for cell in cells)
    text = "\n".join(commands)
    return f"```\n{text}\n```\n\nThe same --out keeps finished cells; `--page FILE` writes this page."


def _flags(cell: Table5Cell) -> str:
    return "".join(f" --{key.replace('_', '-')} {value}" for key, value in _given(cell).items())


def _given(cell: Table5Cell) -> Settings:
    """Settings in the order of OPTIONS, without defaults."""
    given = {key: cell.settings.get(key) for key in OPTIONS}
    return {key: value for key, value in given.items() if value is not None and (key, value) != WHOLE}

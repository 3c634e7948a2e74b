"""The results of Table 5 as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alphacrystal.data import MP12_MAX_ATOMS, PAPER_COUNTS, PAPER_MAX_DISTANCE, PAPER_MIN_DISTANCE
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal_bench.paper_tables.table5_figures import DrawnFigure, draw_figures
from alphacrystal_bench.paper_tables.table5_predictors import PREDICTORS
from alphacrystal_bench.paper_tables.table5_results import (
    TABLE5_METHODS,
    TABLE5_SPLITS,
    DataFacts,
    Settings,
    Table5Cell,
    Table5Results,
)
from alphacrystal_bench.paper_tables.table5_rows import FIGURE7_COMPOUNDS
from alphacrystal_bench.paper_tables.table5_tables import markdown, score_table

INTRODUCTION = (
    "Written by `alphacrystal benchmark table5 --page`; every number is measured, but for the columns named "
    "*paper*. RMSE and MSE are means over the test structures of the error over all pairs of two different "
    "atoms of the cell, atoms in our canonical order; lower is better. Behind ± stands the standard error "
    "over the test structures."
)
ABOUT_OVERLAP = (
    "The paper's overlap (eq. 4) is the share of the true pairs below 8 Å that are predicted below 8 Å, a "
    "recall: every constant below 8 Å reaches 1."
)
WHOLE = ("share", 1.0)
OPTIONS = ("cell", "width", "epochs", "batch", "patience", "pair_epochs", "time_limit", "seed", "share")


def write_table5_page(results: Table5Results, folder: Path, page: Path) -> None:
    """Write a page, all its numbers as JSON, and its figures into a folder, all of the same name.

    Args:
        results: Of ``folder``.
        folder: Where the training logs lie.
        page: Markdown file to write.

    Raises:
        AlphaCrystalError: The disk refused a file.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    figures = draw_figures(results, folder, page.with_suffix(""))
    numbers = page.with_suffix(".json")
    write_text_atomically(numbers, results.model_dump_json(indent=1) + "\n")
    write_text_atomically(page, table5_page(results, figures, page.parent, numbers.name))


def table5_page(results: Table5Results, figures: Sequence[DrawnFigure], folder: Path, numbers: str) -> str:
    """The page, with figures named relative to ``folder`` and a link to the file of ``numbers``."""
    splits = [split for split in TABLE5_SPLITS if any(cell.split == split for cell in results.cells)]
    parts = ["# Table 5: distance matrices from the composition", INTRODUCTION, f"[All numbers]({numbers})."]
    for split in splits:
        parts += [f"## RMSE in Å, {TABLE5_SPLITS[split]}", markdown(score_table(results, split, "rmse"))]
    parts += ["## Who predicts", _predictors(results)]
    for split in splits:
        parts += [f"## MSE in Å², {TABLE5_SPLITS[split]}", markdown(score_table(results, split, "mse"))]
    for split in splits:
        parts += [
            f"## Overlap / precision / F1 below 8 Å, {TABLE5_SPLITS[split]}",
            markdown(score_table(results, split, "overlap")),
        ]
    parts.append(ABOUT_OVERLAP)
    if results.data is not None:
        parts += ["## Data", _data(results.data)]
    if figures:
        parts.append("## Figures")
        parts += [f"![{own.caption}]({own.path.relative_to(folder)})\n\n{own.caption}" for own in figures]
    parts += ["## How it was run", _runs(results.cells), "## How to run it again", _commands(results.cells)]
    return "\n\n".join(parts) + "\n"


def _predictors(results: Table5Results) -> str:
    known = {name for cell in results.cells for name in cell.scores}
    return "\n".join(f"- **{name}**: {what}." for name, what in PREDICTORS.items() if name in known)


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
        f"Mp_12 made again from our records: conventional cells of up to {MP12_MAX_ATOMS} atoms, one entry "
        "per formula of that cell, all benchmark compounds left out. The matrices are those of the "
        f"{data.cell} cells, of at least 2 atoms; the paper does not say whether it took these or the other "
        f"ones (`--cell`). Digest {data.digest}."
    )
    spread = (
        f"Distances from {data.shortest:.4f} to {data.longest:.4f} Å (paper: {PAPER_MIN_DISTANCE} to "
        f"{PAPER_MAX_DISTANCE} Å). Classes are N equal parts of 0 to {PAPER_MAX_DISTANCE} Å, longer "
        f"distances are in the last. {100 * data.of_entries[1]:.1f} % of all entries of the padded matrices "
        f'lie in the second of ten classes (paper: "more than 25%"), {100 * data.of_pairs[1]:.1f} % of the '
        "pairs."
    )
    lines = [recipe, "", "| structures | ours | paper |", "| --- | --- | --- |", *rows, "", spread, ""]
    for formula, identifier in FIGURE7_COMPOUNDS:
        own = data.examples.get(formula, [])
        where = f"in the data as {', '.join(own)}" if own else "not in the data"
        lacks = "" if identifier in own or not own else f" (the paper's {identifier} is not)"
        lines.append(f"{formula} of Figure 7 is {where}{lacks}; no row trains or tests on this formula.")
    return "\n".join(lines)


def _runs(cells: Sequence[Table5Cell]) -> str:
    lines = [
        "| who | rows | split | settings | commit | begun (UTC) | machine | minutes |",
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
    for (who, split, settings, *rest), own in groups.items():
        rows = ", ".join(str(cell.row) for cell in own)
        minutes = f"{sum(cell.minutes for cell in own):.1f}"
        lines.append("| " + " | ".join([who, rows, split, settings, *rest, minutes]) + " |")
    trained = [cell for cell in cells if cell.notes]
    if trained:
        lines += ["", "What the trainings say of themselves:", ""]
    for cell in trained:
        notes = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in cell.notes.items())
        lines.append(f"- row {cell.row}, {cell.split}, {TABLE5_METHODS[cell.method]}: {notes}")
    return "\n".join(lines)


def _settings(cell: Table5Cell) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in _given(cell).items())


def _commands(cells: Sequence[Table5Cell]) -> str:
    start = "alphacrystal benchmark table5 --data DIR --out OUT --methods"
    commands = dict.fromkeys(f"{start} {cell.method}{_flags(cell)} --resume" for cell in cells)
    text = "\n".join(commands)
    return f"```\n{text}\n```\n\n`--resume` keeps what is finished in OUT; `--page FILE` writes this page."


def _flags(cell: Table5Cell) -> str:
    return "".join(f" --{key.replace('_', '-')} {value}" for key, value in _given(cell).items())


def _given(cell: Table5Cell) -> Settings:
    """Settings in the order of OPTIONS, without those that were not set."""
    own = cell.settings
    return {key: own[key] for key in OPTIONS if own.get(key) is not None and (key, own[key]) != WHOLE}

"""Figures 3, 6 and 7 of the paper from the results of Table 5."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphacrystal.plots import loss_panels
from alphacrystal_bench.figures.distance_shares import distance_shares
from alphacrystal_bench.figures.matching_distances import matching_distances
from alphacrystal_bench.paper_tables.table5_predictors import (
    NAMES,
    PAIR_NETWORK,
    PAPER_NETWORK,
    TYPE_MODELS,
)
from alphacrystal_bench.paper_tables.table5_results import Example, Method, Table5Results

NETWORKS = "networks"  # folder of checkpoints and logs
FIGURE6_ROWS = (3, 4)
FIGURE7_ROW = 5


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure on disk.

    Attributes:
        path: PNG file; an SVG file is next to it.
        caption: One sentence.
    """

    path: Path
    caption: str


def draw_figures(results: Table5Results, folder: Path | None, target: Path) -> list[DrawnFigure]:
    """Draw the figures into the folder ``target``.

    Figure 6 needs the training logs in ``folder``; without them it is kept if it exists in ``target``.

    Raises:
        AlphaCrystalError: A figure cannot be written.
    """
    drawn = []
    if results.data is not None:
        data = results.data
        png, _ = distance_shares(
            np.array(data.edges),
            np.array(data.of_entries),
            np.array(data.of_pairs),
            target / "figure3",
            title=f"Distances in the {data.cell} cells of {data.counts['all']:,} crystals",
        )
        drawn.append(
            DrawnFigure(png, "The paper's Figure 3: how distances are spread over ten equal classes.")
        )
    trained = [cell for row in FIGURE6_ROWS if (cell := results.cell(row, "random", "paper")) is not None]
    logs = [
        (f"N = 10, {cell.train:,} training structures", folder / NETWORKS / cell.name / "log.csv")
        for cell in trained
        if folder is not None
    ]
    png = target / "figure6.png"
    if logs and all(path.is_file() for _, path in logs):
        png, _ = loss_panels(logs, target / "figure6")
    if trained and png.is_file():
        where = trained[0].notes["validation_on"]
        drawn.append(
            DrawnFigure(
                png, f"The paper's Figure 6: losses of its network, random split, validation on {where}."
            )
        )
    methods: tuple[tuple[Method, str], ...] = (
        ("paper", PAPER_NETWORK),
        ("pair", PAIR_NETWORK),
        ("types", TYPE_MODELS),
    )
    for method, name in methods:
        cell = results.cell(FIGURE7_ROW, "random", method)
        for example in cell.examples if cell is not None else []:
            png = _draw_example(example, NAMES[name], target / f"figure7-{method}-{example.formula}")
            title = f"The paper's Figure 7 for {example.formula}, {NAMES[name]}"
            caption = f"{title}, N = 20; not in the training data."
            drawn.append(DrawnFigure(png, caption))
    return drawn


def _draw_example(example: Example, name: str, path: Path) -> Path:
    matching = np.array(example.matching)
    cells = ~np.eye(len(example.species), dtype=bool)
    right, total = int(matching[cells].sum()), int(cells.sum())
    png, _ = matching_distances(
        np.array(example.true),
        np.array(example.predicted),
        matching,
        example.species,
        path,
        title=f"{example.formula} ({example.id}), {name}, not in its training data\n"
        f"{right} of {total} distances in the right one of 20 classes",
    )
    return png

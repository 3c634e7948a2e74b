"""Markdown page and figure of the benchmark learning-curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphacrystal_bench.figures.learning_curves import Curve, CurvePanel, learning_curve_panels
from alphacrystal_bench.harness.pages import fact_line
from alphacrystal_bench.models.learning_curve import Point, points_of


@dataclass(frozen=True, slots=True)
class _Column:
    """A quantity of a curve.

    Attributes:
        metric: Key of the metric.
        label: Header and legend; values in percent.
        goal: Goal in percent, or None.
    """

    metric: str
    label: str
    goal: float | None = None


COLUMNS = {
    "symmetry": (
        _Column("type_top1_experimental_12", "type first", 62),
        _Column("group_top1_experimental_12", "space group first", 72),
        _Column("group_top5_experimental_12", "space group in five", 91),
        _Column("type_top20_experimental_12", "type in twenty", 93),
        _Column("type_known_experimental_12", "ceiling: type occurs in training"),
    ),
    "lattice": (
        _Column("length_mean_error", "lengths, mean", 3.5),
        _Column("length_median_error", "lengths, median", 1.8),
        _Column("volume_mean_error", "volume, mean", 4.5),
        _Column("volume_median_error", "volume, median", 2.5),
    ),
}
TITLES = {
    "symmetry": "Symmetry prior: experimental entries up to 12 atoms",
    "lattice": "Lattice model: all entries, given the true type",
}
AXES = {"share": "training structures", "width": "trained parameters"}
SIZES = {"share": "structures", "width": "parameters"}
LABELS = {"symmetry": "share of entries (%)", "lattice": "absolute error (%)"}


def render(result: Mapping[str, Any]) -> str:
    """All points as Markdown tables."""
    points = result["points"]
    minutes = sum(point["minutes"] for point in points)
    machines = ", ".join(dict.fromkeys(str(point["facts"]["machine"].get("cpu", "?")) for point in points))
    method = (
        "Every point is trained separately and evaluated on the whole validation split, which also chooses "
        "its best epoch. Parts of the data are drawn by formula; smaller ones are subsets of larger ones. "
        "One seed each: on 348 entries one standard error of a share is about 2 percentage points."
    )
    figure = "![Errors against the size of the training data and networks](figures/learning-curves.png)"
    facts = fact_line(
        "learning-curve",
        result,
        options=" --data DIR",
        details=f". Training took {minutes:.0f} min on {machines}",
    )
    lines = ["# Learning curves", "", facts, "", method, "", figure, ""]
    for curve, columns in COLUMNS.items():
        for by in ("share", "width"):
            chosen = points_of(points, curve, by=by)
            if len(chosen) > 1:
                lines += [f"## {TITLES[curve]}, by {AXES[by]}", "", *_table(chosen, columns), ""]
    return "\n".join(lines)


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """Draw the curves into ``figures`` next to the page, whose text shows them."""
    learning_curve_panels(_panels(result["points"]), page.parent / "figures" / "learning-curves")
    return ""


def _table(points: Sequence[Point], columns: Sequence[_Column]) -> list[str]:
    header = ["structures", "parameters", "best epoch", *(f"{column.label}, %" for column in columns)]
    rows = [header, ["---:"] * len(header)]
    for point in points:
        facts = [f"{point['structures']:,}", f"{point['parameters']:,}", str(point["best_epoch"])]
        rows.append(facts + [_percent(point, column) for column in columns])
    if any(column.goal is not None for column in columns):
        goals = ["" if column.goal is None else f"{column.goal:g}" for column in columns]
        rows.append(["goal", "", "", *goals])
    return ["| " + " | ".join(row) + " |" for row in rows]


def _percent(point: Point, column: _Column) -> str:
    value = point["metrics"].get(column.metric)
    return "" if value is None else f"{100 * value:.1f}"


def _panels(points: Sequence[Point]) -> list[CurvePanel]:
    panels = []
    for curve, columns in COLUMNS.items():
        for by in ("share", "width"):
            chosen = points_of(points, curve, by=by)
            curves = []
            for column in columns:
                known = [point for point in chosen if column.metric in point["metrics"]]
                if known:
                    sizes = tuple(float(point[SIZES[by]]) for point in known)
                    values = tuple(100 * point["metrics"][column.metric] for point in known)
                    curves.append(Curve(column.label, sizes, values, column.goal))
            if curves and len(chosen) > 1:
                panels.append(CurvePanel(TITLES[curve], AXES[by], LABELS[curve], tuple(curves)))
    return panels

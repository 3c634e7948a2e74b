"""Markdown page and figure of the benchmark models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal_bench.figures.reliability import ReliabilityPanel, reliability_diagrams
from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text
from alphacrystal_bench.models.tables import (
    COPY,
    FOREST,
    FOREST_GIVEN_CELL,
    FOREST_GIVEN_SYMMETRY,
    FREQUENCY,
    GIVEN_CELL,
    NETWORK,
)


def render(result: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    symmetry, lattice = result["symmetry"], result["lattice"]
    counts = result["structures"]
    details = (
        f", {result['minutes']} min. {counts['train']} structures for training, {counts['validation']} for "
        "validation; the two share no formula, and neither contains a benchmark compound. The forests have "
        f"{result['trees']} trees"
    )
    given = (FOREST, FOREST_GIVEN_SYMMETRY, COPY, NETWORK)
    return (
        page_text(
            "models_page",
            facts=fact_line("models", result, options=" --data DIR", details=details),
            groups=_shares(symmetry["subsets"], "space_group", (NETWORK, FOREST, FREQUENCY)),
            groups_given_cell=_shares(symmetry["subsets"], "space_group", (GIVEN_CELL, FOREST_GIVEN_CELL)),
            groups_given_system=_given_system(symmetry["given_crystal_system"]),
            types=_shares(symmetry["subsets"], "type", (NETWORK, FREQUENCY)),
            lengths=_errors(lattice["subsets"], "length", (NETWORK, FOREST, FOREST_GIVEN_SYMMETRY, COPY)),
            volumes=_errors(lattice["subsets"], "volume", (NETWORK, COPY)),
            determination=_determination(lattice["systems"], given),
            axis_errors=_axis_errors(lattice["systems"], given),
            distances=_distances(result["distances"]),
            unordered=_distances(result["distances_without_atom_order"]),
            calibration=_calibration(result["reliability"]),
        )
        + "\n"
    )


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """Draw the reliability diagrams into ``figures`` next to the page, whose text shows them."""
    reliability_diagrams(reliability_panels(result["reliability"]), page.parent / "figures" / "reliability")
    return ""


def reliability_panels(curves: Mapping[str, Any]) -> list[ReliabilityPanel]:
    """The four diagrams of the page."""

    def panel(title: str, prefix: str, x_label: str, y_label: str) -> ReliabilityPanel:
        chosen = {
            f"{label(name.removeprefix(prefix))} ({curve['expected_calibration_error']:.3f})": (
                np.array(curve["stated"]),
                np.array(curve["observed"]),
            )
            for name, curve in curves.items()
            if name.startswith(prefix)
        }
        return ReliabilityPanel(title, x_label, y_label, chosen)

    stated, level = "predicted probability", "central interval, probability"
    return [
        panel("Distance bins", "distogram_bins_", stated, "observed frequency"),
        panel("Distances: intervals", "distogram_intervals_", level, "share inside"),
        panel("Symmetry: first prediction", "first_", stated, "share right"),
        panel("Cells: Laplace intervals", "lattice_intervals_", level, "share inside"),
    ]


def _present(rows: Mapping[str, Any], predictors: Sequence[str]) -> list[str]:
    """The predictors that occur in any row."""
    return [name for name in predictors if any(name in row for row in rows.values())]


def _lines(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(markdown_table([label(cell) for cell in header], rows)) + "\n"


def _shares(subsets: Mapping[str, Any], quantity: str, predictors: Sequence[str]) -> str:
    chosen = _present({name: row[quantity] for name, row in subsets.items()}, predictors)
    rows = [
        [
            label(name),
            row["n"],
            *(
                " / ".join(f"{100 * share:.1f}" for share in row[quantity][predictor].values())
                for predictor in chosen
            ),
        ]
        for name, row in subsets.items()
    ]
    return _lines(("entries, %", "n", *chosen), rows)


def _given_system(systems: Mapping[str, Any]) -> str:
    chosen = _present(systems, ("published", FOREST, NETWORK))
    rows = [
        [name, row["n"], *(f"{100 * row[key]:.1f}" if key in row else "" for key in chosen)]
        for name, row in systems.items()
    ]
    return _lines(("crystal system, %", "n", *chosen), rows)


def _errors(subsets: Mapping[str, Any], quantity: str, predictors: Sequence[str]) -> str:
    chosen = _present(subsets, predictors)
    rows = [
        [label(name), row["n"], *(_error(row[key], quantity, row["n"]) for key in chosen)]
        for name, row in subsets.items()
    ]
    return _lines(("entries, %", "n", *chosen), rows)


def _error(errors: Mapping[str, float], quantity: str, count: int) -> str:
    if f"{quantity}_mean_percent" not in errors:
        return ""
    only = f" (n = {errors['predicted']})" if errors["predicted"] < count else ""
    return f"{errors[f'{quantity}_mean_percent']:.2f} / {errors[f'{quantity}_median_percent']:.2f}{only}"


def _determination(systems: Mapping[str, Any], predictors: Sequence[str]) -> str:
    chosen = _present(systems, predictors)
    rows = []
    for name, row in systems.items():
        for axis, published in row["published_r2"].items():
            values = [row[key].get(f"r2_{axis}") for key in chosen]
            cells = ["" if value is None else f"{value:.3f}" for value in values]
            rows.append([f"{name} {axis}", row["n"], f"{published:.3f}", *cells])
    return _lines(("axis", "n", "MLatticeABC, published", *map(_on_our_split, chosen)), rows)


def _on_our_split(predictor: str) -> str:
    return "MLatticeABC, here" if predictor == FOREST else predictor


def _axis_errors(systems: Mapping[str, Any], predictors: Sequence[str]) -> str:
    chosen = _present(systems, predictors)
    rows = []
    for name, row in systems.items():
        cells = []
        for key in chosen:
            values = [row[key].get(f"mae_{axis}") for axis in row["published_r2"]]
            lengths = ", ".join("–" if value is None else f"{value:.3f}" for value in values)
            cells.append(f"{lengths}; {_error(row[key], 'length', row['n'])}")
        rows.append([f"{name} ({', '.join(row['published_r2'])})", row["n"], *cells])
    return _lines(("crystal system (axes)", "n", *map(_on_our_split, chosen)), rows)


def _distances(subsets: Mapping[str, Any]) -> str:
    names = [name for name in next(iter(subsets.values()), {}) if name != "n"]
    rows = [[label(name), row["n"], *(f"{row[key]:.3f}" for key in names)] for name, row in subsets.items()]
    return _lines(("entries, Å", "n", *names), rows)


def _calibration(curves: Mapping[str, Any]) -> str:
    rows = [[label(name), f"{curve['expected_calibration_error']:.3f}"] for name, curve in curves.items()]
    return _lines(("curve", "expected calibration error"), rows)

"""The Markdown page of ``benchmark_models``: docs/benchmarks/models.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from alphacrystal.plots import ReliabilityPanel, reliability_diagrams
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal_bench.models.tables import (
    COPY,
    FOREST,
    FOREST_TOLD_CELL,
    FREQUENCY,
    NETWORK,
    TOLD_CELL,
    TOLD_SYMMETRY,
)

Rows = list[Sequence[object]]


def write_models_page(result: Mapping[str, Any], page: Path) -> None:
    """Write the page, and its figure into ``figures`` beside it.

    Args:
        result: As ``benchmark_models`` returns it.
        page: File to write.

    Raises:
        AlphaCrystalError: The disk refused a file.
    """
    panels = reliability_panels(result["reliability"])
    reliability_diagrams(panels, page.parent / "figures" / "reliability")
    write_text_atomically(page, models_page(result))


def models_page(result: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    text = (files("alphacrystal_bench") / "data" / "models_page.md").read_text(encoding="utf-8")
    facts = {name: result[name] for name in ("commit", "seed", "time", "minutes", "trees")}
    return Template(text).substitute(**facts, **result["structures"], **_tables(result))


def _tables(result: Mapping[str, Any]) -> dict[str, str]:
    symmetry, lattice = result["symmetry"], result["lattice"]
    return {
        "groups": _shares(symmetry["subsets"], "space group", (NETWORK, FOREST, FREQUENCY)),
        "groups_told_cell": _shares(symmetry["subsets"], "space group", (TOLD_CELL, FOREST_TOLD_CELL)),
        "groups_told_system": _told_system(symmetry["told the system"]),
        "types": _shares(symmetry["subsets"], "type", (NETWORK, FREQUENCY)),
        "lengths": _errors(lattice["subsets"], "length", (NETWORK, FOREST, TOLD_SYMMETRY, COPY)),
        "volumes": _errors(lattice["subsets"], "volume", (NETWORK, COPY)),
        "determination": _determination(lattice["systems"]),
        "axis_errors": _axis_errors(lattice["systems"]),
        "distances": _distances(result["distances"]),
        "unordered": _distances(result["distances, equal atoms without numbers"]),
        "calibration": _calibration(result["reliability"]),
    }


def reliability_panels(curves: Mapping[str, Any]) -> list[ReliabilityPanel]:
    """The four diagrams of the page."""

    def panel(title: str, prefixes: Sequence[str], x_label: str, y_label: str) -> ReliabilityPanel:
        chosen = {}
        for prefix in prefixes:
            for name, curve in curves.items():
                if name.startswith(prefix):
                    label = name.removeprefix(prefix) or name
                    label = f"{label} ({curve['expected_calibration_error']:.3f})"
                    chosen[label] = np.array(curve["stated"]), np.array(curve["observed"])
        return ReliabilityPanel(title, x_label, y_label, chosen)

    stated, level = "predicted probability", "central interval, probability"
    return [
        panel("Distance bins", ["distogram bins, "], stated, "observed frequency"),
        panel("Distances: intervals", ["distogram intervals, "], level, "share inside"),
        panel("Symmetry: first answer", ["first "], stated, "share right"),
        panel("Cells: Laplace intervals", ["lattice intervals, "], level, "share inside"),
    ]


def _table(header: Sequence[str], rows: Rows) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _present(rows: Mapping[str, Any], wanted: Sequence[str]) -> list[str]:
    """Those of the predictors that any row has."""
    return [who for who in wanted if any(who in row for row in rows.values())]


def _shares(subsets: Mapping[str, Any], what: str, predictors: Sequence[str]) -> str:
    rows: Rows = []
    chosen = _present({name: row[what] for name, row in subsets.items()}, predictors)
    for name, row in subsets.items():
        cells = [" / ".join(f"{100 * share:.1f}" for share in row[what][who].values()) for who in chosen]
        rows.append((name, row["n"], *cells))
    return _table(("entries, %", "n", *chosen), rows)


def _told_system(systems: Mapping[str, Any]) -> str:
    chosen = _present(systems, ("published", FOREST, NETWORK))
    return _table(
        ("crystal system, %", "n", *chosen),
        [
            (name, row["n"], *(f"{100 * row[who]:.1f}" if who in row else "" for who in chosen))
            for name, row in systems.items()
        ],
    )


def _errors(subsets: Mapping[str, Any], what: str, predictors: Sequence[str]) -> str:
    chosen = _present(subsets, predictors)
    return _table(
        ("entries, %", "n", *chosen),
        [
            (name, row["n"], *(_error(row[who], what, row["n"]) for who in chosen))
            for name, row in subsets.items()
        ],
    )


def _error(errors: Mapping[str, float], what: str, count: int) -> str:
    if f"{what} mean %" not in errors:
        return ""
    only = f" (n = {errors['predicted']})" if errors["predicted"] < count else ""
    return f"{errors[f'{what} mean %']:.2f} / {errors[f'{what} median %']:.2f}{only}"


def _determination(systems: Mapping[str, Any]) -> str:
    chosen = _present(systems, (FOREST, TOLD_SYMMETRY, COPY, NETWORK))
    rows: Rows = []
    for name, row in systems.items():
        for axis, published in row["published R2"].items():
            own = [row[who].get(f"R2 {axis}") for who in chosen]
            cells = ["" if value is None else f"{value:.3f}" for value in own]
            rows.append((f"{name} {axis}", row["n"], f"{published:.3f}", *cells))
    return _table(("axis", "n", "MLatticeABC, published", *(_here(who) for who in chosen)), rows)


def _here(who: str) -> str:
    return "MLatticeABC, here" if who == FOREST else who


def _axis_errors(systems: Mapping[str, Any]) -> str:
    chosen = _present(systems, (FOREST, TOLD_SYMMETRY, COPY, NETWORK))
    rows: Rows = []
    for name, row in systems.items():
        cells = []
        for who in chosen:
            own = [row[who].get(f"MAE {axis}") for axis in row["published R2"]]
            lengths = ", ".join("–" if value is None else f"{value:.3f}" for value in own)
            cells.append(f"{lengths}; {_error(row[who], 'length', row['n'])}")
        rows.append((f"{name} ({', '.join(row['published R2'])})", row["n"], *cells))
    return _table(("crystal system (axes)", "n", *(_here(who) for who in chosen)), rows)


def _distances(subsets: Mapping[str, Any]) -> str:
    names = [name for name in next(iter(subsets.values()), {}) if name != "n"]
    return _table(
        ("entries, Å", "n", *names),
        [(name, row["n"], *(f"{row[who]:.3f}" for who in names)) for name, row in subsets.items()],
    )


def _calibration(curves: Mapping[str, Any]) -> str:
    return _table(
        ("curve", "expected calibration error"),
        [(name, f"{curve['expected_calibration_error']:.3f}") for name, curve in curves.items()],
    )

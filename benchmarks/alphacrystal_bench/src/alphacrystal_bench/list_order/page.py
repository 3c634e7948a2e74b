"""The page of `alphacrystal benchmark ranking`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text, percent
from alphacrystal_bench.known_crystals.tables import SIZES
from alphacrystal_bench.models.reliability import Reliability

_HEADER = ("first", "in 5", "in 20")
_TOPS = ("top_1", "top_5", "top_20")
_ORDERS = {
    "chemical": "log-probability of the generator alone",
    "energy": "energy alone",
    "probability": "**probability (cross-validated)**",
}
_COMPARED = {
    "prior": "prior",
    "prior_energy": "prior, energy",
    "prior_energy_change": "**prior, energy, change (shipped)**",
}
_SECOND = {"energy": "energy of {} alone", "probability": "probability with energies of {}"}
_SHOWN = {"first": "first rows", "rows": "first twenty rows", "none": "none of these"}


def render(result: Mapping[str, Any]) -> str:
    """Match rates of all orders, inputs, calibration and weights."""
    orders = [[_order(name), *_percents(row)] for name, row in result["orders"].items()]
    sizes = [
        [f"{label(size)}, {row['n']}", _order(name), *_percents(row[name])]
        for size, row in result["sizes"].items()
        for name in ("chemical", "energy", "probability")
    ]
    compared = [
        [
            _COMPARED.get(name, f"… and {name.removeprefix('and_').replace('_', ' ')}"),
            *_percents(row),
            row["loss"],
        ]
        for name, row in result["compared"].items()
    ]
    calibration = [
        [_SHOWN[name], f"{curve['expected_calibration_error']:.3f}"]
        for name, curve in result["calibration"].items()
    ]
    weights = {**result["model"]["rows"], **result["model"]["none"]}
    sizes_text = ",".join(str(SIZES[name]) for name in result["classes"])
    numbers = ",".join(map(str, result["per_class"]))
    details = f", {result['n']} experimental compounds of the validation split"
    lines = [
        "# Orders of the list",
        "",
        fact_line(
            "ranking",
            result,
            options=f" --data DIR --sizes {sizes_text} --per-class {numbers}"
            + (f" --rerank {result['rerank']}" if result.get("rerank") else ""),
            details=details,
        ),
        "",
        page_text("ranking_page"),
        "",
        *markdown_table(["order", *_HEADER], orders),
        "",
        "## By size of the primitive cell",
        "",
        *markdown_table(["atoms, compounds", "order", *_HEADER], sizes),
        "",
        "## Inputs",
        "",
        "The loss is the mean negative log-likelihood of what is right, on compounds left out of the fit.",
        "",
        *markdown_table(["inputs", *_HEADER, "loss"], compared),
        "",
        "## Calibration",
        "",
        "Expected calibration error in ten bins, on compounds left out of the fit.",
        "",
        *markdown_table(["probabilities", "error"], calibration),
        "",
        "## Weights",
        "",
        ", ".join(f"{name} {value:g}" for name, value in weights.items()) + ".",
    ]
    if second := result.get("second"):
        first = {
            "energy": result["orders"]["energy"],
            "probability": result["compared"]["prior_energy_change"],
        }
        rows = [
            [_SECOND[name].format(potential), *_percents(values[name]), values[name].get("loss", "")]
            for name in _SECOND
            for potential, values in (("chgnet", first), (result["rerank"], second))
        ]
        table = markdown_table(["order", *_HEADER, "loss"], rows)
        lines += ["", f"## Energies of {result['rerank']}", "", *table]
    return "\n".join(lines) + "\n"


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """Draw the reliability diagrams and return the Markdown that shows them."""
    from alphacrystal_bench.figures.reliability import ReliabilityPanel, reliability_diagrams

    curves = {name: Reliability.from_dict(curve) for name, curve in result["calibration"].items()}
    panel = ReliabilityPanel(
        "relaxed lists",
        "stated probability",
        "observed frequency",
        {_SHOWN[name]: (curve.stated, curve.observed) for name, curve in curves.items()},
    )
    png, _ = reliability_diagrams([panel], page.parent / "figures" / "ranking_reliability")
    return f"\n## Reliability\n\n![Stated and observed probabilities](figures/{png.name})\n"


def _order(name: str) -> str:
    if name.startswith("fixed_"):
        return f"fixed weight, {name.removeprefix('fixed_')} eV/atom"
    return _ORDERS[name]


def _percents(row: Mapping[str, float]) -> list[str]:
    return [percent(row[top]) for top in _TOPS]

"""The page of `alphacrystal benchmark polymorphs`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from alphacrystal_bench.harness.pages import fact_line, markdown_table, page_text, percent

_PARTS = {
    "all": "all pairs",
    "val": "validation split",
    "train": "training split",
    "below_10": "DFT difference below 10 meV/atom",
    "10_to_50": "10 to 50 meV/atom",
    "over_50": "over 50 meV/atom",
}
_SPLITS = ("all", "val", "train")
_CONTROLS = {"denser": "control: the denser one", "prior": "control: prior of the networks"}


def render(result: Mapping[str, Any]) -> str:
    """Shares of pairs in the order of DFT, errors of the differences, and comparisons of two potentials."""
    relaxed_by = result["relaxed_by"]
    parts = {name: part for name, part in result["parts"].items() if part["n"]}
    header = ["", *(f"{_PARTS[name]} ({part['n']})" for name, part in parts.items())]
    names = [name for name in result["parts"]["all"] if name not in ("n", *_CONTROLS)]
    shares = [["control: coin flip", *["50 %"] * len(parts)]]
    shares += [
        [
            _label(name, relaxed_by, result["potentials"]),
            *(_share(part.get(name), with_error=key in _SPLITS) for key, part in parts.items()),
        ]
        for name in (*_CONTROLS, *names)
    ]
    errors = [
        [
            _label(name, relaxed_by, result["potentials"]),
            *(f"{1000 * part[name]['error']:.0f}" for part in parts.values()),
        ]
        for name in names
    ]
    against = [
        [
            _label(row["first"], relaxed_by, result["potentials"]),
            _label(row["second"], relaxed_by, result["potentials"]),
            row["only_first"],
            row["only_second"],
        ]
        for row in result["against"]
    ]
    options = " --data DIR" + "".join(f" --potential {name}" for name in result["potentials"])
    options += f" --train {result['train']}"
    lines = [
        f"# Order of {result['n']} pairs of polymorphs",
        "",
        fact_line("polymorphs", result, options=options, details=f", {result['minutes']:.0f} minutes"),
        "",
        page_text("polymorphs_page", max_atoms=result["max_atoms"], per_formula=result["per_formula"]),
        "",
        "## Pairs in the order of DFT",
        "",
        *markdown_table(header, shares),
        "",
        "± is one standard error of a binomial share, which is 0 at 100 %.",
        "",
        "## Error of the energy difference",
        "",
        "Mean absolute error in meV/atom.",
        "",
        *markdown_table(header, errors),
    ]
    if against:
        table = markdown_table(("first", "second", "only the first", "only the second"), against)
        lines += ["", "## Pairs that only one potential orders as DFT", "", *table]
    return "\n".join(lines) + "\n"


def _label(name: str, relaxed_by: str | None, potentials: Sequence[str]) -> str:
    if name in _CONTROLS:
        return _CONTROLS[name]
    key, _, geometry = name.rpartition("_")
    potential = next(item for item in potentials if re.sub(r"\W", "_", item) == key)
    return f"{potential}, " + ("as recorded" if geometry == "record" else f"relaxed by {relaxed_by}")


def _share(entry: Mapping[str, float] | None, *, with_error: bool) -> str:
    if entry is None:
        return "–"
    text = percent(entry["right"])
    return f"{text} ± {100 * entry['standard_error']:.1f}" if with_error else text

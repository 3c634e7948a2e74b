"""Markdown page of the benchmark cspbench."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphacrystal_bench.cspbench.causes import FOUND
from alphacrystal_bench.cspbench.run import TOPS, UNRELAXED, orders
from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text, percent

KEYS = [f"top_{top}" for top in TOPS]
HEADER = ["first", *(f"in {top}" for top in TOPS[1:])]
MAX_NAMED = 60  # failures that the page names


def render(result: Mapping[str, Any]) -> str:
    """All tables, with their controls."""
    final = result["final"]
    relaxed = f", relaxed with {result['potential']}" if result["relax"] else ", not relaxed"
    details = (
        f", {result['minutes']} min (of the last part, if the run was continued). {result['n']} compounds, "
        f"default settings{relaxed}"
    )
    matched = [(label(name), rates) for name, rates in result["match"].items()]
    matched.append(("control: random coordinates, same types and cells", result["random_coordinates"]))
    if "templates" in result:
        matched.append(("control: the most similar known crystals, elements exchanged", result["templates"]))
    lines = [
        f"# Predictions of {result['n']} known compounds from their formulas",
        "",
        fact_line("cspbench", result, options=" --data DIR", details=details),
        "",
        page_text("cspbench_page"),
        "",
        "## Matched",
        "",
        *markdown_table(["", *HEADER], [_row(name, rates) for name, rates in matched]),
    ]
    if "relaxed_ground_truth" in result:
        limit = result["relaxed_ground_truth"]["match"]
        lines += ["", f"The known structure, relaxed, matches the known structure in {percent(limit)}."]
    loose = result["match_diffcsp"][final]
    rates = ", ".join(f"{percent(loose[key])} {name}" for key, name in zip(KEYS, HEADER, strict=True))
    lines += ["", f"With the tolerances of DiffCSP (0.3/0.5/10): {rates}."]
    groups = [
        (f"{label(name)}, symprec {symprec} Å", result[key][name])
        for symprec, key in (("0.1", "space_group_0_1"), ("0.01", "space_group_0_01"))
        for name in dict.fromkeys((UNRELAXED, final))
    ]
    prior = result["symmetry_prior"]
    groups.append(("space group from the networks alone, before any structure", prior["space_group"]))
    groups.append(("exact structure type from the networks alone", prior["type"]))
    lines += ["", "## Right space group", ""]
    lines += markdown_table(["", *HEADER], [_row(name, rates) for name, rates in groups])
    for title, key in (("By category", "categories"), ("By size of the primitive cell", "sizes")):
        rows = [[label(name), row["n"], *_rates(row)] for name, row in result[key].items()]
        lines += ["", f"## {title}", "", f"Matched, {label(final)}.", ""]
        lines += markdown_table(["", "n", *HEADER], rows)
    lines += ["", *_causes(result)]
    if "seconds" in result:
        seconds = result["seconds"]
        lines += [
            "",
            f"Wall seconds per compound: median {seconds['median']}, longest {seconds['longest']}.",
        ]
    return "\n".join(lines) + "\n"


def draw(result: Mapping[str, Any], page: Path, folder: Path | None) -> str:
    """No figures; the published numbers of other methods."""
    return "\n" + page_text("cspbench_peers") + "\n"


def stored(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result without structures: each row has only the ranks of the known structure."""
    return {**result, "rows": [_short(row) for row in result["rows"]]}


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    if "ranks" in row:  # the result was stored before
        return dict(row)
    lists = ("unrelaxed", "listed", "random")
    ranks = {
        name: next((rank for rank, item in enumerate(items, start=1) if item["match"]), None)
        for name, items in orders(row).items()
    }
    return {**{key: value for key, value in row.items() if key not in lists}, "ranks": ranks}


def _causes(result: Mapping[str, Any]) -> list[str]:
    rows = [
        [label(name), count, result["lower_than_truth"].get(name, "")]
        for name, count in result["causes"].items()
    ]
    header = [
        "",
        "compounds",
        "of these, the potential gives our first structure a lower energy than the known one",
    ]
    lines = ["## Why the known structure is not first", "", *markdown_table(header, rows)]
    lines += ["", page_text("cspbench_causes")]
    missed = [row for row in result["rows"] if row["cause"] != FOUND]
    if missed:
        named = [f"{row['formula']} ({label(row['cause'])})" for row in missed[:MAX_NAMED]]
        more = len(missed) - len(named)
        lines += ["", "Not first: " + ", ".join(named) + (f", and {more} more." if more > 0 else ".")]
    return lines


def _row(name: str, rates: Mapping[str, float]) -> list[object]:
    return [name, *_rates(rates)]


def _rates(rates: Mapping[str, float]) -> list[str]:
    return [percent(rates[key]) for key in KEYS]

"""The Markdown page of ``benchmark_cspbench``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal_bench.cspbench.run import TOPS, orders

FIRST = [f"top-{top}" for top in TOPS]
HEADER = f"| | {' | '.join(FIRST)} |"
RULE = "|---|" + "---:|" * len(FIRST)
COMPOUNDS_SHOWN = 60  # failures named on the page


def cspbench_page(result: Mapping[str, Any]) -> str:
    """All tables, with what they are held against."""
    n = result["n"]
    facts = (
        "Written by `alphacrystal benchmark cspbench --page FILE`: "
        f"commit {result['commit']}, seed {result['seed']}, {result['time']}, {result['machine']['cpu']}, "
        f"{result['machine']['usable_cores']} cores, {result['minutes']} min (of the last part, "
        f"if the run was resumed). {n} compounds, default settings"
        + (f", relaxed with {result['potential']}." if result["relax"] else ", not relaxed.")
    )
    lines = [f"# {n} known compounds predicted from their formulas", "", facts, "", _text("cspbench_page")]
    lines += ["## Matched", "", HEADER, RULE]
    lines += [_row(name, rates) for name, rates in result["match"].items()]
    lines += [_row("control: random coordinates, same types and cells", result["random_coordinates"])]
    if "templates" in result:
        lines.append(_row("control: the likest known crystals, elements exchanged", result["templates"]))
    if "relaxed_ground_truth" in result:
        floor = result["relaxed_ground_truth"]
        lines += ["", f"The known structure itself, relaxed, still matches in {_percent(floor['match'])}."]
    loose = result["match_diffcsp"][result["final"]]
    lines += ["", "With DiffCSP's tolerances (0.3/0.5/10): " + _inline(loose) + "."]
    lines += ["", "## Right space group", "", HEADER, RULE]
    for symprec in ("0.1", "0.01"):
        for name in dict.fromkeys(("without relaxation", result["final"])):
            lines.append(_row(f"{name}, symprec {symprec} Å", result[f"space_group_{symprec}"][name]))
    prior = result["symmetry_prior"]
    lines += [_row("the networks alone, before any structure", prior["space_group"])]
    lines += [_row("the exact structure type, the networks alone", prior["type"])]
    for title, key in (("By category", "categories"), ("By size of the primitive cell", "sizes")):
        lines += ["", f"## {title}", "", f"Matched, {result['final']}.", ""]
        lines += [f"| | n | {' | '.join(FIRST)} |", "|---|---:|" + "---:|" * len(FIRST)]
        for name, row in result[key].items():
            lines.append(
                f"| {name.strip()} | {row['n']} | {' | '.join(_percent(row[top]) for top in FIRST)} |"
            )
    lines += ["", *_causes(result)]
    if "seconds" in result:
        seconds = result["seconds"]
        lines += [
            "",
            f"Wall seconds of a compound: median {seconds['median']}, longest {seconds['longest']}.",
        ]
    return "\n".join(lines) + "\n"


def write_cspbench_page(result: Mapping[str, Any], page: Path) -> None:
    """Write the page and its numbers beside it, with the places of the known structures alone of each row.

    Raises:
        AlphaCrystalError: The disk refused them.
    """
    write_text_atomically(page, cspbench_page(result) + "\n" + _text("cspbench_peers"))
    short = {**result, "rows": [_short(row) for row in result["rows"]]}
    write_text_atomically(page.with_suffix(".json"), json.dumps(short, indent=1) + "\n")


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without its structures."""
    lists = ("unrelaxed", "listed", "random")
    places = {
        name: next((place for place, item in enumerate(items, start=1) if item["match"]), None)
        for name, items in orders(row).items()
    }
    return {**{key: value for key, value in row.items() if key not in lists}, "places": places}


def _causes(result: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Why the known structure is not first",
        "",
        "| | compounds | of these, our first is lower in energy than the known one, by the potential |",
        "|---|---:|---:|",
    ]
    for name, count in result["causes"].items():
        lower = result["lower_than_truth"].get(name, "")
        lines.append(f"| {name} | {count} | {lower} |")
    lines += ["", _text("cspbench_causes")]
    missed = [row for row in result["rows"] if row["cause"] != "found first"]
    if missed:
        named = [f"{row['formula']} ({row['cause']})" for row in missed[:COMPOUNDS_SHOWN]]
        more = len(missed) - len(named)
        lines += ["Not first: " + ", ".join(named) + (f", and {more} more." if more > 0 else ".")]
    return lines


def _row(name: str, rates: Mapping[str, float]) -> str:
    return f"| {name} | {' | '.join(_percent(rates[top]) for top in FIRST)} |"


def _inline(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{top} {_percent(rates[top])}" for top in FIRST)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _text(name: str) -> str:
    return files("alphacrystal_bench").joinpath(f"data/{name}.md").read_text(encoding="utf-8")

"""Markdown of predicted lists, shared by the pages of mp20, mpts52, validation-sizes and large-cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphacrystal_bench.harness.pages import label, markdown_table, number, page_text, percent
from alphacrystal_bench.known_crystals.comparison import LOOSE, STRICT
from alphacrystal_bench.known_crystals.lists import TOPS
from alphacrystal_bench.known_crystals.tables import LISTED, UNRELAXED

KEYS = [f"top_{top}" for top in TOPS]
HEADER = ["first", *(f"in {top}" for top in TOPS[1:])]
TOLERANCES = {STRICT: "0.2/0.3/5", LOOSE: "0.3/0.5/10"}


def run_details(result: Mapping[str, Any]) -> str:
    """Settings of the run, for the line of facts."""
    settings = result["settings"]
    parts = [
        f"{result['minutes']} min (of the last part, if the run was continued)",
        f"{settings['candidates']} candidates",
        f"cells up to {settings['max_atoms']} atoms",
        f"relaxed with {settings['potential']}" if settings["relax"] else "no relaxation",
        "cell content given" if settings["cell_given"] else "formula only",
    ]
    return ", ".join(["", *parts])


def list_sections(result: Mapping[str, Any]) -> list[str]:
    """Lines of the tables of a result: matches, symmetry, sizes, stages of misses, cost."""
    return [
        *_matches(result),
        *_symmetry(result["total"]),
        *_sizes(result),
        *_stages(result),
        *_cost(result),
    ]


def _matches(result: Mapping[str, Any]) -> list[str]:
    total = result["total"]
    rows: list[list[object]] = []
    for preset, tolerance in TOLERANCES.items():
        for name, shares in total["match"][preset].items():
            rows.append([f"{_list_name(result, name)}, {tolerance}", *_percents(shares)])
    displacements = [
        [f"RMSE of the matches, {tolerance}", *(number(total["rmse"][preset][key]) for key in KEYS)]
        for preset, tolerance in TOLERANCES.items()
    ]
    polymorphs = (
        f"METRe {percent(total['metre'])}, cRMSE {number(total['crmse'])} (0.3/0.5/10, one structure per "
        "reference)."
    )
    return [
        "## Matched",
        "",
        *markdown_table(["", *HEADER], [*rows, *displacements]),
        "",
        page_text("known_crystals_matched"),
        "",
        polymorphs,
    ]


def _symmetry(total: Mapping[str, Any]) -> list[str]:
    rows = [
        ["space group, symprec 0.1 Å", *_percents(total["space_group"])],
        ["exact structure type", *_percents(total["type"])],
        ["space group from the networks alone", *_percents(total["prior_space_group"])],
        ["exact structure type from the networks alone", *_percents(total["prior_type"])],
    ]
    proposed = f"The exact structure type is among the candidates of {percent(total['type_proposed'])}."
    table = markdown_table(["", *HEADER], rows)
    return ["", "## Right space group and structure type", "", *table, "", proposed]


def _sizes(result: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, row in result["sizes"].items():
        loose, strict = (row["match"][preset][LISTED] for preset in (LOOSE, STRICT))
        shares = [*_percents(loose), *_percents(strict), *_percents(row["type"])]
        rows.append([label(name), row["n"], *shares, percent(row["type_proposed"])])
    header = ["primitive cell", "n"]
    for quantity in (TOLERANCES[LOOSE], TOLERANCES[STRICT], "exact type"):
        header += [f"{quantity}, {place}" for place in HEADER]
    header.append("exact type among the candidates")
    return ["", "## By size of the primitive cell", "", *markdown_table(header, rows)]


def _stages(result: Mapping[str, Any]) -> list[str]:
    lines = ["", "## Where the known structure is lost", "", page_text("known_crystals_stages")]
    groups = {"all": result["total"], **result["sizes"]}
    for preset, tolerance in TOLERANCES.items():
        rows = [
            [label(name), *(group["stages"][preset][name] for group in groups.values())]
            for name in result["total"]["stages"][preset]
        ]
        lines += ["", *markdown_table([f"compounds, {tolerance}", *map(label, groups)], rows)]
    return lines


def _cost(result: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            label(name),
            group["n"],
            number(group["median_s"], 1),
            number(group["longest_s"], 1),
            number(group["peak_gb"], 1),
            group["undecided"],
        ]
        for name, group in {"all": result["total"], **result["sizes"]}.items()
    ]
    header = [
        "",
        "n",
        "median wall s per compound",
        "longest wall s",
        "peak memory, GB",
        "compounds with undecided comparisons",
    ]
    return ["", "## Cost", "", *markdown_table(header, rows), "", page_text("known_crystals_cost")]


def _list_name(result: Mapping[str, Any], name: str) -> str:
    if name == LISTED:
        return "list of `alphacrystal predict`"
    if name == UNRELAXED:
        return "without relaxation, order of the generator"
    return f"control: {label(name)}"


def _percents(shares: Mapping[str, float]) -> list[str]:
    return [percent(shares[key]) for key in KEYS]

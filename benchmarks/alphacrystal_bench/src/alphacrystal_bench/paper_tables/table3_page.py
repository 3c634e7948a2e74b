"""The Markdown page of `benchmark_table3`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal_bench.cost.methods import CONTACT_MAP, OURS, RELAXED_TRUTH, TRUE_CELL
from alphacrystal_bench.cost.random_searches import GNOA
from alphacrystal_bench.harness.page_parts import fact_line, markdown_table, number, page_text
from alphacrystal_bench.paper_tables.list_scores import RANDOM_ORIGIN, TOPS
from alphacrystal_bench.paper_tables.table3 import KINDS, STANDARD, WRITTEN
from alphacrystal_bench.paper_tables.table3_figures import draw_table3_figures

NAMES = {
    OURS: "**ours**",
    WRITTEN: "ours, CIF files as written",
    STANDARD[OURS]: "ours, cells as the Materials Project sets them",
    CONTACT_MAP: "AlphaCrystal-I, run by us",
    GNOA: "GNOA, run by us",
    TRUE_CELL: "control: random in the true space group and lattice",
    STANDARD[TRUE_CELL]: "the same control, cells as the Materials Project sets them",
    RELAXED_TRUTH: "floor: the known structure, relaxed",
    STANDARD[RELAXED_TRUTH]: "the same floor, cells as the Materials Project sets them",
    RANDOM_ORIGIN: "noise: the known structure, random origin",
}
WORDS = dict(zip(KINDS, ("as printed", "invariant", "invariant, any"), strict=True))
ALL = 28  # compounds known by their id
KEYS = [f"top-{top}" for top in TOPS]


def table3_page(result: Mapping[str, Any]) -> str:
    """All tables, with what they are held against."""
    n = result["n"]
    lines = [
        f"# The paper's Table 3: {n} compounds",
        "",
        fact_line("table3", result),
        f"GNOA: {result['seconds']:g} processor seconds per compound.",
        "",
        page_text("table3_page"),
        "",
        "## Held against the goals",
        "",
        *_goals(result),
        "",
        f"## Matched, of {n}",
        "",
        *markdown_table(
            ["", "first", "in ten", "in twenty"],
            [
                [name, *(result["matched"][method][key] for key in KEYS)]
                for method, name in NAMES.items()
                if method in result["matched"]
            ],
        ),
        "",
        f"## Superpose distance below the paper's best of twenty, of {n} compounds",
        "",
        *_counted(result),
        "",
        "## Median superpose distance (Å), over the compounds that have one",
        "",
        *_medians(result),
        "",
        "## Formation energies",
        "",
        *_energies(result),
        "",
        "## Each compound: superpose distance (Å) as the paper computes it",
        "",
        *_compounds([line for line in result["compounds"] if line["by_id"]]),
        "",
        "## Each compound: its invariant form (Å), any prediction",
        "",
        *_invariant([line for line in result["compounds"] if line["by_id"]]),
    ]
    apart = [line for line in result["compounds"] if not line["by_id"]]
    if apart:
        lines += ["", "## Apart: compounds whose structure is not at hand", ""]
        lines += [f"{line['formula']}: compared with {line['id']} ({line['reason']})." for line in apart]
        lines += ["", *_compounds(apart)]
    return "\n".join(lines) + "\n"


def write_table3_page(result: Mapping[str, Any], page: Path) -> None:
    """Write the page, its numbers beside it and the figures in a folder of the page's name.

    Raises:
        AlphaCrystalError: The disk refused them.
    """
    text = table3_page(result)
    for svg, caption in draw_table3_figures(result, page.with_suffix("")):
        text += f"\n![{caption}]({page.stem}/{svg.name})\n\n{caption}\n"
    write_text_atomically(page, text)
    kept = {key: value for key, value in result.items() if key != "examples"}
    write_text_atomically(page.with_suffix(".json"), json.dumps(kept, indent=1) + "\n")


def _goals(result: Mapping[str, Any]) -> list[str]:
    words = {
        "matched_in_10": "matched in the first ten",
        "superpose_better": "superpose, best of twenty, below the paper's best of twenty",
        "standard_better": "the same, cells as the Materials Project sets them",
        "written_better": "the same between the CIF files as written",
        "invariant_better": "the same with the invariant form, predictions that match",
        "any_better": "the same with the invariant form, any prediction",
    }
    return markdown_table(
        ["", "goal (of 28)", f"reached (of {result['n']})", ""],
        [
            [words[key], own["goal"], own["reached"], _held(own, result["n"])]
            for key, own in result["goals"].items()
        ],
    )


def _held(own: Mapping[str, Any], n: int) -> str:
    if own["reached"] >= own["goal"]:
        return "reached"
    return "missed" if n >= ALL else "not all compounds were run"


def _counted(result: Mapping[str, Any]) -> list[str]:
    better = result["better_than_paper"]
    return markdown_table(
        ["", *(f"{key}, {WORDS[kind]}" for kind in KINDS for key in KEYS)],
        [
            [name, *(better[kind][method][key] for kind in KINDS for key in KEYS)]
            for method, name in NAMES.items()
        ],
    )


def _medians(result: Mapping[str, Any]) -> list[str]:
    medians, paper = result["medians"], result["paper_medians"]
    rows = [
        [name, *(number(medians[kind][method][key]) for kind in KINDS for key in KEYS)]
        for method, name in NAMES.items()
    ]
    blank = [""] * (len(KINDS) - 1) * len(KEYS)
    rows.append(["paper: GNOA", number(paper["gnoa"]), "", "", *blank])
    rows.append(["paper: AlphaCrystal-II", "", number(paper["top-10"]), number(paper["top-20"]), *blank])
    return markdown_table(["", *(f"{key}, {WORDS[kind]}" for kind in KINDS for key in KEYS)], rows)


def _energies(result: Mapping[str, Any]) -> list[str]:
    words = {OURS: "ours", CONTACT_MAP: "AlphaCrystal-I, run by us", GNOA: "GNOA, run by us"}
    rows = []
    for key, own in result["formation_energies"].items():
        method, which = key.rsplit(" ", 1)
        rows.append(
            [
                f"{words[method]}, {'first' if which == 'first' else 'lowest of twenty'}",
                own["n"],
                number(own["median_gap"]),
                number(own["median_distance"]),
                own["within_10_mev"],
                own["lower_by_10_mev"],
            ]
        )
    return [
        f"Against the known structure relaxed with {result['potential']}, eV/atom.",
        "",
        *markdown_table(
            ["", "compounds", "median difference", "median distance", "within 10 meV", "lower by 10 meV"],
            rows,
        ),
    ]


def _compounds(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for line in lines:
        own = line["methods"]

        def value(method: str, key: str, own: Mapping[str, Any] = own) -> str:
            return number(own[method]["superpose"][key])

        rows.append(
            [
                line["formula"],
                line["id"],
                own[OURS]["match_place"] or "no",
                *(value(OURS, key) for key in KEYS),
                value(WRITTEN, "top-20"),
                value(STANDARD[OURS], "top-20"),
                value(CONTACT_MAP, "top-20"),
                value(GNOA, "top-1"),
                value(GNOA, "top-20"),
                value(TRUE_CELL, "top-20"),
                value(RELAXED_TRUTH, "top-1"),
                number(own[RANDOM_ORIGIN]["median"]),
                value(RANDOM_ORIGIN, "top-20"),
                *(number(line["printed"][key]) for key in ("gnoa", "top-10", "top-20")),
            ]
        )
    header = [
        "",
        "id",
        "our match at",
        "ours 1",
        "ours 10",
        "ours 20",
        "CIF 20",
        "MP cells 20",
        "AC-I 20",
        "GNOA 1",
        "GNOA 20",
    ]
    header += ["random 20", "floor", "noise 1 (median)", "noise 20"]
    header += ["paper: GNOA", "paper: AC-II 10", "paper: AC-II 20"]
    return markdown_table(header, rows)


def _invariant(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for line in lines:
        own = line["methods"]
        columns = [(OURS, key) for key in KEYS]
        columns += [(CONTACT_MAP, "top-20"), (GNOA, "top-1"), (GNOA, "top-20"), (TRUE_CELL, "top-20")]
        columns += [(RELAXED_TRUTH, "top-1"), (RANDOM_ORIGIN, "top-1")]
        rows.append([line["formula"], *(number(own[method][KINDS[2]][key]) for method, key in columns)])
    header = [
        "",
        "ours 1",
        "ours 10",
        "ours 20",
        "AC-I 20",
        "GNOA 1",
        "GNOA 20",
        "random 20",
        "floor",
        "noise",
    ]
    return markdown_table(header, rows)

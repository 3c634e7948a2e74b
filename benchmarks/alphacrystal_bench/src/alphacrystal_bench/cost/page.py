"""Markdown page of the benchmark cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphacrystal_bench.cost.methods import OURS, method_facts
from alphacrystal_bench.cost.random_searches import GNOA, GNOA_RANDOM, RANDOM_RELAXED
from alphacrystal_bench.cost.run import UNRELAXED
from alphacrystal_bench.harness.pages import markdown_table, number, page_text

NAMES = {
    OURS: "**ours**, whole prediction",
    UNRELAXED: "ours, candidates before relaxation",
    GNOA: "GNOA, Parzen estimators",
    GNOA_RANDOM: "GNOA, random search",
    RANDOM_RELAXED: "random symmetric structures, each relaxed",
}


def render(result: Mapping[str, Any]) -> str:
    """All tables, with their explanation."""
    n, methods = result["n"], result["methods"]
    ratio = methods[GNOA]["times_ours"]
    if ratio is None:
        reached = "GNOA generated none of them, so there is no ratio."
    else:
        reached = (
            f"Per matched compound, GNOA took {ratio:g} times our time and matched "
            f"{methods[GNOA]['matched']} of {n}, ours {methods[OURS]['matched']}: "
            + ("reached." if _reached(result) else "not reached.")
        )
    header = [
        "",
        f"matched, of {n}",
        "in the final list: first",
        "in ten",
        "in twenty",
        "median s to the match",
        "median evaluations to the match",
        "total s",
        "total evaluations",
        "s per match",
        "times ours",
        "s per first structure that matches",
        "times ours",
    ]
    lines = [
        f"# Cost until the known structure is generated: {n} compounds",
        "",
        method_facts("cost", result),
        f"Searches: up to {result['seconds']:g} processor seconds per compound.",
        "",
        page_text("cost_page"),
        "",
        "## Success and cost",
        "",
        *markdown_table(header, [_row(NAMES[method], row) for method, row in methods.items()]),
        "",
        f"Goal: at least {result['goal']:g} times less time than GNOA at equal or better success. {reached}",
        "",
        "## Time limits at equal success",
        "",
        *markdown_table(
            ["", "both match", "our limit (s)", "its limit (s)", "ratio", "one more: ratio at least"],
            [_limits(NAMES[method], row) for method, row in result["ratios"].items()],
        ),
        "",
        "## Each compound: seconds / evaluations to the match",
        "",
        *markdown_table(
            ["", "atoms", *(NAMES[method].replace("**", "") for method in methods)],
            [
                [line["formula"], line["atoms"], *(_cell(line["methods"][method]) for method in methods)]
                for line in result["compounds"]
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def _reached(result: Mapping[str, Any]) -> bool:
    ours, gnoa = result["methods"][OURS], result["methods"][GNOA]
    return bool(ours["matched"] >= gnoa["matched"] and (gnoa["times_ours"] or 0) >= result["goal"])


def _row(name: str, row: Mapping[str, Any]) -> list[object]:
    evaluations = row["median_evaluations"]
    return [
        name,
        row["matched"],
        row["top_1"],
        row["top_10"],
        row["top_20"],
        number(row["median_seconds"], 2),
        "none" if evaluations is None else round(evaluations),
        number(row["seconds"], 0),
        row["evaluations"],
        number(row["seconds_per_match"], 1),
        number(row["times_ours"], 1),
        number(row["seconds_per_first_match"], 1),
        number(row["first_match_times_ours"], 1),
    ]


def _limits(name: str, row: Mapping[str, Any]) -> list[object]:
    common = row["limits"].get(str(row["both_reach"]), {})
    return [
        name,
        row["both_reach"],
        number(common.get("ours"), 2),
        number(common.get("baseline"), 2),
        number(row["at_equal_success"], 1),
        number(row["at_one_more_at_least"], 1),
    ]


def _cell(row: Mapping[str, Any]) -> str:
    cost = f"{row['cpu_seconds']:.1f} / {row['evaluations']}"
    return cost if row["matched"] else f"not matched ({cost})"

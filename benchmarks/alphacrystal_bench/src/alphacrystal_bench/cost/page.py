"""The Markdown page of `benchmark_cost`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal_bench.cost.methods import OURS
from alphacrystal_bench.cost.random_searches import GNOA, GNOA_RANDOM, RANDOM_RELAXED
from alphacrystal_bench.cost.run import UNRELAXED
from alphacrystal_bench.harness.page_parts import fact_line, markdown_table, number, page_text

NAMES = {
    OURS: "**ours**, whole prediction",
    UNRELAXED: "ours, candidates before relaxation",
    GNOA: "GNOA, Parzen estimators",
    GNOA_RANDOM: "GNOA, random search",
    RANDOM_RELAXED: "random symmetric crystals, each relaxed",
}


def cost_page(result: Mapping[str, Any]) -> str:
    """All tables, with what they are held against."""
    n, methods = result["n"], result["methods"]
    gnoa = methods[GNOA]["times_ours"]
    lines = [
        f"# What it costs to meet the known structure: {n} compounds",
        "",
        fact_line("cost", result),
        f"Searches: up to {result['seconds']:g} processor seconds per compound.",
        "",
        page_text("cost_page"),
        "",
        "## Success and cost",
        "",
        *markdown_table(
            [
                "",
                f"met, of {n}",
                "in its answer: first",
                "in ten",
                "in twenty",
                "median s to the match",
                "median evaluations to the match",
                "s in all",
                "evaluations in all",
                "s per compound met",
                "times ours",
                "s per first answer that is right",
                "times ours",
            ],
            [_row(NAMES[method], own) for method, own in methods.items()],
        ),
        "",
        f"Goal: at least {result['goal']:g} times less time than GNOA at equal or better success. "
        + (
            "GNOA met none, so there is no ratio."
            if gnoa is None
            else f"Per compound met, GNOA took {gnoa:g} times our time, met {methods[GNOA]['met']} of {n}, "
            f"ours {methods[OURS]['met']}: {'reached' if _reached(result) else 'not reached'}."
        ),
        "",
        "## Time limits at equal success",
        "",
        *markdown_table(
            ["", "both meet", "our limit (s)", "its limit (s)", "ratio", "one more: ratio at least"],
            [_limits(NAMES[method], own) for method, own in result["ratios"].items()],
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


def write_cost_page(result: Mapping[str, Any], page: Path) -> None:
    """Write the page and its numbers beside it.

    Raises:
        AlphaCrystalError: The disk refused them.
    """
    write_text_atomically(page, cost_page(result))
    write_text_atomically(page.with_suffix(".json"), json.dumps(result, indent=1) + "\n")


def _reached(result: Mapping[str, Any]) -> bool:
    own, gnoa = result["methods"][OURS], result["methods"][GNOA]
    return bool(own["met"] >= gnoa["met"] and (gnoa["times_ours"] or 0) >= result["goal"])


def _row(name: str, own: Mapping[str, Any]) -> list[object]:
    evaluations = own["median_evaluations"]
    return [
        name,
        own["met"],
        own["top-1"],
        own["top-10"],
        own["top-20"],
        number(own["median_seconds"], 2),
        "none" if evaluations is None else round(evaluations),
        number(own["seconds"], 0),
        own["evaluations"],
        number(own["seconds_per_success"], 1),
        number(own["times_ours"], 1),
        number(own["seconds_per_right_answer"], 1),
        number(own["answer_times_ours"], 1),
    ]


def _limits(name: str, own: Mapping[str, Any]) -> list[object]:
    common = own["limits"].get(str(own["both_reach"]), {})
    return [
        name,
        own["both_reach"],
        number(common.get("ours"), 2),
        number(common.get("rival"), 2),
        number(own["at_equal_success"], 1),
        number(own["at_one_more_at_least"], 1),
    ]


def _cell(own: Mapping[str, Any]) -> str:
    spent = f"{own['cpu_seconds']:.1f} / {own['evaluations']}"
    return spent if own["met"] else f"not met ({spent})"

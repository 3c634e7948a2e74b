"""Markdown page of the benchmark reconstruction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, page_text, percent

HEADER = ("", "n", "matched", "median s", "95 % s", "median wall s", "95 % wall s")
TIMES = ("median_s", "p95_s", "median_wall_s", "p95_wall_s")


def render(result: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    details = (
        f", {result['minutes']} min (of the last part, if the run was continued). {result['n']} structures"
    )
    exact = {"all": result, **result["sizes"], **result["systems"]}
    text = page_text(
        "reconstruction_page",
        facts=fact_line("reconstruction", result, options=" --data DIR", details=details),
        exact=_rates(exact),
        missed=", ".join(result["missed"]) or "none",
    )
    return "\n\n".join([text, *_extras(result)]) + "\n"


def _extras(result: Mapping[str, Any]) -> Iterable[str]:
    if "noise" in result:
        yield page_text("reconstruction_noise", table=_rates(result["noise"]))
    if "short_distance_weights" in result:
        yield page_text("reconstruction_weights", table=_rates(result["short_distance_weights"]))
    if "baselines" in result:
        finished = {name: row for name, row in result["baselines"].items() if "skipped" not in row}
        skipped = [
            f"- {label(name)}: {row['skipped']}"
            for name, row in result["baselines"].items()
            if "skipped" in row
        ]
        yield page_text("reconstruction_baselines", table="\n".join([_rates(finished), *skipped]))
    if "evaluations_per_second" in result:
        rows = [
            [label(name), row["ours"], row["plain_numpy"], f"{row['ratio']} ×"]
            for name, row in result["evaluations_per_second"].items()
        ]
        table = "\n".join(markdown_table(["", "ours", "plain NumPy", "ratio"], rows))
        yield page_text("reconstruction_speed", table=table)
    if "ablation" in result:
        yield page_text("reconstruction_ablation", table=_ablation(result["ablation"]))


def _ablation(result: Mapping[str, Any]) -> str:
    header = [
        "space group and letters",
        "cell",
        "distances",
        "first / in 5 / in 20",
        "random coordinates, first / in 5 / in 20",
    ]
    rows = [
        [
            cell["symmetry"],
            cell["cell"],
            cell["distances"],
            _tops(cell["reconstructed"]),
            _tops(cell["random"]),
        ]
        for cell in result["cells"].values()
    ]
    return f"n = {result['n']}\n\n" + "\n".join(markdown_table(header, rows))


def _tops(shares: Mapping[str, float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares.values()) + " %"


def _rates(table: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [label(name), row["n"], percent(row["match_rate"]), *(f"{row[key]:.3f}" for key in TIMES)]
        for name, row in table.items()
    ]
    return "\n".join(markdown_table(HEADER, rows)) + "\n"

"""The page of the identification of crystals by their powder patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphacrystal_bench.diffraction.identification import EXPLAINED, FITTED, TOPS
from alphacrystal_bench.diffraction.samples import GRADES
from alphacrystal_bench.harness.pages import fact_line, markdown_table, number, percent
from alphacrystal_bench.known_crystals.comparison import LOOSE, STRICT

SET_LABELS = {
    "lab": "measured",
    "simulated": "simulated by others",
    **{f"val_{grade}": f"held-out compounds, {grade} sample" for grade in GRADES},
}


def render(result: Mapping[str, Any]) -> str:
    """The Markdown page."""
    intention = (
        "Each compound is predicted from its formula and its pattern (`--xrd`), and from its formula alone. "
        f"A crystal *explains* a pattern if R_wp is below {EXPLAINED:.0%}. The model of the order is fitted "
        f"to the set *{SET_LABELS[FITTED]}* and cross-validated there by formula; the other sets use its "
        "weights."
    )
    facts = fact_line("xrd", result, options=" --data DIR")
    lines = ["# Powder patterns", "", intention, "", facts, ""]
    body = []
    for name, table in result["sets"].items():
        for preset, title in ((STRICT, "0.2/0.3/5"), (LOOSE, "0.3/0.5/10")):
            if preset not in table:
                continue
            rates = table[preset]
            body.append(
                [
                    SET_LABELS[name],
                    title,
                    table["n"],
                    " / ".join(percent(rates["with"][f"top_{top}"]) for top in TOPS),
                    " / ".join(percent(rates["without"][f"top_{top}"]) for top in TOPS),
                    "" if rates["rescued"] is None else percent(rates["rescued"]),
                    f"{percent(rates['unseen']['top_1'])} of {rates['unseen']['n']}"
                    if rates["unseen"]["n"]
                    else "",
                ]
            )
    if body:
        heads = [
            "patterns",
            "tolerances",
            "n",
            "with, in 1 / 5 / 20",
            "without",
            "rescued",
            "first, formula unseen",
        ]
        lines += [*markdown_table(heads, body), ""]
        lines += [
            "*Rescued*: share of the compounds that are not first without the pattern and first with it.",
            "",
        ]
    lines += [
        *markdown_table(
            ["patterns", "n", "formula seen", "refused", "explained first", "added time (s)"],
            [
                [
                    SET_LABELS[name],
                    table["n"],
                    table["seen"],
                    table["refused"],
                    percent(table["explained_first"]),
                    "not measured" if table["added_seconds"] is None else table["added_seconds"],
                ]
                for name, table in result["sets"].items()
            ],
        ),
        "",
    ]
    if "compared" in result:
        lines += [
            "## Inputs of the order",
            "",
            *markdown_table(
                ["inputs", "in 1 / 5 / 20", "loss"],
                [
                    [
                        key.replace("_", ", "),
                        " / ".join(percent(item[f"top_{top}"]) for top in TOPS),
                        item["loss"],
                    ]
                    for key, item in result["compared"].items()
                ],
            ),
            "",
            "Expected calibration error of the first structure: "
            + number(result["calibration"]["expected_calibration_error"], 3)
            + ".",
            "",
        ]
    measured = [row for row in result["rows"] if row["set"] == "lab"]
    if measured:
        lines += [
            "## Measured patterns",
            "",
            *markdown_table(
                ["compound", "formula seen", "rank", "rank without", "first: space group", "R_wp"],
                [
                    [
                        row["formula"],
                        "yes" if row["seen"] else "no",
                        row.get("rank") or "-",
                        row.get("rank_without") or "-",
                        row.get("space_group", row["refused"]),
                        "" if row.get("r_wp") is None else percent(row["r_wp"]),
                    ]
                    for row in measured
                ],
            ),
            "",
        ]
    return "\n".join(lines)

"""Textbook compounds: rank of the known structure in the order by probability, by networks and by energy.

A smoke test, not evidence: these compounds may be in the training data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from alphacrystal.config import make_config
from alphacrystal.evaluation import match_pair
from alphacrystal.pipeline.predict import predict
from alphacrystal.typing import Progress
from alphacrystal_bench.generation.textbook_structures import TEXTBOOK, TextbookCompound
from alphacrystal_bench.harness.pages import fact_line, markdown_table, page_text
from alphacrystal_bench.harness.rows import Row, Rows, check_settings

LISTED = 20


def benchmark_textbook(
    out: Path, on_progress: Progress, *, limit: int | None = None, relax: bool = True, seed: int = 0
) -> dict[str, Any]:
    """Predict the compounds with default settings, without the table of known phases.

    Args:
        out: Folder of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, in the order of the table; all of them if None.
        relax: Whether the candidates are relaxed.
        seed: Random seed.
    """
    check_settings(out, {"relax": relax, "seed": seed})
    finished = Rows(out / "textbook.jsonl", key=lambda row: str(row["formula"]))
    compounds = TEXTBOOK[:limit]
    rows = []
    for done, compound in enumerate(compounds):
        on_progress("predict", done, len(compounds))
        compute = partial(_row, compound, out / "runs" / compound.formula, relax, seed)
        rows.append(finished.compute(compound.formula, compute))
    on_progress("predict", len(compounds), len(compounds))
    orders = ["rank", "chemical_rank", *(["energy_rank"] if relax else [])]
    return {
        "n": len(rows),
        "relax": relax,
        "orders": {
            name: {f"top_{top}": sum(0 < (row[name] or 0) <= top for row in rows) for top in (1, 5, LISTED)}
            for name in orders
        },
        "rows": rows,
    }


def _row(compound: TextbookCompound, folder: Path, relax: bool, seed: int) -> Row:
    begin = time.perf_counter()
    config = make_config(top=LISTED, relax=relax, seed=seed, known_phases=False, dispersion="none")
    resume = (folder / "events.jsonl").is_file()
    run = predict(compound.formula, config, folder=folder, resume=resume, page=False)
    seconds = time.perf_counter() - begin
    reference = compound.structure()
    matches = [item for item in run.ranked if match_pair(item.primitive, reference).matched]
    best = matches[0] if matches else None
    first = run.ranked[0]
    return {
        "formula": compound.formula,
        "name": compound.name,
        "space_group": compound.space_group,
        "rank": best.rank if best else None,
        "probability": best.probability if best else None,
        "chemical_rank": min((item.chemical_rank for item in matches), default=None),
        "energy_rank": min((item.energy_rank for item in matches if item.energy_rank), default=None),
        "first": first.space_group_symbol,
        "first_probability": first.probability,
        "seconds": round(seconds, 2),
    }


_HEADER = ("rank", "probability", "networks", "energy", "first instead", "s")
_ORDERS = {"rank": "probability (default)", "chemical_rank": "networks alone", "energy_rank": "energy alone"}


def render(result: Mapping[str, Any]) -> str:
    """Counts of all orders, then rank and probability of each compound."""
    summary = [[_ORDERS[name], *counts.values()] for name, counts in result["orders"].items()]
    rows = [
        [
            row["formula"],
            f"{row['name']}, {row['space_group']}",
            row["rank"] or "none",
            "" if row["probability"] is None else f"{100 * row['probability']:.0f} %",
            row["chemical_rank"] or "none",
            row["energy_rank"] or "",
            "" if row["rank"] == 1 else row["first"],
            f"{row['seconds']:.1f}",
        ]
        for row in result["rows"]
    ]
    details = ", relaxed with chgnet" if result["relax"] else ", not relaxed"
    options = "" if result["relax"] else " --no-relax"
    header = ["", "structure (other polymorphs)", *_HEADER]
    lines = [
        f"# Textbook compounds, {result['n']}",
        "",
        fact_line("textbook", result, options=options, details=details),
        "",
        page_text("textbook_page"),
        "",
        *markdown_table(["order", "first", "in 5", "in 20"], summary),
        "",
        *markdown_table(header, rows),
    ]
    return "\n".join(lines) + "\n"

"""The limit of the share of layers and molecules above which a list is relaxed with dispersion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.generate import DistanceMatrixGenerator
from alphacrystal.pipeline.dispersion import LOW_DIMENSIONAL_SHARE, low_dimensional_share
from alphacrystal.ranking import is_low_dimensional
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table, page_text, percent
from alphacrystal_bench.harness.rows import Row, Rows, check_settings, sample
from alphacrystal_bench.known_crystals.tables import SIZES
from alphacrystal_bench.known_crystals.validation_sizes import validation_records

if TYPE_CHECKING:
    from alphacrystal.data import StructureRecord

CANDIDATES = 50  # the default of `predict`
MAX_ATOMS = 40  # in the primitive cell
CLASSES = tuple(name for name, largest in SIZES.items() if largest <= MAX_ATOMS)
EVERY = 10**6  # compounds of a size class: more than there are
LIMITS = (0.02, 0.05, 0.1, LOW_DIMENSIONAL_SHARE, 0.3, 0.5)
GROUPS = {True: "layers, chains or molecules", False: "frameworks and metals"}


def benchmark_dispersion_rule(
    records: Iterable[StructureRecord], out: Path, on_progress: Progress, *, limit: int, seed: int = 0
) -> dict[str, Any]:
    """Decision on dispersion for known crystals, by the limit of the share.

    Args:
        records: Records with a validation split.
        out: Folder of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Compounds whose known crystal has no bonded framework, and as many others, drawn at random.
        seed: Seed of the sample and of the candidates.
    """
    check_settings(out, {"seed": seed})
    known = validation_records(records, EVERY, seed, CLASSES)
    by_group: dict[bool, list[StructureRecord]] = {True: [], False: []}
    for record in known:
        by_group[is_low_dimensional(record.structure())].append(record)
    chosen = [(low, record) for low, members in by_group.items() for record in sample(members, limit, seed)]
    finished = Rows(out / "rows.jsonl")
    rows = []
    for done, (low, record) in enumerate(chosen):
        on_progress("candidates", done, len(chosen))
        rows.append(finished.compute(record.reduced_formula, partial(_row, record, low, seed)))
    on_progress("candidates", len(chosen), len(chosen))
    return {
        "n": len(rows),
        "seed": seed,
        "known": {GROUPS[low]: len(members) for low, members in by_group.items()},
        "shares": shares(rows),
        "rows": rows,
    }


def _row(record: StructureRecord, low: bool, seed: int) -> Row:
    row: Row = {"id": record.reduced_formula, "atoms": len(record.species), "low": low, "share": None}
    try:
        formula = parse_formula(record.reduced_formula)
        generator = DistanceMatrixGenerator(formula_units=formula_units_within(formula, MAX_ATOMS))
        candidates = list(generator.generate(formula, CANDIDATES, np.random.default_rng(seed)))
    except AlphaCrystalError:  # formulas that are refused have no candidates
        return row
    return row | {"share": round(low_dimensional_share(candidates, limit=None), 4)}


def shares(rows: Sequence[Row]) -> list[Row]:
    """Share of the compounds of each group that get dispersion, by the limit."""
    result = []
    for limit in LIMITS:
        item: Row = {"limit": limit}
        for low, name in GROUPS.items():
            values = [row["share"] for row in rows if row["low"] == low and row["share"] is not None]
            item[name] = round(float(np.mean([value >= limit for value in values])), 4) if values else None
        result.append(item)
    return result


def render(result: Mapping[str, Any]) -> str:
    """The shares by limit, and the compounds that the shipped limit decides otherwise."""
    table = [
        [f"{100 * item['limit']:.0f} %", *(percent(item[name]) for name in GROUPS.values())]
        for item in result["shares"]
    ]
    missed = [
        row["id"]
        for row in result["rows"]
        if row["low"] and row["share"] is not None and row["share"] < LOW_DIMENSIONAL_SHARE
    ]
    extra = [
        row["id"]
        for row in result["rows"]
        if not row["low"] and row["share"] is not None and row["share"] >= LOW_DIMENSIONAL_SHARE
    ]
    lines = [
        "# The limit of the dispersion rule",
        "",
        fact_line("dispersion-rule", result, options=" --data DIR", details=f", {result['n']} compounds"),
        "",
        page_text("dispersion_rule_page"),
        "",
        *markdown_table(["limit", *(f"dispersion for {name}" for name in GROUPS.values())], table),
        "",
        (
            f"With the limit of {percent(LOW_DIMENSIONAL_SHARE)}, dispersion is missing for "
            f"{', '.join(missed) or 'none'}, and is added for the frameworks {', '.join(extra) or '(none)'}."
        ),
    ]
    return "\n".join(lines) + "\n"

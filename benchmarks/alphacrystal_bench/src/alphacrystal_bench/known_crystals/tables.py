"""Rates, displacements, stages of misses, times and memory of predicted lists, in total and by size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alphacrystal.evaluation import match_preset
from alphacrystal_bench.cspbench.causes import CAUSES, FOUND, RANKED_LOW
from alphacrystal_bench.harness.rows import Row
from alphacrystal_bench.known_crystals.comparison import LOOSE, PRESETS, first_match
from alphacrystal_bench.known_crystals.lists import REFUSED, TOPS

#: Largest number of atoms in the primitive cell by size class.
SIZES = {"atoms_1_to_20": 20, "atoms_21_to_40": 40, "atoms_41_to_60": 60, "atoms_61_to_80": 80}
OVER = "atoms_over_80"
LISTED, UNRELAXED = "listed", "unrelaxed"
BELOW_LIST = "ranked_below_twenty"
STAGES = (FOUND, RANKED_LOW, BELOW_LIST, *(cause for cause in CAUSES if cause != RANKED_LOW), REFUSED)

Rates = dict[str, float]


def size_class(atoms: int) -> str:
    """Name of the size class of a primitive cell."""
    return next((name for name, most in SIZES.items() if atoms <= most), OVER)


def tables(rows: Sequence[Row], controls: Sequence[Row] = ()) -> dict[str, Any]:
    """Values of ``summary`` of all rows and by size class, and short rows."""
    by_id = {row["id"]: row for row in controls}
    sizes = {name: [row for row in rows if size_class(row["atoms"]) == name] for name in (*SIZES, OVER)}
    return {
        "n": len(rows),
        "total": summary(rows, by_id),
        "sizes": {name: summary(group, by_id) for name, group in sizes.items() if group},
        "rows": [short_row(row) for row in rows],
    }


def summary(rows: Sequence[Row], controls: Mapping[str, Row]) -> dict[str, Any]:
    """Rates within the first 1, 5 and 20 structures, METRe and cRMSE, stages of misses, cost.

    METRe and cRMSE are those of `alphacrystal.evaluation.polymorph_summary`: a formula with K references gets
    its first K structures, a reference is matched by any of them, and cRMSE takes the largest displacement
    allowed where none matches.

    Args:
        rows: Rows of predictions, at least one.
        controls: Rows of controls by id; none, or those of all rows.
    """
    lists = {name: [row[name] for row in rows] for name in (LISTED, UNRELAXED)}
    if not any(lists[UNRELAXED]):
        del lists[UNRELAXED]
    if controls:
        names = [name for name in controls[rows[0]["id"]] if name != "id"]
        lists |= {name: [controls[row["id"]][name] for row in rows] for name in names}
    seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
    peaks = [row["peak_gb"] for row in rows if row["peak_gb"] is not None]
    return {
        "n": len(rows),
        "match": {
            preset: {
                name: rates([first_match(group, preset) for group in groups])
                for name, groups in lists.items()
            }
            for preset in PRESETS
        },
        "rmse": {preset: _rmse(lists[LISTED], preset) for preset in PRESETS},
        **_polymorph_rates(rows),
        "space_group": rates([_space_group_rank(row) for row in rows]),
        "type": rates([row["type_rank"] for row in rows]),
        "type_proposed": round(float(np.mean([row["type_proposed"] for row in rows])), 4),
        "prior_type": rates([row["prior"]["type"] for row in rows]),
        "prior_space_group": rates([row["prior"]["space_group"] for row in rows]),
        "stages": {preset: _stages(rows, preset) for preset in PRESETS},
        "undecided": sum(any(item["undecided"] for item in row[LISTED]) for row in rows),
        "median_s": round(float(np.median(seconds)), 1) if seconds else None,
        "longest_s": round(max(seconds), 1) if seconds else None,
        "peak_gb": max(peaks, default=None),
    }


def rates(ranks: Sequence[int | None]) -> Rates:
    """Shares of ranks within the first 1, 5 and 20."""
    return {
        f"top_{top}": round(float(np.mean([rank is not None and rank <= top for rank in ranks])), 4)
        for top in TOPS
    }


def _rmse(groups: Sequence[Sequence[Row]], preset: str) -> dict[str, float | None]:
    """Mean over the matched compounds of the least displacement within the first 1, 5 and 20."""
    means = {}
    for top in TOPS:
        least = [value for items in groups if (value := _least(items[:top], preset)) is not None]
        means[f"top_{top}"] = round(float(np.mean(least)), 4) if least else None
    return means


def _least(items: Sequence[Row], preset: str) -> float | None:
    return min((item["rms"][preset] for item in items if item["rms"][preset] is not None), default=None)


def _polymorph_rates(rows: Sequence[Row]) -> dict[str, float]:
    references = Counter(row["formula"] for row in rows)
    least = [_least(row[LISTED][: references[row["formula"]]], LOOSE) for row in rows]
    limit = match_preset(LOOSE).stol
    return {
        "metre": round(float(np.mean([value is not None for value in least])), 4),
        "crmse": round(float(np.mean([limit if value is None else value for value in least])), 4),
    }


def _space_group_rank(row: Row) -> int | None:
    """Rank (from 1) of the first structure with the space group of the known crystal."""
    true = row["space_group"]
    ranks = (rank for rank, item in enumerate(row[LISTED], 1) if item["space_group"] == true is not None)
    return next(ranks, None)


def stage(row: Row, preset: str) -> str:
    """The stage that keeps the known crystal from the first rank or from the first twenty."""
    cause = str(row["cause"][preset])
    rank = first_match(row[LISTED], preset)
    return BELOW_LIST if cause == RANKED_LOW and rank is not None and rank > max(TOPS) else cause


def _stages(rows: Sequence[Row], preset: str) -> dict[str, int]:
    counts = Counter(stage(row, preset) for row in rows)
    return {name: counts[name] for name in STAGES}


def short_row(row: Row) -> dict[str, Any]:
    """A row without its structures: ranks and displacements of the known crystal."""
    kept = {key: value for key, value in row.items() if key not in (LISTED, UNRELAXED, "cause", "category")}
    return kept | {
        "size": size_class(row["atoms"]),
        "ranks": {preset: first_match(row[LISTED], preset) for preset in PRESETS},
        "unrelaxed_ranks": {preset: first_match(row[UNRELAXED], preset) for preset in PRESETS},
        "space_group_rank": _space_group_rank(row),
        "rms": {preset: _least(row[LISTED][: max(TOPS)], preset) for preset in PRESETS},
        "stage": {preset: stage(row, preset) for preset in PRESETS},
        "undecided": sum(item["undecided"] for item in row[LISTED]),
    }

"""Textbook compounds without relaxation: rank of the known structure, and time.

A smoke test, not evidence: these compounds may be in the training data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.generate import DistanceMatrixGenerator
from alphacrystal.ranking import RankedStructure, rank_candidates
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

CANDIDATES, LISTED, MAX_ATOMS = 50, 20, 20
GOAL_SHARE, GOAL_S = 0.9, 5.0


def textbook_structures() -> dict[str, Structure]:
    """Structures by formula; R. W. G. Wyckoff, Crystal Structures, and the ICSD; Fd-3m in origin choice 1."""
    build = Structure.from_spacegroup
    cubic, hexagonal, tetragonal = Lattice.cubic, Lattice.hexagonal, Lattice.tetragonal
    third, spinel = [1 / 3, 2 / 3, 0], [5 / 8] * 3
    return {
        "NaCl": build("Fm-3m", cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "CsCl": build("Pm-3m", cubic(4.12), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "MgO": build("Fm-3m", cubic(4.21), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "GaAs": build("F-43m", cubic(5.65), ["Ga", "As"], [[0, 0, 0], [0.25] * 3]),
        "CaF2": build("Fm-3m", cubic(5.46), ["Ca", "F"], [[0, 0, 0], [0.25] * 3]),
        "SrTiO3": build("Pm-3m", cubic(3.905), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]),
        "TiO2": build("P4_2/mnm", tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.3053, 0.3053, 0]]),
        "ZnO": build("P6_3mc", hexagonal(3.25, 5.207), ["Zn", "O"], [third, [1 / 3, 2 / 3, 0.382]]),
        "NiAs": build("P6_3/mmc", hexagonal(3.619, 5.035), ["Ni", "As"], [[0, 0, 0], [1 / 3, 2 / 3, 0.25]]),
        "LaNi5": build(
            "P6/mmm", hexagonal(5.017, 3.986), ["La", "Ni", "Ni"], [[0, 0, 0], third, [0.5, 0, 0.5]]
        ),
        "MgCu2": build("Fd-3m", cubic(7.034), ["Mg", "Cu"], [[0, 0, 0], spinel]),
        "MoS2": build(
            "P6_3/mmc", hexagonal(3.16, 12.29), ["Mo", "S"], [[1 / 3, 2 / 3, 0.25], [1 / 3, 2 / 3, 0.621]]
        ),
        "Cu3Au": build("Pm-3m", cubic(3.748), ["Au", "Cu"], [[0, 0, 0], [0, 0.5, 0.5]]),
        "AlB2": build("P6/mmm", hexagonal(3.009, 3.262), ["Al", "B"], [[0, 0, 0], [1 / 3, 2 / 3, 0.5]]),
        "BaTiO3": build(
            "P4mm",
            tetragonal(3.9945, 4.0335),
            ["Ba", "Ti", "O", "O"],
            [[0, 0, 0], [0.5, 0.5, 0.5224], [0.5, 0.5, -0.0244], [0.5, 0, 0.4895]],
        ),
        "MgAl2O4": build("Fd-3m", cubic(8.08), ["Mg", "Al", "O"], [[0, 0, 0], spinel, [0.3874] * 3]),
        "Al2O3": build("R-3c", hexagonal(4.759, 12.991), ["Al", "O"], [[0, 0, 0.3522], [0.3064, 0, 0.25]]),
        "FeS2": build("Pa-3", cubic(5.418), ["Fe", "S"], [[0, 0, 0], [0.385] * 3]),
        "CuFeS2": build(
            "I-42d",
            tetragonal(5.289, 10.423),
            ["Cu", "Fe", "S"],
            [[0, 0, 0], [0, 0, 0.5], [0.2574, 0.25, 0.125]],
        ),
        "LiCoO2": build(
            "R-3m", hexagonal(2.816, 14.05), ["Li", "Co", "O"], [[0, 0, 0], [0, 0, 0.5], [0, 0, 0.2605]]
        ),
    }


def benchmark_textbook(on_progress: Progress, *, limit: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Predict the compounds without relaxation.

    Args:
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, in the order of the table; all of them if None.
        seed: Random seed.
    """
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    references = list(textbook_structures().items())[:limit]
    rows: list[dict[str, Any]] = []
    _predict("LiF", seed)  # loads networks and tables, whose time does not count
    for done, (formula, reference) in enumerate(references):
        on_progress("predict", done, len(references))
        begin = time.perf_counter()
        ranked = _predict(formula, seed)
        seconds = time.perf_counter() - begin
        ranks = [row.rank for row in ranked if matcher.fit(row.structure, reference)]
        rows.append(
            {"formula": formula, "match_rank": min(ranks, default=None), "seconds": round(seconds, 2)}
        )
    on_progress("predict", len(references), len(references))
    return {
        "n": len(rows),
        "in_first_five": sum(row["match_rank"] is not None and row["match_rank"] <= 5 for row in rows),
        "longest_s": max(row["seconds"] for row in rows),
        "rows": rows,
    }


def _predict(formula: str, seed: int) -> list[RankedStructure]:
    parsed = parse_formula(formula)
    generator = DistanceMatrixGenerator(formula_units=formula_units_within(parsed, MAX_ATOMS))
    candidates = list(generator.generate(parsed, CANDIDATES, np.random.default_rng(seed)))
    return list(rank_candidates(candidates, {}, relaxed=False, top=LISTED))


def render(result: Mapping[str, Any]) -> str:
    """Rank and time of each compound."""
    rows = [[row["formula"], row["match_rank"] or "none", f"{row['seconds']:.2f}"] for row in result["rows"]]
    summary = (
        f"{result['in_first_five']} of {result['n']} in the first five (goal: {GOAL_SHARE:.0%}); longest "
        f"{result['longest_s']:.1f} s (goal: {GOAL_S:g} s)."
    )
    lines = ["# Textbook compounds without relaxation", "", fact_line("textbook", result), ""]
    return "\n".join([*lines, *markdown_table(["", "rank of the match", "s"], rows), "", summary]) + "\n"

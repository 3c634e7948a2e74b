"""Rank of the known structure of held-out compounds in chemical, energy and combined order.

Each compound is predicted and relaxed with default settings. The combined order is computed for several
weights of the energy and of unconverged relaxations. The energy order is that of the paper: the lowest
formation energies of the 50 candidates.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure

from alphacrystal.config import PredictConfig
from alphacrystal.data import read_records
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.evaluation import match_pair
from alphacrystal.pipeline.predict import predict
from alphacrystal.ranking import ENERGY_SCALE, UNCONVERGED_PENALTY, combined_order
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table, percent
from alphacrystal_bench.harness.rows import Row, Rows
from alphacrystal_bench.models.subsets import reference_records

SCALES = (0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)  # eV/atom equal to a factor e in probability
PENALTIES = (0.0, 1.0, 3.0, 6.0)  # cost of an unconverged relaxation
TOPS = (1, 3, 5, 10, 20)
LISTED = 50
NO_PROBABILITY = -99.0  # log-probability of structures without a hypothesis
NO_ENERGY = 9.0  # eV/atom above the lowest, for structures without an energy
UNLISTED = 1000.0  # rank of references that are not in the list
#: Log-probability, energy above the lowest (eV/atom), whether it matches the reference, whether it converged.
Structures = Sequence[tuple[float, float, bool, bool]]


def benchmark_ranking(
    source: Path, out: Path, on_progress: Progress, *, limit: int = 45, seed: int = 1
) -> dict[str, Any]:
    """Match rates of all orders over held-out compounds.

    Args:
        source: Records with a validation split.
        out: Folder of the finished compounds, so that an interrupted run continues.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, drawn at random.
        seed: Seed of the sample.
    """
    records = [
        record for record in read_records(source) if record.split == "val" and len(set(record.species)) > 1
    ]
    references = reference_records(records)
    order = np.random.default_rng(seed).permutation(len(references))[:limit]
    finished = Rows(out / "ranking.jsonl", key=lambda row: str(row["formula"]))
    rows = []
    for done, index in enumerate(order):
        on_progress("predict", done, len(order))
        formula = references[index].reduced_formula
        if formula not in finished:
            finished.add(formula, _predicted(formula, references[index].structure()))
        rows.append(finished[formula])
    on_progress("predict", len(order), len(order))
    return ranking_tables(rows)


def ranking_tables(rows: Sequence[Row]) -> dict[str, Any]:
    """Match rates and mean reciprocal ranks of all orders, from finished compounds."""
    compounds: list[Structures] = [row["rows"] for row in rows]
    seconds = [row["seconds"] for row in rows if row["seconds"]]
    converged = [structure[3] for structures in compounds for structure in structures]
    weights = [
        {
            "scale_ev_per_atom": scale,
            "penalty": penalty,
            "mean_reciprocal_rank": round(
                float(np.mean([1 / rank for rank in match_ranks(compounds, scale, penalty)])), 4
            ),
        }
        for scale in SCALES
        for penalty in PENALTIES
    ]
    return {
        "n": len(compounds),
        "median_s": round(float(np.median(seconds)), 1) if seconds else None,
        "converged": float(np.mean(converged)) if converged else 0.0,
        "chemical_only": _shares(match_ranks(compounds, None, 0.0)),
        "energy_only": _shares(match_ranks(compounds, 0, 0.0)),
        "combined": [
            {"scale_ev_per_atom": scale, **_shares(match_ranks(compounds, scale, UNCONVERGED_PENALTY))}
            for scale in SCALES
        ],
        "default_order": _shares(_default_ranks(compounds)),
        "weights": weights,
    }


def match_ranks(compounds: Sequence[Structures], scale: float | None, penalty: float) -> list[float]:
    """Rank (from 1) of the reference of each compound, UNLISTED if it is not in the list.

    Args:
        compounds: Structures of each compound.
        scale: Energy scale of the combined order in eV/atom; None: chemical order, 0: energy order.
        penalty: Cost of an unconverged relaxation.
    """

    def cost(structure: tuple[float, float, bool, bool]) -> float:
        log_probability, above, _, converged = structure
        if scale is None:
            return -log_probability
        if scale == 0:
            return above
        return above / scale - log_probability + (0.0 if converged else penalty)

    return [_match_rank(sorted(structures, key=cost)) for structures in compounds]


def _default_ranks(compounds: Sequence[Structures]) -> list[float]:
    """Ranks in the default order, in which the energy decides after the first ten."""
    ranks = []
    for structures in compounds:
        above = [structure[1] for structure in structures]
        converged = [structure[3] for structure in structures]
        costs = [
            energy / ENERGY_SCALE - log_probability + (0.0 if done else UNCONVERGED_PENALTY)
            for log_probability, energy, _, done in structures
        ]
        ranks.append(_match_rank([structures[i] for i in combined_order(costs, above, converged)]))
    return ranks


def _match_rank(structures: Structures) -> float:
    return next((float(rank) for rank, item in enumerate(structures, start=1) if item[2]), UNLISTED)


def _shares(ranks: Sequence[float]) -> dict[str, float]:
    return {f"top_{top}": round(float(np.mean([rank <= top for rank in ranks])), 3) for top in TOPS}


def _predicted(formula: str, target: Structure) -> Row:
    """The structures of a prediction and its wall seconds; no structures if it is refused."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = predict(formula, PredictConfig(top=LISTED), folder=Path(folder) / "run")
        except AlphaCrystalError as error:
            return {"formula": formula, "rows": [], "seconds": 0.0, "refused": str(error)}
    seconds = time.monotonic() - begin
    energies = [row.relaxation.energy_per_atom for row in run.ranked if row.relaxation]
    lowest = min((energy for energy in energies if energy is not None), default=0.0)
    structures = []
    for row in run.ranked:
        merged = [run.candidates[index].log_probability for index in (row.candidate_index, *row.duplicates)]
        log_probability = max(NO_PROBABILITY if value is None else value for value in merged)
        energy = row.relaxation.energy_per_atom if row.relaxation else None
        above = NO_ENERGY if energy is None else energy - lowest
        converged = row.relaxation is not None and row.relaxation.converged
        matched = bool(match_pair(row.primitive, target).matched)
        structures.append((log_probability, above, matched, converged))
    return {"formula": formula, "rows": structures, "seconds": round(seconds, 2)}


def render(result: Mapping[str, Any]) -> str:
    """Match rates of all orders, and the best weights."""
    orders = [("chemical only", result["chemical_only"]), ("energy only", result["energy_only"])]
    orders += [(f"combined, {row['scale_ev_per_atom']} eV/atom", row) for row in result["combined"]]
    if "default_order" in result:
        orders.append(("default order: energy decides after the first ten", result["default_order"]))
    rows = [[name, *(percent(row[f"top_{top}"], 0) for top in TOPS)] for name, row in orders]
    best = max(result["weights"], key=lambda row: row["mean_reciprocal_rank"])
    default = next(
        row["mean_reciprocal_rank"]
        for row in result["weights"]
        if (row["scale_ev_per_atom"], row["penalty"]) == (ENERGY_SCALE, UNCONVERGED_PENALTY)
    )
    details = (
        f", median {result['median_s']} s per compound, {percent(result['converged'])} of the listed "
        f"structures converged. {result['n']} compounds"
    )
    weights = (
        f"Best mean reciprocal rank {best['mean_reciprocal_rank']:.3f}: {best['scale_ev_per_atom']} eV/atom, "
        f"{best['penalty']} for unconverged relaxations; the default weights: {default:.3f}."
    )
    lines = [
        "# Orders of the list",
        "",
        fact_line("ranking", result, options=" --data DIR", details=details),
        "",
        *markdown_table(["order", *("first" if top == 1 else f"first {top}" for top in TOPS)], rows),
        "",
        weights,
    ]
    return "\n".join(lines) + "\n"

"""Separation of the true crystal from other structures of its formula by a simulated powder pattern.

Experimental compounds of the validation split with at most 20 atoms in the primitive cell, one crystal per
formula, drawn at random. The measurements have a zero shift, displacement, texture, noise, background and a
foreign phase. The true crystal enters with the errors of a potential: strained cell and displaced
atoms. Its competitors are the unrelaxed candidates of the formula and its other crystals in the records,
without those that match the true crystal with wide tolerances. All are fitted and ordered by each score.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.data import StructureRecord, read_records
from alphacrystal.diffraction import (
    CU_KALPHA,
    Faults,
    PatternFit,
    PowderPattern,
    find_peaks,
    fit_crystals,
    simulate_pattern,
    without_scattering_factor,
)
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.evaluation import PRESETS, match_pair
from alphacrystal.generate import DistanceMatrixGenerator
from alphacrystal.typing import Progress
from alphacrystal_bench.diffraction.measurements import (
    ORDINARY,
    POOR,
    measured_pattern,
    with_errors_of_a_potential,
)
from alphacrystal_bench.harness.pages import fact_line, markdown_table, number, percent
from alphacrystal_bench.harness.rows import Row, Rows, check_settings

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ATOMS = 20
CONTROL_WIDTH = 0.5  # degrees, standard deviation of the smoothing of the control
TOPS = (1, 5)
MEASUREMENTS = {"ordinary": ORDINARY, "poor": POOR}
SCORES = {
    "profile": "misfit of the profile (R_wp)",
    "peaks": "likelihood of the peaks found in the profile",
    "both": "both: likelihood, minus misfit × 50",
    "list_peaks": "list of peaks: likelihood",
    "list_profile": "list of peaks: misfit of the smoothed list",
    "unfitted": "control: smoothed profiles, nothing fitted",
}
WEIGHT_OF_MISFIT = 50.0


def benchmark_pattern_fit(
    source: Path, out: Path, on_progress: Progress, *, limit: int = 40, candidates: int = 40, seed: int = 0
) -> dict[str, Any]:
    """Rank of the true crystal among other structures of its formula, by score.

    Args:
        source: Records with a validation split.
        out: Folder of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, drawn at random.
        candidates: Unrelaxed candidates per compound.
        seed: Random seed.
    """
    check_settings(out, {"candidates": candidates, "seed": seed})
    by_formula: dict[str, list[StructureRecord]] = defaultdict(list)
    for record in read_records(source):
        if record.split == "val" and len(set(record.species)) > 1 and len(record.species) <= MAX_ATOMS:
            by_formula[record.reduced_formula].append(record)
    formulas = sorted(
        formula
        for formula, records in by_formula.items()
        if any(record.icsd for record in records) and not without_scattering_factor(records[0].species)
    )
    order = np.random.default_rng(seed).permutation(len(formulas))
    chosen = [formulas[index] for index in order[:limit]]
    finished = Rows(out / "rows.jsonl")
    rows = []
    for done, formula in enumerate(chosen):
        on_progress("fit", done, len(chosen))
        foreign = by_formula[formulas[order[-1 - done]]][0].structure()
        if formula not in finished:
            finished.add(formula, _compound_row(formula, by_formula[formula], foreign, candidates, seed))
        rows.append(finished[formula])
    on_progress("fit", len(chosen), len(chosen))
    settings = {"limit": limit, "candidates": candidates}
    return settings | _summary([row for row in rows if row["measurements"]])


def _compound_row(
    text: str, records: list[StructureRecord], foreign: Structure, candidates: int, seed: int
) -> Row:
    rng = np.random.default_rng([seed, *text.encode()])
    target = next(record for record in records if record.icsd).structure()
    row: Row = {"id": text, "atoms": len(target), "measurements": {}}
    try:
        formula = parse_formula(text)
        units = formula_units_within(formula, MAX_ATOMS)
        generated = DistanceMatrixGenerator(formula_units=units).generate(
            formula, candidates, np.random.default_rng(seed)
        )
        others = [candidate.structure for candidate in generated]
    except AlphaCrystalError:  # formulas that are refused have no structures
        return row
    others += [record.structure() for record in records]
    others = [other for other in others if not match_pair(other, target, PRESETS["diffcsp"]).matched]
    if not others:
        return row
    structures = [with_errors_of_a_potential(target, rng), *others]
    for name, spread in MEASUREMENTS.items():
        pattern = measured_pattern(target, foreign, rng, spread)
        begin = time.process_time()
        fits = fit_crystals(structures, pattern)
        seconds = (time.process_time() - begin) / len(structures)
        listed = fit_crystals(structures, find_peaks(pattern))
        row["measurements"][name] = {
            "seconds": seconds,
            "r_wp": [fit.profile.r_wp for fit in fits if fit.profile is not None],
            "scores": _scores(fits, listed) | {"unfitted": [_unfitted(s, pattern) for s in structures]},
        }
    return row


def _scores(fits: list[PatternFit], listed: list[PatternFit]) -> dict[str, list[float]]:
    """Scores of all structures, the true crystal first; higher is better."""
    return {
        "profile": [-fit.misfit for fit in fits],
        "peaks": [fit.log_likelihood for fit in fits],
        "both": [fit.log_likelihood - WEIGHT_OF_MISFIT * fit.misfit for fit in fits],
        "list_peaks": [fit.log_likelihood for fit in listed],
        "list_profile": [-fit.misfit for fit in listed],
    }


def _unfitted(structure: Structure, pattern: PowderPattern) -> float:
    """Cosine between smoothed profiles of the measurement and of the crystal as it is."""
    step = float(np.mean(np.diff(pattern.two_theta)))
    calculated = simulate_pattern(
        structure, pattern.two_theta, radiation=CU_KALPHA, faults=Faults(background=0.0, noise=False)
    ).intensity
    measured = pattern.intensity - np.median(pattern.intensity)
    a, b = (gaussian_filter1d(values, CONTROL_WIDTH / step) for values in (measured, calculated))
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-300))


def _summary(rows: list[Row]) -> dict[str, Any]:
    result: dict[str, Any] = {"n": len(rows), "competitors": None, "measurements": {}}
    if not rows:
        return result
    for name in MEASUREMENTS:
        entries = [row["measurements"][name] for row in rows]
        ranks = {score: [_rank(entry["scores"][score]) for entry in entries] for score in SCORES}
        result["competitors"] = round(float(np.mean([len(entry["r_wp"]) - 1 for entry in entries])), 1)
        result["measurements"][name] = {
            "median_ms": round(1000 * float(np.median([entry["seconds"] for entry in entries])), 1),
            "median_r_wp": round(float(np.median([entry["r_wp"][0] for entry in entries])), 4),
            "median_best_other_r_wp": round(
                float(np.median([min(entry["r_wp"][1:]) for entry in entries])), 4
            ),
            "scores": {
                score: {
                    **{f"top_{top}": round(float(np.mean(np.array(values) <= top)), 4) for top in TOPS},
                    "mean_reciprocal_rank": round(float(np.mean(1 / np.array(values))), 4),
                }
                for score, values in ranks.items()
            },
        }
    return result


def _rank(scores: list[float]) -> int:
    """Rank of the first structure; equal scores of others count as better."""
    return 1 + sum(score >= scores[0] for score in scores[1:])


def render(result: Mapping[str, Any]) -> str:
    """Ranks of the true crystal by measurement and score."""
    details = f". {result['n']} compounds, {result['competitors']} competitors each on average"
    options = f" --data DIR --limit {result['limit']} --candidates {result['candidates']}"
    facts = fact_line("pattern-fit", result, options=options, details=details)
    method = (
        "Rank of the true crystal, with the errors of a potential, among other structures of its formula. "
        "Experimental compounds of the validation split with at most 20 atoms; simulated Cu Kα patterns with "
        "zero shift, displacement, texture, noise and background. An ordinary measurement contains 5 % of a "
        "foreign phase. A poor one contains 30 %, has broad peaks, strong texture, and few counts."
    )
    lines = ["# Fit of crystals to powder patterns", "", facts, "", method]
    header = ["order by", *("first" if top == 1 else f"in {top}" for top in TOPS), "mean 1/rank"]
    for name, entry in result["measurements"].items():
        rows = [
            [
                SCORES[score],
                *(percent(row[f"top_{top}"], 0) for top in TOPS),
                number(list(row.values())[-1], 3),
            ]
            for score, row in entry["scores"].items()
        ]
        medians = (
            f"Median R_wp of the true crystal {entry['median_r_wp']:.3f}, of its best competitor "
            f"{entry['median_best_other_r_wp']:.3f}. Mean processor time of a fit, median over the "
            f"compounds: {entry['median_ms']:.0f} ms."
        )
        lines += ["", f"## {name.capitalize()} measurements", "", *markdown_table(header, rows), "", medians]
    return "\n".join(lines) + "\n"

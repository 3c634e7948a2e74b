"""Match rates of the generators without relaxation on experimental held-out compounds.

Experimental compounds of the validation split with 2 to 12 atoms, drawn at random. The number of formula
units is given. A candidate matches if StructureMatcher (0.2, 0.3, 5°) matches it with any validation
crystal of the formula. The template library is the training split without benchmark compounds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.composition import parse_formula
from alphacrystal.data import StructureRecord, benchmark_formulas, read_records
from alphacrystal.evaluation import match_pair
from alphacrystal.generate import (
    ContactMapGenerator,
    DistanceMatrixGenerator,
    Generator,
    RandomSymmetricGenerator,
    TemplateGenerator,
    TemplateLibrary,
)
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table
from alphacrystal_bench.harness.rows import Row, Rows, check_settings

TOPS = (1, 5, 20)
MAX_ATOMS = 12


def benchmark_generators(
    source: Path, out: Path, on_progress: Progress, *, limit: int = 24, seed: int = 0
) -> dict[str, Any]:
    """Compounds matched in the first 1, 5 and 20 candidates, and median processor time, by generator.

    Args:
        source: Records with a training and a validation split.
        out: Folder of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, drawn at random.
        seed: Random seed.
    """
    check_settings(out, {"seed": seed})
    records = list(read_records(source))
    known: dict[str, list[StructureRecord]] = {}
    for record in records:
        compound = len(set(record.species)) > 1 and len(record.species) <= MAX_ATOMS
        if record.split == "val" and record.icsd and compound:
            known.setdefault(record.reduced_formula, []).append(record)
    order = np.random.default_rng(seed).permutation(len(known))[:limit]
    formulas = [list(known)[index] for index in order]
    library = TemplateLibrary.of_records(
        (record for record in records if record.split == "train"),
        forbid=benchmark_formulas(),
        only=[parse_formula(formula) for formula in formulas],
    )
    finished = Rows(out / "rows.jsonl")
    rows = []
    for done, formula in enumerate(formulas):
        on_progress("generate", done, len(formulas))
        if formula not in finished:
            finished.add(formula, _compound_row(formula, known[formula], library, seed))
        rows.append(finished[formula])
    on_progress("generate", len(formulas), len(formulas))
    names = list(rows[0]["generators"]) if rows else []
    return {
        "n": len(rows),
        "generators": {
            name: {
                **{
                    f"top_{top}": sum(_within(row["generators"][name]["rank"], top) for row in rows)
                    for top in TOPS
                },
                "median_s": round(float(np.median([row["generators"][name]["cpu_s"] for row in rows])), 2),
            }
            for name in names
        },
    }


def _compound_row(text: str, crystals: list[StructureRecord], library: TemplateLibrary, seed: int) -> Row:
    formula = parse_formula(text)
    targets = [record.structure() for record in crystals]
    units = [len(targets[0].get_primitive_structure()) // formula.num_atoms]
    generators: list[Generator] = [
        DistanceMatrixGenerator(units),
        ContactMapGenerator(units),
        TemplateGenerator(units, library),
        RandomSymmetricGenerator(units),
    ]
    row: Row = {"id": text, "generators": {}}
    for generator in generators:
        begin = time.process_time()
        candidates = list(generator.generate(formula, max(TOPS), np.random.default_rng(seed)))
        seconds = time.process_time() - begin
        ranks = (
            rank
            for rank, candidate in enumerate(candidates, start=1)
            if any(match_pair(candidate.structure, target).matched for target in targets)
        )
        row["generators"][generator.name] = {"rank": next(ranks, None), "cpu_s": round(seconds, 3)}
    return row


def _within(rank: int | None, top: int) -> bool:
    return rank is not None and rank <= top


def render(result: Mapping[str, Any]) -> str:
    """Matched compounds and times by generator."""
    rows = [
        [name, *(row[f"top_{top}"] for top in TOPS), f"{row['median_s']:.1f}"]
        for name, row in result["generators"].items()
    ]
    header = [
        f"matched, of {result['n']}",
        *("first" if top == 1 else f"in {top}" for top in TOPS),
        "median CPU s",
    ]
    facts = fact_line("generators", result, options=" --data DIR")
    return "\n".join(["# Generators without relaxation", "", facts, "", *markdown_table(header, rows)]) + "\n"

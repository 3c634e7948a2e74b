"""The leak guard: benchmark compounds never reach training, tuning or a template library."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from alphacrystal.data._records import StructureRecord


@cache
def benchmark_formulas() -> frozenset[str]:
    """Reduced formulas of all benchmark compounds.

    CSPBench-180, the paper's Tables 3 and 4, and the samples of the MP-20 and MPTS-52 test sets.
    """
    text = files("alphacrystal.data").joinpath("tables/benchmark_formulas.json").read_text()
    return frozenset(formula for group in json.loads(text).values() for formula in group)


def without_benchmarks(records: Iterable[StructureRecord]) -> Iterator[StructureRecord]:
    """Records that are safe to train on: none shares its reduced formula with a benchmark compound.

    The formula is recomputed from the sites, so that a wrong label in the file cannot open a leak.
    """
    from pymatgen.core import Composition

    banned = benchmark_formulas()
    for record in records:
        counts: dict[str, int] = {}
        for symbol in record.species:
            counts[symbol] = counts.get(symbol, 0) + 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # He, Ne and Ar have no electronegativity
            reduced = Composition(counts).reduced_formula
        if reduced not in banned:
            yield record

"""What the networks say of the distances in each cell content of a run, for its report."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from alphacrystal.composition import Formula
from alphacrystal.config import PredictConfig
from alphacrystal.crystal import LatticeParameters
from alphacrystal.report import DistogramSummary

HYPOTHESES = 100  # enough for all likely types of every cell content


def cell_distograms(
    formula: Formula, units: Sequence[int], sizes: Collection[int], config: PredictConfig
) -> tuple[DistogramSummary, ...]:
    """One summary for each number of formula units whose cell has one of these numbers of atoms."""
    from alphacrystal.learn import predict_cell_distogram, predict_hypotheses

    cells = [cell for cell in map(formula.cell, units) if cell.num_atoms in sizes]
    if not cells:
        return ()
    hypotheses = predict_hypotheses(
        formula,
        [cell.formula_units for cell in cells],
        HYPOTHESES,
        group=config.space_group,
        lattice=LatticeParameters(*config.lattice) if config.lattice else None,
        models=config.models,
    )
    summaries = []
    for cell in cells:
        distogram = predict_cell_distogram(cell, hypotheses, models=config.models)
        summaries.append(
            DistogramSummary(
                cell_formula=cell.name,
                formula_units=cell.formula_units,
                species=tuple(symbol for symbol, count in cell.counts.items() for _ in range(count)),
                expected_distances=distogram.expected,
                bin_edges=distogram.all_edges,
                probabilities=distogram.probabilities.astype(np.float64),
            )
        )
    return tuple(summaries)

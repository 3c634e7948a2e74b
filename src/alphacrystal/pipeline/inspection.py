"""What the networks think of one formula, and its line of JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphacrystal.composition import CellContent, Formula
    from alphacrystal.crystal import Distogram, SymmetryHypothesis
    from alphacrystal.pipeline.formula_list import FormulaRequest

LOOKED_AT = 60  # hypotheses that share the probability of the cell contents among them
CELLS_WITH_DISTANCES = 3  # the likeliest cell contents get their distance matrix
DIGITS = 5  # of a probability


@dataclass(frozen=True, slots=True, eq=False)
class CellInspection:
    """A likely cell content.

    Attributes:
        content: What the primitive cell holds.
        probability: Of this content, among the hypotheses looked at.
        distogram: Its distances.
    """

    content: CellContent
    probability: float
    distogram: Distogram


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What the networks think of a formula.

    Attributes:
        formula: The formula.
        hypotheses: Best first.
        cells: Likeliest first.
    """

    formula: Formula
    hypotheses: list[SymmetryHypothesis]
    cells: list[CellInspection]

    def as_json(self) -> str:
        """One line, without its end; hypotheses and cells best first."""
        hypotheses = json.dumps([_hypothesis_fields(hypothesis) for hypothesis in self.hypotheses])
        cells = ", ".join(map(_cell_text, self.cells))
        formula = json.dumps(self.formula.reduced_formula)
        return f'{{"formula": {formula}, "cells": [{cells}], "hypotheses": {hypotheses}}}'


def inspect_formula(
    request: FormulaRequest,
    *,
    cell: str | None = None,
    top: int = 20,
    max_atoms: int = 20,
    space_group: int | None = None,
    models: Path | None = None,
) -> Inspection:
    """Ask the networks about one formula.

    Args:
        request: The formula; its own cell and space group go before those given here.
        cell: Content of the primitive cell.
        top: Hypotheses to list.
        max_atoms: Largest primitive cell.
        space_group: Only this one.
        models: Folder of weights; the shipped ones by default.

    Raises:
        InputError: The formula, the cell or the space group cannot be used.
        WeightsError: A network's weights are missing or damaged.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.config import make_config
    from alphacrystal.learn import predict_cell_distogram, predict_hypotheses
    from alphacrystal.pipeline.preflight import formula_units_to_try

    formula = parse_formula(request.formula)
    config = make_config(
        cell=request.cell or cell, max_atoms=max_atoms, space_group=request.space_group or space_group
    )
    units = formula_units_to_try(formula, config)
    hypotheses = predict_hypotheses(
        formula, units, max(top, LOOKED_AT), group=config.space_group, models=models
    )
    likely: dict[int, float] = {}
    for hypothesis in hypotheses:
        likely[hypothesis.formula_units] = likely.get(hypothesis.formula_units, 0.0) + math.exp(
            hypothesis.log_probability
        )
    cells = []
    for z in sorted(likely, key=lambda key: -likely[key])[:CELLS_WITH_DISTANCES]:
        content = formula.cell(z)
        distogram = predict_cell_distogram(content, hypotheses, models=models)
        cells.append(CellInspection(content, likely[z], distogram))
    return Inspection(formula, hypotheses[:top], cells)


def _cell_text(cell: CellInspection) -> str:
    distogram = cell.distogram
    fields = {
        "cell_formula": cell.content.name,
        "z": cell.content.formula_units,
        "probability": round(cell.probability, 4),
        "species": [symbol for symbol, count in cell.content.counts.items() for _ in range(count)],
        "expected_distances": distogram.expected.round(4).tolist(),
        "bin_edges": distogram.all_edges.round(4).tolist(),
    }
    return f'{json.dumps(fields)[:-1]}, "probabilities": {_probabilities_text(distogram)}}}'


def _probabilities_text(distogram: Distogram) -> str:
    """The probabilities as ``json`` would write them, five times faster: they are most of a line.

    Probabilities have DIGITS digits, so there are few different ones, each written once; the matrix is
    symmetric, so each pair of atoms is written once.
    """
    import numpy as np

    size = len(distogram.numbers)
    rows, columns = np.triu_indices(size)
    steps = np.rint(distogram.probabilities[rows, columns].astype(np.float64) * 10**DIGITS).astype(np.int64)
    written = _written_probabilities().__getitem__
    pairs = {
        (i, j): f"[{', '.join(map(written, own))}]"
        for i, j, own in zip(rows.tolist(), columns.tolist(), steps.tolist(), strict=True)
    }
    lines = (", ".join(pairs[min(i, j), max(i, j)] for j in range(size)) for i in range(size))
    return f"[{', '.join(f'[{line}]' for line in lines)}]"


class _Written(dict[int, str]):
    """Probabilities by number of steps of the last digit, written when first asked for."""

    def __missing__(self, steps: int) -> str:
        text = self[steps] = repr(steps / 10**DIGITS)
        return text


@cache
def _written_probabilities() -> _Written:
    return _Written()


def _hypothesis_fields(hypothesis: SymmetryHypothesis) -> dict[str, object]:
    return {
        "space_group": hypothesis.space_group,
        "wyckoff": hypothesis.occupation,
        "z": hypothesis.formula_units,
        "lattice": {name: round(value, 4) for name, value in hypothesis.lattice.as_dict().items()},
        "lattice_std": {name: round(value, 4) for name, value in hypothesis.lattice_std.as_dict().items()},
        "log_probability": round(hypothesis.log_probability, 4),
    }

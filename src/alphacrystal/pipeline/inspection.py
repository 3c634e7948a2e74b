"""Predicted symmetry, cells and distances of a formula, and their JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.config import MAX_ATOMS, make_config
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.composition import CellContent, Formula
    from alphacrystal.crystal import Distogram, SymmetryHypothesis

HYPOTHESES = 60  # hypotheses behind the probabilities of the cell contents
CELLS_WITH_DISTANCES = 3  # most probable cell contents
DIGITS = 5  # of a probability


@dataclass(frozen=True, slots=True, eq=False)
class CellInspection:
    """A probable cell content.

    Attributes:
        content: Content of the primitive cell.
        probability: Probability of this content among the hypotheses.
        distogram: Predicted distances; None for cells with more atoms than the distance network covers.
    """

    content: CellContent
    probability: float
    distogram: Distogram | None


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """Predicted symmetry, cells and distances of a formula.

    Attributes:
        formula: The formula.
        hypotheses: Best first.
        cells: Most probable first.
    """

    formula: Formula
    hypotheses: list[SymmetryHypothesis]
    cells: list[CellInspection]

    def as_json(self) -> str:
        """One line of JSON without a line break; hypotheses and cells best first."""
        hypotheses = json.dumps([_hypothesis_fields(hypothesis) for hypothesis in self.hypotheses])
        cells = ", ".join(map(_cell_text, self.cells))
        formula = json.dumps(self.formula.reduced_formula)
        return f'{{"formula": {formula}, "cells": [{cells}], "hypotheses": {hypotheses}}}'


def inspect(
    text: str,
    *,
    top: int = 20,
    z: Sequence[int] = (),
    cell: str | None = None,
    max_atoms: int = MAX_ATOMS,
    space_group: int | str | None = None,
    models: Path | str | None = None,
) -> Inspection:
    """Predict symmetry, cells and distances of a formula, without a search.

    Args:
        text: Formula as a user writes it.
        top: Hypotheses to list.
        z: Formula units Z of the primitive cell; all that fit by default.
        cell: Content of the primitive cell instead of Z.
        max_atoms: Atoms in the primitive cell at most.
        space_group: Only this space group (number or symbol), or those of a crystal system.
        models: Folder of weights; the shipped ones by default.

    Raises:
        InputError: The formula, the cell, the space group or a number cannot be used.
        WeightsError: A network's weights are missing or damaged.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.learn import MAX_DISTANCE_ATOMS, predict_cell_distogram, predict_hypotheses
    from alphacrystal.pipeline.preflight import formula_units_to_try

    if top < 1:
        raise InputError(f"top must be at least 1, not {top}.")
    formula = parse_formula(text)
    models = None if models is None else Path(models)
    config = make_config(z=tuple(z), cell=cell, space_group=space_group, max_atoms=max_atoms)
    hypotheses = predict_hypotheses(
        formula,
        formula_units_to_try(formula, config),
        max(top, HYPOTHESES),
        group=config.space_group,
        models=models,
    )
    probabilities: dict[int, float] = {}
    for hypothesis in hypotheses:
        z_ = hypothesis.formula_units
        probabilities[z_] = probabilities.get(z_, 0.0) + math.exp(hypothesis.log_probability)
    cells = []
    for z_ in sorted(probabilities, key=lambda key: -probabilities[key])[:CELLS_WITH_DISTANCES]:
        content = formula.cell(z_)
        distogram = None
        if content.num_atoms <= MAX_DISTANCE_ATOMS:
            distogram = predict_cell_distogram(content, hypotheses, models=models)
        cells.append(CellInspection(content, probabilities[z_], distogram))
    return Inspection(formula, hypotheses[:top], cells)


def _cell_text(cell: CellInspection) -> str:
    distogram = cell.distogram
    fields = {
        "cell_formula": cell.content.name,
        "z": cell.content.formula_units,
        "probability": round(cell.probability, 4),
        "species": [symbol for symbol, count in cell.content.counts.items() for _ in range(count)],
        "expected_distances": None if distogram is None else distogram.expected.round(4).tolist(),
        "bin_edges": None if distogram is None else distogram.all_edges.round(4).tolist(),
    }
    if distogram is None:
        return json.dumps({**fields, "probabilities": None})
    return f'{json.dumps(fields)[:-1]}, "probabilities": {_probabilities_text(distogram)}}}'


def _probabilities_text(distogram: Distogram) -> str:
    """The probabilities as JSON, five times faster than ``json``: they are most of a line.

    Probabilities have DIGITS digits, so there are few different values, each formatted once; the matrix is
    symmetric, so each pair of atoms is formatted once.
    """
    import numpy as np

    size = len(distogram.numbers)
    rows, columns = np.triu_indices(size)
    steps = np.rint(distogram.probabilities[rows, columns].astype(np.float64) * 10**DIGITS).astype(np.int64)
    text_of = _probability_texts().__getitem__
    pairs = {
        (i, j): f"[{', '.join(map(text_of, bins))}]"
        for i, j, bins in zip(rows.tolist(), columns.tolist(), steps.tolist(), strict=True)
    }
    lines = (", ".join(pairs[min(i, j), max(i, j)] for j in range(size)) for i in range(size))
    return f"[{', '.join(f'[{line}]' for line in lines)}]"


class _ProbabilityTexts(dict[int, str]):
    """Texts of probabilities by number of steps of the last digit, formatted at the first use."""

    def __missing__(self, steps: int) -> str:
        text = self[steps] = repr(steps / 10**DIGITS)
        return text


@cache
def _probability_texts() -> _ProbabilityTexts:
    return _ProbabilityTexts()


def _hypothesis_fields(hypothesis: SymmetryHypothesis) -> dict[str, object]:
    return {
        "space_group": hypothesis.space_group,
        "wyckoff": hypothesis.occupation,
        "z": hypothesis.formula_units,
        "lattice": {name: round(value, 4) for name, value in hypothesis.lattice.as_dict().items()},
        "lattice_std": {name: round(value, 4) for name, value in hypothesis.lattice_std.as_dict().items()},
        "log_probability": round(hypothesis.log_probability, 4),
    }

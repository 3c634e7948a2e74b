"""From predicted matrices to the numbers of Table 5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.learn.contacts.matrix_labels import MAX_DISTANCE, class_labels
from alphacrystal.typing import BoolArray, FloatArray, IntArray
from alphacrystal_bench.paper_network.metrics import matrix_metrics
from alphacrystal_bench.paper_tables.table5_results import Example, Scores


def scores(predictions: Sequence[FloatArray], true: FloatArray, mask: BoolArray) -> Scores:
    """Mean scores of one or several predictions of the same structures.

    Args:
        predictions: Å, shape (n, atoms, atoms) each.
        true: Å, shape (n, atoms, atoms).
        mask: Pairs of different atoms, shape (n, atoms, atoms).
    """
    found = [matrix_metrics(own, true, mask) for own in predictions]
    errors = np.mean([own.per_sample_rmse for own in found], axis=0)

    def mean(name: str) -> float:
        return round(float(np.mean([getattr(own, name) for own in found])), 6)

    return Scores(
        mse=mean("mse"),
        rmse=mean("rmse"),
        rmse_error=round(float(errors.std(ddof=1) / np.sqrt(len(errors))), 6) if len(errors) > 1 else 0.0,
        overlap=mean("overlap"),
        precision=mean("precision"),
        f1=mean("f1"),
    )


def example(
    formula: str, identifier: str, numbers: IntArray, true: FloatArray, predicted: FloatArray, classes: int
) -> Example:
    """One compound of Figure 7.

    Args:
        formula, identifier: Reduced formula and id.
        numbers: Atomic numbers, 0 where padded, shape (atoms,).
        true, predicted: Å, shape (atoms, atoms).
        classes: N; a pair is right where both distances fall into the same of them.
    """
    used = int((numbers > 0).sum())
    own, asked = true[:used, :used], predicted[:used, :used]
    matching = class_labels(own, classes, MAX_DISTANCE) == class_labels(asked, classes, MAX_DISTANCE)
    return Example(
        formula=formula,
        id=identifier,
        species=[chemical_symbols[number] for number in numbers[:used]],
        true=np.round(own, 4).tolist(),
        predicted=np.round(asked, 4).tolist(),
        matching=matching.tolist(),
    )

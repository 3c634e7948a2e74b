"""Ablation: true or predicted symmetry, cell and distances, in every combination."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.composition import element_order, formula_units_within, parse_formula
from alphacrystal.crystal import (
    Distogram,
    LatticeParameters,
    SymmetryHypothesis,
    letter_index,
    multiplicities,
)
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.learn import predict_distograms, predict_hypotheses
from alphacrystal.reconstruct import SearchSettings, reconstruct
from alphacrystal_bench.cspbench.controls import random_crystals
from alphacrystal_bench.reconstruction.tasks import ReconstructionTask

Row = dict[str, Any]
RowMaker = Callable[[str, Sequence[ReconstructionTask], Callable[[ReconstructionTask, int], Row]], list[Row]]

TOPS = (1, 5, 20)
CANDIDATES = 20
GEOMETRY_WEIGHT = 0.5  # as in the generator
MAX_TYPES = 3000  # structure types of the true group among which the true one is searched
UNMATCHED = 999
NO_SPREAD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
ZERO = LatticeParameters(0, 0, 0, 0, 0, 0)


def ablation(chosen: Sequence[ReconstructionTask], rows_of: RowMaker, seed: int) -> dict[str, Any]:
    """Match rates at 1, 5, 20 of each combination, and of random coordinates in the same hypotheses.

    Args:
        chosen: Tasks.
        rows_of: Computes the rows of a table, or reads the finished ones.
        seed: Random seed; each task also has a seed derived from its id.
    """
    table: dict[str, Any] = {"n": len(chosen), "seed": seed, "cells": {}}
    for symmetry, lattice, distances in itertools.product(("true", "predicted"), repeat=3):
        name = f"{symmetry}_symmetry_{lattice}_cell_{distances}_distances"
        solve = partial(_ranks, symmetry == "true", lattice == "true", distances == "true")
        rows = rows_of(f"ablation_{name}", chosen, solve)
        cell: dict[str, Any] = {"symmetry": symmetry, "cell": lattice, "distances": distances}
        for which in ("rank", "random_rank"):
            shares = {
                f"top_{top}": round(float(np.mean([row[which] < top for row in rows])), 3) for top in TOPS
            }
            cell["reconstructed" if which == "rank" else "random"] = shares
        table["cells"][name] = cell
    return table


def _ranks(
    true_symmetry: bool, true_lattice: bool, true_distances: bool, task: ReconstructionTask, seed: int
) -> Row:
    """Ranks of the first match in the list, and among random coordinates of the same hypotheses."""
    try:
        hypotheses = _hypotheses(task, true_symmetry, true_lattice)
    except AlphaCrystalError:
        hypotheses = []
    if not hypotheses:
        return {"rank": UNMATCHED, "random_rank": UNMATCHED}
    distograms = predict_distograms(hypotheses)
    if true_distances:
        distograms = [
            _true_distogram(task, hypothesis, distogram)
            if sorted(distogram.numbers) == sorted(task.numbers)
            else distogram
            for hypothesis, distogram in zip(hypotheses, distograms, strict=True)
        ]
    effort = SearchSettings.thorough() if true_symmetry else SearchSettings()
    built = reconstruct(hypotheses, distograms, effort, seed)
    scores = [
        hypothesis.log_probability - GEOMETRY_WEIGHT * (rebuilt.geometry + rebuilt.penalty)
        for hypothesis, rebuilt in zip(hypotheses, built, strict=True)
    ]
    order = np.argsort(-np.array(scores), kind="stable")
    rank = _first(task.solved_by(built[i].lattice, built[i].numbers, built[i].positions) for i in order)
    return {"rank": rank, "random_rank": _random_rank(task, hypotheses, seed)}


def _random_rank(task: ReconstructionTask, hypotheses: Sequence[SymmetryHypothesis], seed: int) -> int:
    """Control: one random crystal of each hypothesis, or twenty of the only one."""
    draws = list(hypotheses) * (CANDIDATES if len(hypotheses) == 1 else 1)
    return _first(task.is_solved_by(crystal) for crystal in random_crystals(draws[:CANDIDATES], seed))


def _first(matches: Any) -> int:
    return next((rank for rank, hit in enumerate(matches) if hit), UNMATCHED)


def _hypotheses(
    task: ReconstructionTask, true_symmetry: bool, true_lattice: bool
) -> list[SymmetryHypothesis]:
    formula = parse_formula(task.formula)
    given = task.lattice if true_lattice else None
    if not true_symmetry:
        units = formula_units_within(formula, 20)
        return predict_hypotheses(formula, units, CANDIDATES, lattice=given)
    atoms = sum(formula.counts.values())
    units = [len(task.numbers) // atoms]
    if true_lattice:
        return [
            SymmetryHypothesis(
                space_group=task.space_group,
                occupation=task.occupation,
                formula_units=units[0],
                lattice=task.lattice,
                lattice_std=ZERO,
                shape_scale=NO_SPREAD,
                log_probability=0.0,
                source="given",
            )
        ]
    # The cell predicted for the true type or, if the prior does not propose it, for the likeliest type of the
    # true group.
    hypotheses = predict_hypotheses(formula, units, MAX_TYPES, group=task.space_group)
    matching = [hypothesis for hypothesis in hypotheses if hypothesis.occupation == task.occupation]
    return [replace((matching or hypotheses)[0], occupation=task.occupation, log_probability=0.0)]


def _true_distogram(
    task: ReconstructionTask, hypothesis: SymmetryHypothesis, predicted: Distogram
) -> Distogram:
    """The true distances, atoms in the order of ``encode``, with Wyckoff letters in the true type."""
    sizes = multiplicities(task.space_group)

    def sort_key(atom: int) -> tuple[object, ...]:
        letter = task.letters[atom]
        return (element_order(chemical_symbols[task.numbers[atom]]), sizes[letter], letter_index(letter))

    order = sorted(range(len(task.numbers)), key=sort_key)
    matrix = task.distances[np.ix_(order, order)]
    true = Distogram.from_distances(task.numbers[order], matrix, predicted.bin_edges)
    same_type = hypothesis.space_group == task.space_group and hypothesis.occupation == task.occupation
    return replace(true, classes=predicted.classes) if same_type else true

"""Where the end-to-end loss arises: true or predicted symmetry, cell and distances, in every combination."""

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
from alphacrystal_bench.cspbench.random_crystals import random_crystals
from alphacrystal_bench.reconstruction.tasks import Puzzle

Row = dict[str, Any]
RowMaker = Callable[[str, Sequence[Puzzle], Callable[[Puzzle, int], Row]], list[Row]]

TOPS = (1, 5, 20)
CANDIDATES = 20
GEOMETRY_WEIGHT = 0.5  # as in the generator
TRUE_TYPE_AMONG = 3000  # structure types of the true group among which the true one is looked for
UNMATCHED = 999
NO_SPREAD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
ZERO = LatticeParameters(0, 0, 0, 0, 0, 0)


def ablation(chosen: Sequence[Puzzle], rows_of: RowMaker, seed: int) -> dict[str, Any]:
    """Match rates at 1, 5, 20 of each combination, and of random coordinates in the same hypotheses.

    Args:
        chosen: Puzzles.
        rows_of: Makes or remembers the rows of a table.
        seed: Of the searches; each puzzle has its own as well.
    """
    table: dict[str, Any] = {"n": len(chosen), "seed": seed, "cells": {}}
    for symmetry, lattice, distances in itertools.product(("true", "predicted"), repeat=3):
        name = f"ablation, {symmetry} symmetry, {lattice} cell, {distances} distances"
        solve = partial(_ranks, symmetry == "true", lattice == "true", distances == "true")
        rows = rows_of(name, chosen, solve)
        cell: dict[str, Any] = {"symmetry": symmetry, "cell": lattice, "distances": distances}
        for which in ("rank", "random_rank"):
            shares = {
                f"top-{top}": round(float(np.mean([row[which] < top for row in rows])), 3) for top in TOPS
            }
            cell["found" if which == "rank" else "random"] = shares
        table["cells"][name.removeprefix("ablation, ")] = cell
    return table


def _ranks(true_symmetry: bool, true_lattice: bool, true_distances: bool, puzzle: Puzzle, seed: int) -> Row:
    """Place of the first match in the list, and among random coordinates of the same hypotheses."""
    try:
        hypotheses = _hypotheses(puzzle, true_symmetry, true_lattice)
    except AlphaCrystalError:
        hypotheses = []
    if not hypotheses:
        return {"rank": UNMATCHED, "random_rank": UNMATCHED}
    distograms = predict_distograms(hypotheses)
    if true_distances:
        distograms = [
            _true_distogram(puzzle, hypothesis, own) if sorted(own.numbers) == sorted(puzzle.numbers) else own
            for hypothesis, own in zip(hypotheses, distograms, strict=True)
        ]
    effort = SearchSettings.thorough() if true_symmetry else SearchSettings()
    built = reconstruct(hypotheses, distograms, effort, seed)
    scores = [
        hypothesis.log_probability - GEOMETRY_WEIGHT * (own.geometry + own.penalty)
        for hypothesis, own in zip(hypotheses, built, strict=True)
    ]
    order = np.argsort(-np.array(scores), kind="stable")
    rank = _first(puzzle.solved_by(built[i].lattice, built[i].numbers, built[i].positions) for i in order)
    return {"rank": rank, "random_rank": _random_rank(puzzle, hypotheses, seed)}


def _random_rank(puzzle: Puzzle, hypotheses: Sequence[SymmetryHypothesis], seed: int) -> int:
    """The control: one random crystal of each hypothesis, or twenty of the only one."""
    draws = list(hypotheses) * (CANDIDATES if len(hypotheses) == 1 else 1)
    return _first(puzzle.is_solved_by(crystal) for crystal in random_crystals(draws[:CANDIDATES], seed))


def _first(matches: Any) -> int:
    return next((place for place, hit in enumerate(matches) if hit), UNMATCHED)


def _hypotheses(puzzle: Puzzle, true_symmetry: bool, true_lattice: bool) -> list[SymmetryHypothesis]:
    formula = parse_formula(puzzle.formula)
    given = puzzle.lattice if true_lattice else None
    if not true_symmetry:
        units = formula_units_within(formula, 20)
        return predict_hypotheses(formula, units, CANDIDATES, lattice=given)
    atoms = sum(formula.counts.values())
    units = [len(puzzle.numbers) // atoms]
    if true_lattice:
        return [
            SymmetryHypothesis(
                space_group=puzzle.space_group,
                occupation=puzzle.occupation,
                formula_units=units[0],
                lattice=puzzle.lattice,
                lattice_std=ZERO,
                shape_scale=NO_SPREAD,
                log_probability=0.0,
                source="given",
            )
        ]
    # The cell predicted for the true type, or, if the prior did not think of it, for the likeliest type of
    # the true group.
    kinds = predict_hypotheses(formula, units, TRUE_TYPE_AMONG, group=puzzle.space_group)
    own = [kind for kind in kinds if kind.occupation == puzzle.occupation] or kinds
    return [replace(own[0], occupation=puzzle.occupation, log_probability=0.0)]


def _true_distogram(puzzle: Puzzle, hypothesis: SymmetryHypothesis, predicted: Distogram) -> Distogram:
    """The true distances, atoms in the order of ``encode``; in the true type they have their letters too."""
    sizes = multiplicities(puzzle.space_group)

    def place(atom: int) -> tuple[object, ...]:
        letter = puzzle.letters[atom]
        return (element_order(chemical_symbols[puzzle.numbers[atom]]), sizes[letter], letter_index(letter))

    order = sorted(range(len(puzzle.numbers)), key=place)
    matrix = puzzle.distances[np.ix_(order, order)]
    true = Distogram.from_distances(puzzle.numbers[order], matrix, predicted.bin_edges)
    same_type = hypothesis.space_group == puzzle.space_group and hypothesis.occupation == puzzle.occupation
    return replace(true, classes=predicted.classes) if same_type else true

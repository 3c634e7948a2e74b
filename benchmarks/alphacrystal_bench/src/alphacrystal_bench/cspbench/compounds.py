"""Whole predictions of known compounds: where the known structure stands in each list, and what was lost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pymatgen.core import Structure

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.config import PredictConfig
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.evaluate import match_pair, space_group_number
from alphacrystal.pipeline.predict import predict
from alphacrystal_bench.cspbench.causes import TrueType, cause, true_type
from alphacrystal_bench.cspbench.random_crystals import random_crystals

if TYPE_CHECKING:
    from alphacrystal.rank import RankedStructure
    from alphacrystal.report import Prediction

Row = dict[str, Any]

LISTED = 50  # rows of the list, so that every order can be drawn from it
UNRELAXED = 20  # candidates before relaxation that are compared
SYMPRECS = (0.01, 0.1)  # Å
LARGEST = 20  # atoms in the primitive cells that are tried


@dataclass(frozen=True, slots=True)
class Compound:
    """A known crystal whose formula is predicted.

    Attributes:
        id: Of the record.
        formula: Reduced formula.
        structure: The known structure, primitive or not.
        category: Of the benchmark; may be empty.
    """

    id: str
    formula: str
    structure: Structure
    category: str = ""

    @property
    def atoms(self) -> int:
        """Atoms in the primitive cell."""
        return len(self.structure.get_primitive_structure())


def compound_row(compound: Compound, config: PredictConfig, folder: Path, truth_energy: float | None) -> Row:
    """Predict a compound and compare every structure of its lists with the known one.

    Args:
        compound: What is known.
        config: Settings of the prediction; its list is made long enough for every order.
        folder: Run folder; an unfinished one is gone on with.
        truth_energy: Energy in eV/atom of the known structure, relaxed with the same potential.

    Returns:
        Plain values for JSON: ``unrelaxed`` and ``listed`` structures, the ``random`` control, the place of
        the true structure type and space group among the hypotheses, and the ``cause`` of a failure.
    """
    begin = time.monotonic()
    row: Row = {
        "id": compound.id,
        "formula": compound.formula,
        "category": compound.category,
        "atoms": compound.atoms,
        "space_group": _groups(compound.structure),
        "unrelaxed": [],
        "listed": [],
        "random": [],
        "refused": "",
    }
    try:
        run = predict(
            compound.formula,
            config.model_copy(update={"top": LISTED}),
            folder=folder,
            resume=(folder / "events.jsonl").is_file(),
        )
    except AlphaCrystalError as error:
        return {**row, "refused": str(error), "cause": "refused", "seconds": 0.0}
    row["seconds"] = round(time.monotonic() - begin, 2)
    row["unrelaxed"] = [_compared(c.structure, compound) for c in run.candidates[:UNRELAXED]]
    row["listed"] = _listed(run, compound) if config.relax else []
    hypotheses = [c.hypothesis for c in run.candidates[:UNRELAXED] if c.hypothesis is not None]
    row["random"] = [
        bool(match_pair(crystal, compound.structure).matched)
        for crystal in random_crystals(hypotheses, config.seed)
    ]
    told = true_type(compound.structure)
    row["true_type"] = _true_places(told, compound)
    row["cause"] = cause(run, told, compound.structure, _first_place(row))
    row["lower_than_truth"] = _lower(row["listed"], truth_energy)
    return row


def _compared(structure: Structure, compound: Compound) -> Row:
    return {
        "match": bool(match_pair(structure, compound.structure).matched),
        "loose": bool(match_pair(structure, compound.structure, "diffcsp").matched),
        "space_group": _groups(structure),
    }


def _listed(run: Prediction, compound: Compound) -> list[Row]:
    return [
        {
            **_compared(item.primitive, compound),
            "log_probability": _chance(run, item),
            "chemical": item.chemical_rank,
            "energy": item.energy_rank,
            "energy_per_atom": None if item.relaxation is None else item.relaxation.energy_per_atom,
            "converged": item.relaxation is not None and item.relaxation.converged,
        }
        for item in run.ranked
    ]


def _chance(run: Prediction, item: RankedStructure) -> float | None:
    """The best log-probability of the candidates that ended in a structure."""
    same = (run.candidates[index].log_probability for index in (item.candidate_index, *item.duplicates))
    return max((chance for chance in same if chance is not None), default=None)


def _groups(structure: Structure) -> dict[str, int | None]:
    return {str(symprec): space_group_number(structure, symprec) for symprec in SYMPRECS}


def _true_places(told: TrueType | None, compound: Compound) -> dict[str, int | None]:
    """Places (from 1) of the true type and the true space group among all types the networks score."""
    from alphacrystal.learn import type_probabilities

    formula = parse_formula(compound.formula)
    kinds, logs = type_probabilities(formula, formula_units_within(formula, LARGEST))
    order = np.argsort(-logs, kind="stable")
    groups: dict[int, float] = {}
    for kind, log in zip(kinds, logs, strict=True):
        groups[kind.space_group] = groups.get(kind.space_group, 0.0) + float(np.exp(log))
    by_share = sorted(groups, key=lambda number: -groups[number])
    number = space_group_number(compound.structure, SYMPRECS[-1])
    places: dict[str, int | None] = {
        "type": None,
        "space_group": by_share.index(number) + 1 if number in groups else None,
    }
    if told is not None:
        letters = [told.occupation.get(symbol, "") for symbol in formula.elements]
        for place, index in enumerate(order, start=1):
            kind = kinds[index]
            if kind.space_group == told.space_group and list(kind.letters) == letters:
                places["type"] = place
                break
    return places


def _first_place(row: Mapping[str, Any]) -> int | None:
    """Place (from 1) of the first match in the final list."""
    final = row["listed"] or row["unrelaxed"]
    return next((place for place, item in enumerate(final, start=1) if item["match"]), None)


def _lower(listed: Sequence[Row], truth_energy: float | None) -> bool | None:
    """Whether the first of the list lies below the known structure by the potential; None if unknown."""
    if not listed or truth_energy is None or listed[0]["energy_per_atom"] is None:
        return None
    return bool(listed[0]["energy_per_atom"] < truth_energy)

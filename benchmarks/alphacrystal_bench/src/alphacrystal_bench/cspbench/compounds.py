"""Whole predictions of known compounds, compared structure by structure with the known one."""

from __future__ import annotations

import json
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
from alphacrystal.evaluation import match_pair, space_group_number
from alphacrystal.pipeline.predict import predict
from alphacrystal_bench.cspbench.causes import TrueType, cause, true_type
from alphacrystal_bench.cspbench.controls import MAX_ATOMS, UNRELAXED, random_crystals

if TYPE_CHECKING:
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.report import Prediction

Row = dict[str, Any]

LISTED = 50  # length of the list, from which every order is derived
SYMPRECS = (0.01, 0.1)  # Å


@dataclass(frozen=True, slots=True)
class Compound:
    """A known crystal whose formula is predicted.

    Attributes:
        id: Identifier of the record.
        formula: Reduced formula.
        structure: The known structure, in any cell.
        category: Category of the benchmark; may be empty.
    """

    id: str
    formula: str
    structure: Structure
    category: str = ""

    @property
    def atoms(self) -> int:
        """Atoms in the primitive cell."""
        return len(self.structure.get_primitive_structure())


def read_categories(file: Path) -> dict[str, str]:
    """Categories by identifier of a file of compounds, one JSON object per line."""
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {line["id"]: line.get("category", "") for line in lines}


def compound_row(compound: Compound, config: PredictConfig, folder: Path, truth_energy: float | None) -> Row:
    """Predict a compound and compare every structure of its lists with the known one.

    Args:
        compound: The known crystal.
        config: Settings of the prediction; the length of its list is replaced.
        folder: Run folder; an unfinished prediction continues.
        truth_energy: Energy in eV/atom of the known structure, relaxed with the same potential.

    Returns:
        Values for JSON: ``unrelaxed`` and ``listed`` structures, the ``random`` control, the rank of the true
        structure type and space group among the hypotheses, and the ``cause`` of a failure.
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
    known_type = true_type(compound.structure)
    units = formula_units_within(parse_formula(compound.formula), MAX_ATOMS)
    row["true_type"] = true_ranks(known_type, compound, units)
    row["cause"] = cause(run, known_type, compound.structure, _first_match(row))
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
            "log_probability": _log_probability(run, item),
            "chemical": item.chemical_rank,
            "energy": item.energy_rank,
            "energy_per_atom": None if item.relaxation is None else item.relaxation.energy_per_atom,
            "converged": item.relaxation is not None and item.relaxation.converged,
        }
        for item in run.ranked
    ]


def _log_probability(run: Prediction, item: RankedStructure) -> float | None:
    """The largest log-probability of the candidates that were merged into a structure."""
    merged = (run.candidates[index].log_probability for index in (item.candidate_index, *item.duplicates))
    return max((value for value in merged if value is not None), default=None)


def _groups(structure: Structure) -> dict[str, int | None]:
    return {str(symprec): space_group_number(structure, symprec) for symprec in SYMPRECS}


def true_ranks(
    known_type: TrueType | None, compound: Compound, formula_units: Sequence[int]
) -> dict[str, int | None]:
    """Ranks (from 1) of the true type and the true space group among all types that are scored.

    Args:
        known_type: Type of the known structure.
        compound: The known crystal.
        formula_units: Formula units Z of the primitive cells.
    """
    from alphacrystal.learn import type_probabilities

    formula = parse_formula(compound.formula)
    structure_types, logs = type_probabilities(formula, formula_units)
    order = np.argsort(-logs, kind="stable")
    groups: dict[int, float] = {}
    for structure_type, log in zip(structure_types, logs, strict=True):
        groups[structure_type.space_group] = groups.get(structure_type.space_group, 0.0) + float(np.exp(log))
    by_probability = sorted(groups, key=lambda number: -groups[number])
    number = space_group_number(compound.structure, SYMPRECS[-1])
    ranks: dict[str, int | None] = {
        "type": None,
        "space_group": by_probability.index(number) + 1 if number in groups else None,
    }
    if known_type is not None:
        letters = [known_type.occupation.get(symbol, "") for symbol in formula.elements]
        for rank, index in enumerate(order, start=1):
            candidate = structure_types[index]
            if candidate.space_group == known_type.space_group and list(candidate.letters) == letters:
                ranks["type"] = rank
                break
    return ranks


def _first_match(row: Mapping[str, Any]) -> int | None:
    """Rank (from 1) of the first match in the final list."""
    final = row["listed"] or row["unrelaxed"]
    return next((rank for rank, item in enumerate(final, start=1) if item["match"]), None)


def _lower(listed: Sequence[Row], truth_energy: float | None) -> bool | None:
    """Whether the potential gives the first structure a lower energy than the known one; None if unknown."""
    if not listed or truth_energy is None or listed[0]["energy_per_atom"] is None:
        return None
    return bool(listed[0]["energy_per_atom"] < truth_energy)

"""Inputs of the probability model of finished runs, and which of their structures is the known one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from alphacrystal.crystal import SymmetryHypothesis, lattice_points, structure_from_json
from alphacrystal.generate import Candidate
from alphacrystal.ranking import ROW_INPUTS, energy_parts, list_evidence, most_probable, row_evidence
from alphacrystal.relaxation import Relaxation, RelaxationStatus
from alphacrystal.typing import FloatArray
from alphacrystal_bench.harness.rows import Row
from alphacrystal_bench.known_crystals.comparison import STRICT, Comparison

#: Inputs that the shipped model does not use, for the table of what each brings.
EXTRA_INPUTS = (
    "start_misfit",  # mean negative log density of the distances before relaxation, with the penalties
    "unconverged",  # 1 if the relaxation did not reach its limits
    "unrelaxed",  # 1 for an unrelaxed copy
    "members",  # logarithm of the number of candidates that ended in this crystal
    "volume",  # |log(volume / predicted volume)| in predicted deviations
    "enumerated",  # 1 if the structure type is not known for the stoichiometry
    "prototype",  # 1 if the coordinates are those of a known crystal
)
ENERGY_INPUTS = ("low_energy", "medium_energy", "high_energy")
_HYPOTHESIS = TypeAdapter(SymmetryHypothesis)
_LEAST_DEVIATION, _MOST_DEVIATIONS, _LARGEST_MISFIT = 0.03, 4.0, 6.0


def evidence_row(folder: Path, comparison: Comparison) -> Row:
    """Inputs of the list of a finished run.

    Args:
        folder: The run folder.
        comparison: With the known crystal.

    Returns:
        Values for JSON: the ``inputs`` of each structure (columns ROW_INPUTS and EXTRA_INPUTS), the inputs of
        the ``list``, and for each structure whether it is the ``known`` crystal (tolerances of CSPBench), its
        energy ``above`` the lowest (eV/atom or None), the same by the ``second`` potential, and its
        ``log_probability``.
    """
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    candidates = [_candidate(item) for item in results["candidates"]]
    relaxations = {
        item["index"]: _relaxation(item["relaxation"])
        for item in results["candidates"]
        if item["relaxation"] is not None
    }
    groups = [(item["candidate_index"], *item["duplicates"]) for item in results["structures"]]
    crystals = [structure_from_json(item["primitive"]) for item in results["structures"]]
    inputs = row_evidence(candidates, relaxations, groups)
    extra = [_extra(candidates, relaxations, group) for group in groups]
    energies = [relaxations[group[0]].energy_per_atom for group in groups]
    lowest = min((energy for energy in energies if energy is not None), default=0.0)
    return {
        "inputs": np.round(np.hstack([inputs, np.array(extra).reshape(len(groups), -1)]), 5).tolist(),
        "list": np.round(list_evidence(candidates, groups), 5).tolist(),
        "known": [item["rms"][STRICT] is not None for item in comparison.rows(crystals)],
        "above": [None if energy is None else round(energy - lowest, 5) for energy in energies],
        "second": [item["second_above_lowest_per_atom_ev"] for item in results["structures"]],
        "log_probability": [candidates[most_probable(candidates, group)].log_probability for group in groups],
    }


def _candidate(item: dict[str, Any]) -> Candidate:
    hypothesis = item["hypothesis"]
    return Candidate(
        structure_from_json(item["structure_before"]),
        item["generator"],
        item["log_probability"],
        None if hypothesis is None else _HYPOTHESIS.validate_python(hypothesis),
        item["provenance"],
    )


def _relaxation(item: dict[str, Any]) -> Relaxation:
    return Relaxation(
        structure_from_json(item["structure_after"]),
        RelaxationStatus(item["status"]),
        item["reason"],
        item["energy_per_atom_ev"],
        item["max_force_ev_per_a"],
        item["max_stress_gpa"],
        item["steps"],
        item["seconds"],
    )


def _extra(
    candidates: Sequence[Candidate], relaxations: dict[int, Relaxation], group: tuple[int, ...]
) -> list[float]:
    best, first = candidates[most_probable(candidates, group)], candidates[group[0]]
    relaxation = relaxations.get(group[0])
    end = first.structure if relaxation is None else relaxation.structure
    hypothesis = best.hypothesis
    deviation = 0.0
    if hypothesis is not None:
        cell = end.volume / len(end) * len(best.structure) * lattice_points(hypothesis.space_group)
        scale = max(hypothesis.shape_scale[0], _LEAST_DEVIATION)
        deviation = min(abs(math.log(cell / hypothesis.lattice.volume)) / scale, _MOST_DEVIATIONS)
    return [
        min(_misfit(best), _LARGEST_MISFIT),
        float(relaxation is not None and not relaxation.converged),
        float(bool(first.provenance.get("unrelaxed_copy"))),
        math.log(len(group)),
        deviation,
        float(hypothesis is not None and hypothesis.source == "enumerated"),
        float(best.provenance.get("method") == "prototype"),
    ]


def _misfit(candidate: Candidate) -> float:
    values = (candidate.provenance.get(name, 0.0) for name in ("geometry", "penalty"))
    return sum(value for value in values if isinstance(value, (int, float)))


def with_second_energies(row: Row) -> Row:
    """A finished list with the energies of the second potential in the place of the first.

    A structure without one counts as high in energy.
    """
    every = (*ROW_INPUTS, *EXTRA_INPUTS)
    inputs = np.array(row["inputs"], dtype=np.float64).reshape(-1, len(every))
    columns = [every.index(name) for name in ENERGY_INPUTS]
    for place, above in enumerate(row["second"]):
        inputs[place, columns] = energy_parts(math.inf if above is None else above)
    return row | {"inputs": inputs.tolist(), "above": row["second"]}


def matrix(row: Row, names: Sequence[str]) -> FloatArray:
    """Inputs of the structures of a list, shape (structures, names)."""
    every = (*ROW_INPUTS, *EXTRA_INPUTS)
    inputs = np.array(row["inputs"], dtype=np.float64).reshape(-1, len(every))
    return inputs[:, [every.index(name) for name in names]]

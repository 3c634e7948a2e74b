"""``results.json`` and ``candidates.extxyz``: candidates, relaxations and predicted distances."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import as_atoms
from alphacrystal.report._events import plain_json
from alphacrystal.report._layout import FORMAT_VERSION, RESULTS_FORMAT
from alphacrystal.report._pattern_fit import fit_facts

if TYPE_CHECKING:
    from ase import Atoms

    from alphacrystal.generate import Candidate
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.relaxation import Relaxation
    from alphacrystal.report._chemistry import Chemistry
    from alphacrystal.report._prediction import DistogramSummary, OrbitDistanceSummary, Prediction
    from alphacrystal.report._summary import SummaryRow

NOT_RELAXED = "not relaxed"


def results_json(prediction: Prediction, rows: list[SummaryRow], facts: Sequence[Chemistry]) -> str:
    """Text of ``results.json``; ``monty.serialization.loadfn`` reads its structures as pymatgen objects."""
    document = {
        "format": RESULTS_FORMAT,
        "format_version": FORMAT_VERSION,
        "formula": prediction.formula,
        "formula_text": prediction.formula_text,
        "complete": prediction.complete,
        "notes": list(prediction.notes),
        "cells": [cell.model_dump() for cell in prediction.cells],
        "disorder": [item.model_dump() for item in prediction.disorder],
        "potential": prediction.potential,
        "hull_reference": prediction.hull_reference,
        "pressure_gpa": prediction.pressure_gpa,
        "structures": [
            _ranked(item, row, fact) for item, row, fact in zip(prediction.ranked, rows, facts, strict=True)
        ],
        "candidates": [
            _candidate(index, candidate, prediction.relaxations.get(index), prediction.pressure_gpa)
            for index, candidate in enumerate(prediction.candidates)
        ],
        "distograms": [_distogram(item) for item in prediction.distograms],
        "orbit_distances": [_orbit_distances(item) for item in prediction.orbit_distances],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def candidates_extxyz(prediction: Prediction) -> str:
    """Extended XYZ text with all candidates, relaxed where a relaxation ran.

    ``ase.io.read(path, index=":")`` gives one ``Atoms`` per candidate. The ``info`` of each holds
    ``candidate`` (index from 0), ``formula``, ``generator`` and ``status`` and, where known,
    ``log_probability``, ``energy_per_atom_ev`` or ``enthalpy_per_atom_ev``, ``max_force_ev_per_a`` and
    ``rank`` (the row of ``summary.csv`` that it is, or is a duplicate of). Lengths in Å.
    """
    rank_of = {
        index: ranked.rank
        for ranked in prediction.ranked
        for index in (ranked.candidate_index, *ranked.duplicates)
    }
    frames = []
    for index, candidate in enumerate(prediction.candidates):
        relaxation = prediction.relaxations.get(index)
        atoms = as_atoms(candidate.structure if relaxation is None else relaxation.structure)
        facts: dict[str, Any] = {
            "candidate": index,
            "formula": prediction.formula,
            "generator": candidate.generator,
            "status": NOT_RELAXED if relaxation is None else str(relaxation.status),
            "log_probability": candidate.log_probability,
            **(_energies(relaxation.energy_per_atom, prediction.pressure_gpa) if relaxation else {}),
            "max_force_ev_per_a": relaxation.max_force if relaxation else None,
            "rank": rank_of.get(index),
        }
        frames.append(_frame(atoms, {name: value for name, value in facts.items() if _is_known(value)}))
    return "".join(frames)


def _frame(atoms: Atoms, info: Mapping[str, Any]) -> str:
    """One frame in the format of ``ase.io.extxyz``, whose import takes longer than the whole file."""
    cell = " ".join(map(str, atoms.cell.array.ravel().tolist()))
    words = [f'Lattice="{cell}"', "Properties=species:S:1:pos:R:3"]
    for name, value in info.items():
        text = str(value)
        words.append(f'{name}="{text}"' if " " in text else f"{name}={text}")
    words.append('pbc="T T T"')
    lines = [str(len(atoms)), " ".join(words)]
    for symbol, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True):
        lines.append(f"{symbol:<2} {x:16.8f} {y:16.8f} {z:16.8f}")
    return "\n".join(lines) + "\n"


def _is_known(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _energies(energy: float | None, pressure_gpa: float) -> dict[str, float | None]:
    """The energy per atom in eV under its name: an enthalpy where the pressure is not zero."""
    return {
        "energy_per_atom_ev": energy if pressure_gpa == 0 else None,
        "enthalpy_per_atom_ev": None if pressure_gpa == 0 else energy,
    }


def _ranked(ranked: RankedStructure, row: SummaryRow, fact: Chemistry) -> dict[str, Any]:
    return {
        **asdict(row),
        "chemistry": asdict(fact),
        "score": plain_json(float(ranked.score)),
        "candidate_index": ranked.candidate_index,
        "phonons": None if ranked.phonons is None else ranked.phonons.model_dump(mode="json"),
        "pattern_fit": None if ranked.pattern_fit is None else fit_facts(ranked.pattern_fit),
        "duplicates": list(ranked.duplicates),
        "structure": plain_json(ranked.structure.as_dict()),
        "primitive": plain_json(ranked.primitive.as_dict()),
    }


def _candidate(
    index: int, candidate: Candidate, relaxation: Relaxation | None, pressure_gpa: float
) -> dict[str, Any]:
    return {
        "index": index,
        "generator": candidate.generator,
        "log_probability": plain_json(candidate.log_probability),
        "hypothesis": plain_json(candidate.hypothesis),
        "provenance": plain_json(candidate.provenance),
        "structure_before": plain_json(candidate.structure.as_dict()),
        "relaxation": None if relaxation is None else _relaxation(relaxation, pressure_gpa),
    }


def _relaxation(relaxation: Relaxation, pressure_gpa: float) -> dict[str, Any]:
    return {
        "status": str(relaxation.status),
        "converged": relaxation.converged,
        "reason": relaxation.reason,
        **plain_json(_energies(relaxation.energy_per_atom, pressure_gpa)),
        "max_force_ev_per_a": plain_json(relaxation.max_force),
        "max_stress_gpa": plain_json(relaxation.max_stress),
        "steps": relaxation.steps,
        "seconds": round(relaxation.seconds, 3),
        "structure_after": plain_json(relaxation.structure.as_dict()),
    }


def _distogram(distogram: DistogramSummary) -> dict[str, Any]:
    """Means and standard deviations in Å; ``alphacrystal inspect`` gives the full probabilities."""
    edges = np.asarray(distogram.bin_edges, dtype=np.float64)
    spread = None
    if distogram.probabilities is not None:
        probabilities = np.asarray(distogram.probabilities, dtype=np.float64)  # (n, n, bins)
        centres = 0.5 * (edges[:-1] + edges[1:])
        mean = probabilities @ centres
        variance = probabilities @ centres**2 - mean**2
        spread = np.round(np.sqrt(np.clip(variance, 0.0, None)), 4).tolist()
    return {
        "cell_formula": distogram.cell_formula,
        "z": distogram.formula_units,
        "species": list(distogram.species),
        "expected_distances": plain_json(np.round(distogram.expected_distances, 4)),
        "distance_std": plain_json(spread),
        "bin_edges": plain_json(np.round(edges, 6)),
    }


def _orbit_distances(summary: OrbitDistanceSummary) -> dict[str, Any]:
    return {
        "candidate_index": summary.candidate_index,
        "species": list(summary.species),
        "sizes": list(summary.sizes),
        "labels": list(summary.labels),
        "shortest_distances": plain_json(np.round(summary.shortest, 4)),
    }

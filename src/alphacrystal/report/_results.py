"""``results.json``: everything a run found, MSONable."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.report._plain_json import plain_json
from alphacrystal.report._summary import SummaryRow

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from alphacrystal.generate import Candidate
    from alphacrystal.rank import RankedStructure
    from alphacrystal.relax import Relaxation
    from alphacrystal.report._prediction import DistogramSummary, Prediction

RESULTS_FORMAT = "alphacrystal-results"
RESULTS_VERSION = 2  # 1 named the reconstruction method of a candidate `way`


def results_json(prediction: Prediction, rows: list[SummaryRow]) -> str:
    """Text of ``results.json``; ``monty.serialization.loadfn`` reads its structures as pymatgen objects."""
    document = {
        "format": RESULTS_FORMAT,
        "format_version": RESULTS_VERSION,
        "formula": prediction.formula,
        "formula_text": prediction.formula_text,
        "complete": prediction.complete,
        "notes": list(prediction.notes),
        "potential": prediction.potential,
        "hull_reference": prediction.hull_reference,
        "energy_unit_note": prediction.energy_unit_note,
        "structures": [_ranked(item, row) for item, row in zip(prediction.ranked, rows, strict=True)],
        "candidates": [
            _candidate(index, candidate, prediction.relaxations.get(index))
            for index, candidate in enumerate(prediction.candidates)
        ],
        "distograms": [_distogram(item) for item in prediction.distograms],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def _ranked(ranked: RankedStructure, row: SummaryRow) -> dict[str, Any]:
    return {
        **asdict(row),
        "score": plain_json(float(ranked.score)),
        "candidate_index": ranked.candidate_index,
        "duplicates": list(ranked.duplicates),
        "structure": _structure(ranked.structure),
        "primitive": _structure(ranked.primitive),
    }


def _candidate(index: int, candidate: Candidate, relaxation: Relaxation | None) -> dict[str, Any]:
    return {
        "index": index,
        "generator": candidate.generator,
        "log_probability": plain_json(candidate.log_probability),
        "hypothesis": plain_json(candidate.hypothesis),
        "provenance": plain_json(candidate.provenance),
        "structure_before": _structure(candidate.structure),
        "relaxation": None if relaxation is None else _relaxation(relaxation),
    }


def _relaxation(relaxation: Relaxation) -> dict[str, Any]:
    return {
        "status": str(relaxation.status),
        "converged": relaxation.converged,
        "reason": relaxation.reason,
        "energy_per_atom_ev": plain_json(relaxation.energy_per_atom),
        "max_force_ev_per_a": plain_json(relaxation.max_force),
        "max_stress_gpa": plain_json(relaxation.max_stress),
        "steps": relaxation.steps,
        "seconds": round(relaxation.seconds, 3),
        "structure_after": _structure(relaxation.structure),
    }


def _distogram(distogram: DistogramSummary) -> dict[str, Any]:
    """Means and spreads of the distances in Å; the full probabilities stay with ``alphacrystal inspect``."""
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


def _structure(structure: Structure) -> dict[str, Any]:
    plain: dict[str, Any] = plain_json(structure.as_dict())
    return plain

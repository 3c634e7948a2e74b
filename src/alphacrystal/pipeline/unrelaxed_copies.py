"""Likely structures that the potential carries elsewhere: listed as they were predicted, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from alphacrystal.pipeline.run_state import Run

if TYPE_CHECKING:
    from pymatgen.core import Structure

LIKELIEST = 5  # candidates whose own structure is worth a place of its own
ROUGH = {"contact_map"}  # generators whose crystals are made to be relaxed: contacts leave coordinates open
KEPT = "kept as predicted: relaxed, it becomes another crystal"


def keep_as_predicted(run: Run, starts: Mapping[int, Structure]) -> dict[int, Structure]:
    """Candidates to be listed unrelaxed beside what they relax to; added to the run.

    A potential errs too: some true structures are no minimum of it. Only the likeliest candidates are looked
    at, none of the ROUGH generators, and only where start and end differ by more than CSPBench's tolerances.

    Args:
        run: Relaxed; gets a further candidate for each structure.
        starts: Distinct candidates before relaxation, by index.

    Returns:
        The structures by the index of the new candidates.
    """
    from alphacrystal.crystal import SameCrystal, group_duplicates

    wide = SameCrystal(ltol=0.2, stol=0.3, angle_tol=5.0, volume=0.5, fingerprint=0.5)
    scored = [
        index
        for index in starts
        if run.candidates[index].log_probability is not None and run.candidates[index].generator not in ROUGH
    ]
    likely = sorted(scored, key=lambda index: (-(run.candidates[index].log_probability or 0.0), index))
    kept: dict[int, Structure] = {}
    for index in likely[:LIKELIEST]:
        relaxation = run.relaxations.get(index)
        if relaxation is None or not relaxation.usable:
            continue
        if len(group_duplicates([starts[index], relaxation.structure], wide)) == 1:
            continue
        candidate = run.candidates[index]
        provenance = {**candidate.provenance, "kept_as_predicted": True, "candidate": index}
        kept[len(run.candidates)] = starts[index]
        run.candidates.append(replace(candidate, provenance=provenance))
    return kept

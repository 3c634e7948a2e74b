"""One candidate against one reference: the same crystal or not, and the space groups."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alphacrystal.evaluation._presets import MatchPreset, match_preset

if TYPE_CHECKING:
    from pymatgen.core import Structure

DIFFERENT_COMPOSITION = "their reduced formulas differ"
DIFFERENT_STRUCTURE = "no superposition lies within the tolerances"


@dataclass(frozen=True, slots=True)
class PairMatch:
    """Result of structure matching for one candidate and one reference.

    Attributes:
        matched: Whether they are the same crystal; None where that stayed undecided (``reason`` tells why).
        rms: Root mean square displacement over (volume per atom)^(1/3); None without a match.
        reason: Why there is no match, a clause; None where there is one.
    """

    matched: bool | None
    rms: float | None = None
    reason: str | None = None


def match_pair(
    candidate: Structure, reference: Structure, preset: str | MatchPreset = "cspbench"
) -> PairMatch:
    """Compare two structures in this process, without a time limit.

    StructureMatcher's defaults: cells are reduced, volumes scaled to each other, mirror images are equal.

    Raises:
        InputError: There is no preset of that name.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    preset = match_preset(preset)
    if candidate.composition.reduced_composition != reference.composition.reduced_composition:
        return PairMatch(matched=False, reason=DIFFERENT_COMPOSITION)
    matcher: Any = StructureMatcher(ltol=preset.ltol, stol=preset.stol, angle_tol=preset.angle_tol)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if preset.largest and not matcher.fit(candidate, reference):
            return PairMatch(matched=False, reason=DIFFERENT_STRUCTURE)
        found = matcher.get_rms_dist(candidate, reference)
    if found is None:
        return PairMatch(matched=False, reason=DIFFERENT_STRUCTURE)
    return PairMatch(matched=True, rms=float(found[0]))


def space_group_number(structure: Structure, symprec: float) -> int | None:
    """International number by spglib, which published space-group rates used; None where it finds none."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return int(SpacegroupAnalyzer(structure, symprec=symprec).get_space_group_number())
        except (SymmetryUndeterminedError, TypeError, ValueError):
            return None

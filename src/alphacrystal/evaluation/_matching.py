"""One candidate against one reference: the same crystal or not under published tolerances; space groups."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure


DIFFERENT_COMPOSITION = "their reduced formulas differ"
DIFFERENT_STRUCTURE = "no superposition lies within the tolerances"


@dataclass(frozen=True, slots=True)
class PairMatch:
    """Result of structure matching for one candidate and one reference.

    Attributes:
        matched: Whether they are the same crystal; None if undecided (see ``reason``).
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
        distances = matcher.get_rms_dist(candidate, reference)
    if distances is None:
        return PairMatch(matched=False, reason=DIFFERENT_STRUCTURE)
    return PairMatch(matched=True, rms=float(distances[0]))


def space_group_number(structure: Structure, symprec: float) -> int | None:
    """International number by spglib, which published space-group rates used; None where it finds none."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return int(SpacegroupAnalyzer(structure, symprec=symprec).get_space_group_number())
        except (SymmetryUndeterminedError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class MatchPreset:
    """When two structures count as the same crystal for pymatgen's StructureMatcher.

    Attributes:
        name: How it is called.
        ltol: Fractional tolerance of lengths.
        stol: Tolerance of site distances in units of (volume per atom)^(1/3).
        angle_tol: Tolerance of angles in degrees.
        largest: Whether the largest site distance must stay below ``stol`` (StructureMatcher.fit), or a
            root mean square displacement need only exist (StructureMatcher.get_rms_dist).
    """

    name: str
    ltol: float
    stol: float
    angle_tol: float
    largest: bool


#: CSPBench as its authors count it (doi:10.48550/arXiv.2407.00733, TCSP 2.0: doi:10.48550/arXiv.2503.23183);
#: DiffCSP's match rate (doi:10.48550/arXiv.2309.04475), which later generative models took over.
PRESETS: dict[str, MatchPreset] = {
    "cspbench": MatchPreset("cspbench", ltol=0.2, stol=0.3, angle_tol=5.0, largest=True),
    "diffcsp": MatchPreset("diffcsp", ltol=0.3, stol=0.5, angle_tol=10.0, largest=False),
}


def match_preset(preset: str | MatchPreset) -> MatchPreset:
    """The preset of a name; a `MatchPreset` is returned unchanged.

    Raises:
        InputError: There is no preset of that name.
    """
    if isinstance(preset, MatchPreset):
        return preset
    if preset not in PRESETS:
        raise InputError(f"There is no preset named {preset!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[preset]

"""Predicted structures compared with a known crystal: matches with two sets of tolerances, space groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pymatgen.core import Structure

from alphacrystal.evaluation import (
    PairMatch,
    TargetMatch,
    match_pair,
    match_preset,
    match_summary,
    run_tasks,
    space_group_number,
)
from alphacrystal_bench.harness.rows import Row

#: StructureMatcher with 0.2/0.3/5 and 0.3/0.5/10. A pair that the first matches, the second matches too.
STRICT, LOOSE = "cspbench", "diffcsp"
PRESETS = (STRICT, LOOSE)
SYMPREC = 0.1  # Å
MATCH_SECONDS = 10.0  # of processor time for each comparison


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparisons with one known crystal, each with a time limit.

    StructureMatcher returns at once if the reduced formulas or the numbers of atoms in the primitive cells
    differ. It scales the volumes to each other, so that a difference in volume does not exclude a match.

    Attributes:
        truth: The known crystal.
        seconds: Processor seconds per comparison; a pair beyond it is undecided and counts as no match.
    """

    truth: Structure
    seconds: float = MATCH_SECONDS

    @property
    def space_group(self) -> int | None:
        """Number of the known crystal."""
        return space_group_number(self.truth, SYMPREC)

    def rows(self, structures: Sequence[Structure]) -> list[Row]:
        """Values for JSON of each structure.

        Returns:
            ``rms``: displacement of the match by preset (StructureMatcher.get_rms_dist: root mean square over
            (volume per atom)^(1/3)), or None; ``space_group``; ``undecided``: whether a comparison reached
            the time limit.
        """
        if not structures:
            return []
        loose = self._target(structures, LOOSE, (SYMPREC,))
        plausible = [place for place, match in enumerate(loose.matches) if match.matched is not False]
        strict = dict.fromkeys(range(len(structures)), PairMatch(matched=False))
        if plausible:
            target = self._target([structures[place] for place in plausible], STRICT, ())
            strict.update(zip(plausible, target.matches, strict=True))
        return [
            {
                "rms": {STRICT: strict[place].rms, LOOSE: match.rms},
                "undecided": match.matched is None or strict[place].matched is None,
                "space_group": loose.candidate_space_groups[SYMPREC][place],
            }
            for place, match in enumerate(loose.matches)
        ]

    def _target(self, structures: Sequence[Structure], preset: str, symprecs: Sequence[float]) -> TargetMatch:
        summary = match_summary(
            [structures],
            [self.truth],
            preset,
            depths=(len(structures),),
            symprecs=symprecs,
            time_limit_s=self.seconds,
        )
        return summary.targets[0]

    def any_match(self, structures: Iterable[Structure], preset: str) -> bool:
        """Whether any of some structures matches."""
        tasks = [(structure, self.truth, match_preset(preset)) for structure in structures]
        results = run_tasks(match_pair, tasks, time_limit_s=self.seconds)
        return any(result.value is not None and result.value.matched for result in results)


def first_match(items: Sequence[Row], preset: str) -> int | None:
    """Rank (from 1) of the first structure that matches."""
    return next((rank for rank, item in enumerate(items, 1) if item["rms"][preset] is not None), None)

"""Match rates of ranked candidates: at several depths, with space groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import InputError
from alphacrystal.evaluation._matching import (
    DIFFERENT_COMPOSITION,
    MatchPreset,
    PairMatch,
    match_pair,
    match_preset,
    space_group_number,
)
from alphacrystal.evaluation._tasks import TIME_LIMIT_S, run_tasks
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Depths of the rates, and tolerances of the space groups in Å.
DEPTHS = (1, 5, 10, 20)
SYMPRECS = (0.01, 0.1)


@dataclass(frozen=True, slots=True)
class TargetMatch:
    """The ranked candidates of one reference.

    Attributes:
        name: Name of the reference.
        formula: Its reduced formula.
        matches: One per candidate, in rank order.
        space_group: International number of the reference by symprec; None where there is none.
        candidate_space_groups: One number per candidate, by symprec.
    """

    name: str
    formula: str
    matches: tuple[PairMatch, ...]
    space_group: Mapping[float, int | None]
    candidate_space_groups: Mapping[float, tuple[int | None, ...]]

    @property
    def match_rank(self) -> int | None:
        """Rank of the first candidate that matches, counted from 1."""
        return next((rank for rank, match in enumerate(self.matches, 1) if match.matched), None)

    def space_group_rank(self, symprec: float) -> int | None:
        """Rank of the first candidate with the space group of the reference, counted from 1."""
        right = self._right_space_groups(symprec)
        return right.index(True) + 1 if any(right) else None

    def both_rank(self, symprec: float) -> int | None:
        """Rank of the first candidate that matches and has the space group, counted from 1."""
        right = self._right_space_groups(symprec)
        hits = [bool(match.matched) and same for match, same in zip(self.matches, right, strict=True)]
        return hits.index(True) + 1 if any(hits) else None

    def rms(self, k: int) -> float | None:
        """Least displacement among the matches in the first k; see `PairMatch.rms`."""
        return min((match.rms for match in self.matches[:k] if match.rms is not None), default=None)

    def undecided(self, k: int) -> bool:
        """Whether no match is among the first k, but a pair could not be decided."""
        first = self.matches[:k]
        return not any(match.matched for match in first) and any(match.matched is None for match in first)

    def _right_space_groups(self, symprec: float) -> list[bool]:
        target = self.space_group[symprec]
        return [target is not None and target == other for other in self.candidate_space_groups[symprec]]


@dataclass(frozen=True, slots=True)
class MatchSummary:
    """Match rates over references; each reference counts once.

    Attributes:
        preset: Tolerances.
        depths: The k of "within the first k".
        symprecs: Tolerances of the space groups in Å.
        targets: One per reference, in the order given.
    """

    preset: MatchPreset
    depths: tuple[int, ...]
    symprecs: tuple[float, ...]
    targets: tuple[TargetMatch, ...]

    def match_rate(self, k: int) -> float:
        """Share of the references matched within the first k candidates; undecided pairs do not count."""
        return self._share(k, [target.match_rank for target in self.targets])

    def rmse(self, k: int) -> float | None:
        """Mean over the matched references of the least displacement within k; None without a match."""
        distances = [rms for target in self.targets if (rms := target.rms(k)) is not None]
        return sum(distances) / len(distances) if distances else None

    def space_group_rate(self, k: int, symprec: float) -> float:
        """Share of the references with a candidate of the right space group within the first k."""
        return self._share(k, [target.space_group_rank(symprec) for target in self.targets])

    def both_rate(self, k: int, symprec: float) -> float:
        """Share of the references with one candidate within k that matches and has the space group."""
        return self._share(k, [target.both_rank(symprec) for target in self.targets])

    def undecided(self, k: int) -> int:
        """References without a match within k that have a pair which could not be decided in time."""
        return sum(target.undecided(k) for target in self.targets)

    def _share(self, k: int, ranks: Sequence[int | None]) -> float:
        return sum(rank is not None and rank <= k for rank in ranks) / len(self.targets)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the rates by depth, and one entry per reference."""
        return {
            "preset": self.preset.name,
            "ltol": self.preset.ltol,
            "stol": self.preset.stol,
            "angle_tol": self.preset.angle_tol,
            "references": len(self.targets),
            "match_rate": {str(k): self.match_rate(k) for k in self.depths},
            "rmse": {str(k): self.rmse(k) for k in self.depths},
            "space_group_rate": {
                str(symprec): {str(k): self.space_group_rate(k, symprec) for k in self.depths}
                for symprec in self.symprecs
            },
            "match_and_space_group_rate": {
                str(symprec): {str(k): self.both_rate(k, symprec) for k in self.depths}
                for symprec in self.symprecs
            },
            "undecided": {str(k): self.undecided(k) for k in self.depths},
            "targets": [_target_dict(target, self.symprecs) for target in self.targets],
        }


def _target_dict(target: TargetMatch, symprecs: Sequence[float]) -> dict[str, Any]:
    return {
        "name": target.name,
        "formula": target.formula,
        "candidates": len(target.matches),
        "match_rank": target.match_rank,
        "rms": target.rms(len(target.matches)),
        "space_group": {str(symprec): target.space_group[symprec] for symprec in symprecs},
        "space_group_rank": {str(symprec): target.space_group_rank(symprec) for symprec in symprecs},
        "matched": [match.matched for match in target.matches],
        "reasons": [match.reason for match in target.matches],
    }


def match_summary(
    candidates: Sequence[Sequence[Structure]],
    references: Sequence[Structure],
    preset: str | MatchPreset = "cspbench",
    *,
    names: Sequence[str] | None = None,
    depths: Sequence[int] = DEPTHS,
    symprecs: Sequence[float] = SYMPRECS,
    workers: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    on_progress: StageProgress | None = None,
) -> MatchSummary:
    """Match the ranked candidates of each reference with it.

    Args:
        candidates: For each reference, best first, none is allowed; more than the largest depth are left out.
        references: Ordered structures without oxidation states, as the candidates.
        preset: "cspbench" (0.2, 0.3, 5°) or "diffcsp" (0.3, 0.5, 10°), or other tolerances.
        names: Names of the references; their formulas by default.
        depths: The k of the rates.
        symprecs: Tolerances in Å of the space groups of both.
        workers: Processes with one thread each.
        time_limit_s: Processor seconds per pair; a pair beyond it is undecided and says so.
        on_progress: Called with the number of finished pairs and space groups, and of all.

    Raises:
        InputError: There is no reference, or the lists differ in length, or the preset has no such name.
    """
    preset = match_preset(preset)
    if not references:
        raise InputError("There is no reference structure to match with.")
    if len(candidates) != len(references):
        raise InputError(f"There are {len(references)} references but candidates for {len(candidates)}.")
    deepest = max(depths)
    ranked = [list(group[:deepest]) for group in candidates]
    matches, groups = _compute(
        ranked, references, preset, symprecs, workers=workers, time_limit_s=time_limit_s, on_done=on_progress
    )
    targets = []
    for index, reference in enumerate(references):
        targets.append(
            TargetMatch(
                name=names[index] if names is not None else reference.composition.reduced_formula,
                formula=reference.composition.reduced_formula,
                matches=tuple(matches[index, rank] for rank in range(len(ranked[index]))),
                space_group={symprec: groups[index, None, symprec] for symprec in symprecs},
                candidate_space_groups={
                    symprec: tuple(groups[index, rank, symprec] for rank in range(len(ranked[index])))
                    for symprec in symprecs
                },
            )
        )
    return MatchSummary(preset, tuple(depths), tuple(symprecs), tuple(targets))


def _compute(
    ranked: Sequence[Sequence[Structure]],
    references: Sequence[Structure],
    preset: MatchPreset,
    symprecs: Sequence[float],
    *,
    workers: int,
    time_limit_s: float,
    on_done: StageProgress | None,
) -> tuple[dict[tuple[int, int], PairMatch], dict[tuple[int, int | None, float], int | None]]:
    """All pairs and all space groups as tasks of one queue; one structure in two groups is computed twice."""
    pairs = {
        (index, rank): (structure, references[index])
        for index, group in enumerate(ranked)
        for rank, structure in enumerate(group)
    }
    alike = {place for place, (a, b) in pairs.items() if _same_formula(a, b)}
    structures: dict[tuple[int, int | None], Structure] = {
        (index, None): reference for index, reference in enumerate(references)
    }
    structures.update({place: structure for place, (structure, _) in pairs.items()})
    tasks: list[tuple[Any, ...]] = [(match_pair, *pairs[place], preset) for place in sorted(alike)]
    labels = [(place, symprec) for place in structures for symprec in symprecs]
    tasks += [(space_group_number, structures[place], symprec) for place, symprec in labels]
    results = run_tasks(_call, tasks, workers=workers, time_limit_s=time_limit_s, on_done=on_done)
    matches = {place: PairMatch(matched=False, reason=DIFFERENT_COMPOSITION) for place in pairs}
    for place, result in zip(sorted(alike), results, strict=False):
        matches[place] = result.value or PairMatch(matched=None, reason=result.failure)
    groups = {
        (*place, symprec): result.value
        for (place, symprec), result in zip(labels, results[len(alike) :], strict=True)
    }
    return matches, groups


def _same_formula(one: Structure, other: Structure) -> bool:
    return bool(one.composition.reduced_composition == other.composition.reduced_composition)


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Any task of the queue."""
    return function(*arguments)

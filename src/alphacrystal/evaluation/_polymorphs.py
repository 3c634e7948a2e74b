"""METRe and cRMSE: match rates that ask for all polymorphs of a composition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import InputError
from alphacrystal.evaluation._matching import MatchPreset, PairMatch, match_pair, match_preset
from alphacrystal.evaluation._tasks import TIME_LIMIT_S, run_tasks
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, slots=True)
class PolymorphSummary:
    """How many of all references some candidate of their composition matches.

    Attributes:
        preset: Tolerances.
        metre: METRe, match everyone to reference: share of the references with a match.
        crmse: cRMSE: mean over all references of the least displacement of a match, with ``preset.stol``
            where there is none; in units of (volume per atom)^(1/3).
        rms: Least displacement of each reference, None without a match.
        undecided: References without a match that have a pair which could not be decided in time.
        budget: Candidates that counted, by reduced formula.
    """

    preset: MatchPreset
    metre: float
    crmse: float
    rms: tuple[float | None, ...]
    undecided: int
    budget: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "preset": self.preset.name,
            "metre": self.metre,
            "crmse": self.crmse,
            "undecided": self.undecided,
            "candidates": sum(self.budget.values()),
            "references": len(self.rms),
        }


def polymorph_summary(
    candidates: Sequence[Structure],
    references: Sequence[Structure],
    preset: str | MatchPreset = "diffcsp",
    *,
    per_reference: int | None = 1,
    workers: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    on_progress: StageProgress | None = None,
) -> PolymorphSummary:
    """METRe and cRMSE of candidates of any compositions, each composition's best first.

    After Martirossyan et al., "All that structure matches does not glitter" (doi:10.48550/arXiv.2509.12178):
    a composition with K references gets K candidates, and each reference may be matched by any of them.

    Args:
        candidates: Best first; those of one reduced formula belong together.
        references: All references of the test set, polymorphs included.
        preset: "diffcsp" is the preset of the publication.
        per_reference: Candidates per reference of their composition, 1 in the publication; None takes all.
        workers: Processes with one thread each.
        time_limit_s: Processor seconds per pair.
        on_progress: Called with the number of finished pairs and of all pairs.

    Raises:
        InputError: There is no reference, or the preset has no such name.
    """
    preset = match_preset(preset)
    if not references:
        raise InputError("There is no reference structure to match with.")
    wanted: dict[str, list[int]] = defaultdict(list)
    for index, reference in enumerate(references):
        wanted[reference.composition.reduced_formula].append(index)
    made: dict[str, list[Structure]] = defaultdict(list)
    for candidate in candidates:
        formula = candidate.composition.reduced_formula
        limit = None if per_reference is None else per_reference * len(wanted.get(formula, ()))
        if formula in wanted and (limit is None or len(made[formula]) < limit):
            made[formula].append(candidate)
    places = [(index, one) for formula, group in wanted.items() for index in group for one in made[formula]]
    results = run_tasks(
        match_pair,
        [(one, references[index], preset) for index, one in places],
        workers=workers,
        time_limit_s=time_limit_s,
        on_done=on_progress,
    )
    matches: dict[int, list[PairMatch]] = defaultdict(list)
    for (index, _), result in zip(places, results, strict=True):
        matches[index].append(result.value or PairMatch(matched=None, reason=result.failure))
    rms = [
        min((match.rms for match in matches[index] if match.rms is not None), default=None)
        for index in range(len(references))
    ]
    return PolymorphSummary(
        preset=preset,
        metre=sum(value is not None for value in rms) / len(rms),
        crmse=sum(preset.stol if value is None else value for value in rms) / len(rms),
        rms=tuple(rms),
        undecided=sum(
            value is None and any(match.matched is None for match in matches[index])
            for index, value in enumerate(rms)
        ),
        budget={formula: len(made[formula]) for formula in wanted},
    )

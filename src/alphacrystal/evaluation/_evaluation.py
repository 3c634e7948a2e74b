"""A whole evaluation: predictions matched with targets and compared by metrics, ready for a table or JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alphacrystal.errors import InputError
from alphacrystal.evaluation._compare import Values, best_values, compare_many
from alphacrystal.evaluation._families import ComparedCrystal
from alphacrystal.evaluation._matching import MatchPreset, match_preset
from alphacrystal.evaluation._metrics import METRICS, metric_names
from alphacrystal.evaluation._polymorphs import PolymorphSummary, polymorph_summary
from alphacrystal.evaluation._summary import DEPTHS, MatchSummary, match_summary
from alphacrystal.evaluation._tasks import TIME_LIMIT_S
from alphacrystal.evaluation._verdict import same_structure
from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.typing import Progress, StageProgress


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Predictions against targets.

    Attributes:
        targets: Known structures.
        candidates: Of each target those of its reduced formula, best first.
        metrics: Names of the metrics computed.
        values: Of each target and candidate.
        match: Match rates.
        polymorphs: METRe and cRMSE.
        potential: Potential of the energies, None without energies.
        unused: Formulas of predictions that no target has.
        is_pair: Whether one structure was compared with one.
    """

    targets: tuple[ComparedCrystal, ...]
    candidates: tuple[tuple[ComparedCrystal, ...], ...]
    metrics: tuple[str, ...]
    values: tuple[tuple[Values, ...], ...]
    match: MatchSummary
    polymorphs: PolymorphSummary
    potential: str | None
    unused: tuple[str, ...]
    is_pair: bool

    def best(self, target: int, depth: int) -> Mapping[str, Any]:
        """Best value of each metric within the first ``depth`` candidates; see `best_values`."""
        return best_values(self.values[target][:depth])

    def same_structure(self) -> dict[str, Any]:
        """Whether the structures are the same, with a sentence and the tolerances; see `same_structure`."""
        pair = None
        if self.is_pair:
            crystals = (self.candidates[0][0], self.targets[0])
            predicted, target = (item.structure.composition.reduced_formula for item in crystals)
            pair = (predicted, target)
        return same_structure(self.match, pair)

    def rows(self) -> list[dict[str, Any]]:
        """One row per target and candidate: names, rank, match, space groups, metrics, reasons."""
        rows: list[dict[str, Any]] = []
        for index, target in enumerate(self.targets):
            target_match = self.match.targets[index]
            for place, candidate in enumerate(self.candidates[index]):
                match, values = target_match.matches[place], self.values[index][place]
                row: dict[str, Any] = {
                    "target": target.name,
                    "predicted": candidate.name,
                    "formula": target_match.formula,
                    "rank": place + 1,
                    "n_atoms_target": len(target.structure),
                    "n_atoms_predicted": len(candidate.structure),
                    "matched": match.matched,
                    "rms": match.rms,
                    "no_match_because": match.reason,
                }
                for symprec in self.match.symprecs:
                    row[f"space_group_target_{symprec}"] = target_match.space_group[symprec]
                    row[f"space_group_predicted_{symprec}"] = target_match.candidate_space_groups[symprec][
                        place
                    ]
                row |= {name: values[name].value for name in self.metrics}
                reasons = [f"{name}: {values[name].reason}" for name in self.metrics if values[name].reason]
                row["not_comparable"] = "; ".join(reasons) or None
                rows.append(row)
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: one flat object for a pair, else the summary and all targets."""
        head: dict[str, Any] = {
            "format": "alphacrystal-evaluation",
            "format_version": 1,
            "same_structure": self.same_structure(),
        }
        if self.potential is not None:
            head["potential"] = self.potential
        if self.is_pair:
            return head | {"preset": self.match.preset.name} | self._pair(0, 0)
        summary = self.match.as_dict()
        details = summary.pop("targets")
        targets = []
        for index, detail in enumerate(details):
            del detail["matched"], detail["reasons"]
            detail["best"] = {str(k): self._best(index, k) for k in self.match.depths} if self.metrics else {}
            detail["pairs"] = [self._pair(index, place) for place in range(len(self.candidates[index]))]
            targets.append(detail)
        return head | {
            "match": summary,
            "polymorphs": self.polymorphs.as_dict(),
            "unused_formulas": list(self.unused),
            "targets": targets,
        }

    def _best(self, index: int, depth: int) -> dict[str, Any]:
        return {
            name: None if best is None else {"value": best[0], "rank": best[1] + 1}
            for name, best in self.best(index, depth).items()
        }

    def _pair(self, index: int, place: int) -> dict[str, Any]:
        target, candidate = self.targets[index], self.candidates[index][place]
        target_match = self.match.targets[index]
        match, values = target_match.matches[place], self.values[index][place]
        return {
            "predicted": candidate.name,
            "target": target.name,
            "rank": place + 1,
            "n_atoms": [len(target.structure), len(candidate.structure)],
            "match": {
                "matched": match.matched,
                "rms": match.rms,
                "reason": match.reason,
                "space_group": {
                    str(symprec): [
                        target_match.space_group[symprec],
                        target_match.candidate_space_groups[symprec][place],
                    ]
                    for symprec in self.match.symprecs
                },
            },
            "metrics": {name: values[name].value for name in self.metrics},
            "reasons": {name: values[name].reason for name in self.metrics if values[name].reason},
        }


def evaluate(
    predicted: Sequence[ComparedCrystal],
    targets: Sequence[ComparedCrystal],
    *,
    preset: str | MatchPreset = "cspbench",
    metrics: str | Sequence[str] = "none",
    potential: str = "chgnet",
    device: str = AUTO,
    depths: Sequence[int] = DEPTHS,
    workers: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
    on_progress: Progress | None = None,
) -> EvaluationResult:
    """Match and compare predictions with the targets of their reduced formula.

    Args:
        predicted: Of each formula the best first; more than the largest depth are left out.
        targets: One or several; targets of one formula are polymorphs and share its predictions.
        preset: Tolerances of the structure match.
        metrics: Names and sets of metrics, see `metric_names`.
        potential: Gives the energies.
        device: Of the potential, see `load_potential`.
        depths: The k of "within the first k".
        workers: Processes.
        time_limit_s: Processor seconds per pair and family of metrics.
        on_progress: Called with (stage, done, total).

    One prediction and one target are compared even if their formulas differ.

    Raises:
        InputError: No prediction has the formula of a target, or a name is unknown.
    """
    preset = match_preset(preset)
    names = metric_names(metrics)
    by_formula: dict[str, list[ComparedCrystal]] = defaultdict(list)
    for crystal in predicted:
        by_formula[crystal.structure.composition.reduced_formula].append(crystal)
    formulas = [target.structure.composition.reduced_formula for target in targets]
    if len(predicted) == len(targets) == 1:
        by_formula = {formulas[0]: list(predicted)}
    if not set(formulas) & set(by_formula):
        raise InputError(
            f"No prediction has the formula of a target: predicted are {_some(by_formula)}, "
            f"targets are {_some(formulas)}."
        )
    deepest = max(depths)
    candidates = [tuple(by_formula.get(formula, [])[:deepest]) for formula in formulas]

    def stage(name: str) -> StageProgress | None:
        return None if on_progress is None else lambda done, total: on_progress(name, done, total)

    match = match_summary(
        [[candidate.structure for candidate in group] for group in candidates],
        [target.structure for target in targets],
        preset,
        names=[target.name for target in targets],
        depths=depths,
        workers=workers,
        time_limit_s=time_limit_s,
        on_progress=stage("match"),
    )
    polymorphs = polymorph_summary(
        [crystal.structure for crystal in predicted],
        [target.structure for target in targets],
        preset,
        workers=workers,
        time_limit_s=time_limit_s,
        on_progress=stage("polymorphs"),
    )
    pairs = [
        (candidate, target) for group, target in zip(candidates, targets, strict=True) for candidate in group
    ]
    if names:
        values = compare_many(
            pairs,
            names,
            potential=potential,
            device=device,
            workers=workers,
            time_limit_s=time_limit_s,
            on_progress=stage("metrics"),
        )
    else:
        values = [{} for _ in pairs]
    rest = iter(values)
    return EvaluationResult(
        targets=tuple(targets),
        candidates=tuple(candidates),
        metrics=tuple(names),
        values=tuple(tuple(next(rest) for _ in group) for group in candidates),
        match=match,
        polymorphs=polymorphs,
        potential=potential if any(METRICS[name].family == "energy" for name in names) else None,
        unused=tuple(sorted(set(by_formula) - set(formulas))),
        is_pair=len(predicted) == len(targets) == 1,
    )


def _some(formulas: Sequence[str] | Mapping[str, Any]) -> str:
    names = sorted(set(formulas))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

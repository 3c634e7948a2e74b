"""Whether predictions have the structure of their targets, in one sentence and as plain values."""

from __future__ import annotations

from typing import Any

from alphacrystal.evaluation._matching import DIFFERENT_COMPOSITION, DIFFERENT_STRUCTURE
from alphacrystal.evaluation._summary import MatchSummary

_REASONS = {DIFFERENT_STRUCTURE: "no mapping within the tolerances"}


def same_structure(match: MatchSummary, pair: tuple[str, str] | None) -> dict[str, Any]:
    """The answer of pymatgen's StructureMatcher and the tolerances behind it.

    Args:
        match: The matches of each target.
        pair: Reduced formulas of the prediction and the target where one was compared with one.

    Returns:
        ``sentence``, ``matcher``, ``ltol``, ``stol``, ``angle_tol`` (degrees). Of a pair also ``same`` (None
        if undecided), ``rms`` in units of (volume per atom)^(1/3) and ``reason``; of one target with a list
        of candidates ``matching``, ``candidates`` and ``best_rank``; of several targets ``matched``,
        ``targets`` and ``matched_at_rank_1``.
    """
    preset = match.preset
    tolerances = {"ltol": preset.ltol, "stol": preset.stol, "angle_tol": preset.angle_tol}
    if pair is not None:
        answer, clause, values = _of_pair(match, *pair)
    elif len(match.targets) == 1:
        answer, clause, values = _of_candidates(match)
    else:
        answer, clause, values = _of_targets(match)
    matcher = "StructureMatcher, " + ", ".join(f"{name} {value:g}" for name, value in tolerances.items())
    inside = f"{matcher}; {clause}" if clause else matcher
    return {
        "sentence": f"Same structure: {answer} ({inside})",
        **values,
        "matcher": "StructureMatcher",
        **tolerances,
    }


def _of_pair(match: MatchSummary, predicted: str, target: str) -> tuple[str, str, dict[str, Any]]:
    (pair,) = match.targets[0].matches
    if pair.reason == DIFFERENT_COMPOSITION:
        reason = f"different composition: predicted {predicted}, target {target}"
    else:
        reason = _REASONS.get(pair.reason or "", pair.reason or "")
    answer = {True: "yes", False: "no", None: "undecided"}[pair.matched]
    clause = reason if pair.rms is None else f"rms {pair.rms:.3f}"
    return answer, clause, {"same": pair.matched, "rms": pair.rms, "reason": reason or None}


def _of_candidates(match: MatchSummary) -> tuple[str, str, dict[str, Any]]:
    (target,) = match.targets
    count, hits = len(target.matches), sum(bool(pair.matched) for pair in target.matches)
    undecided = sum(pair.matched is None for pair in target.matches)
    answer = f"{hits} of {count} candidates match"
    if hits:
        answer += f"; best at rank {target.match_rank}"
    clause = f"{undecided} undecided in time" if undecided else ""
    return answer, clause, {"matching": hits, "candidates": count, "best_rank": target.match_rank}


def _of_targets(match: MatchSummary) -> tuple[str, str, dict[str, Any]]:
    ranks = [target.match_rank for target in match.targets]
    matched, first, count = sum(rank is not None for rank in ranks), ranks.count(1), len(ranks)
    answer = f"{matched} of {count} targets are matched, {first} at rank 1"
    undecided = match.undecided(max(match.depths))
    clause = f"{undecided} undecided in time" if undecided else ""
    return answer, clause, {"matched": matched, "targets": count, "matched_at_rank_1": first}

"""Sentences on a hull, for the page and terminals."""

from __future__ import annotations

from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._hull import Hull

TIE = 0.005  # eV/atom above the hull within which a known structure counts as the one of its formula


def summary_sentence(exploration: Exploration, hull: Hull) -> str:
    """The result in one or two sentences."""
    compounds = [hull.phases[i] for i in hull.stable if len(hull.phases[i].counts) > 1]
    new = [phase.formula for phase in compounds if phase.known == "new"]
    near = {
        phase.formula
        for index, phase in enumerate(hull.phases)
        if phase.known not in {"", "new", "other structure"} and hull.above[index] < TIE
    }
    other = [
        phase.formula for phase in compounds if phase.known == "other structure" and phase.formula not in near
    ]
    text = (
        f"{len(compounds)} compound{'' if len(compounds) == 1 else 's'} on the hull after "
        f"{exploration.predicted} predicted formula{'' if exploration.predicted == 1 else 's'}"
    )
    if not any(phase.known for phase in hull.phases):
        return f"{text}."
    parts = [
        f"{name}: {', '.join(formulas)}"
        for name, formulas in (("new formulas", new), ("new structures of known formulas", other))
        if formulas
    ]
    if not parts and compounds:
        return f"{text}, all of them known, within {1000 * TIE:.0f} meV/atom."
    return "; ".join([text, *parts]) + "."


def agreement_sentences(hull: Hull, shown: int = 3) -> tuple[str, ...]:
    """The phases that agree best with the measured pattern, one sentence each; none without a pattern."""
    sentences = []
    for place, index in enumerate(hull.by_agreement[:shown], 1):
        phase = hull.phases[index]
        profile = "" if phase.r_wp is None else f"R_wp {100 * phase.r_wp:.1f} %, "
        sentences.append(
            f"Agreement with the pattern {place}: {phase.formula} {phase.space_group_symbol}, {profile}"
            f"{phase.unexplained_peaks} unexplained peaks, {hull.above[index]:.3f} eV/atom above the hull."
        )
    return tuple(sentences)


def notices(hull: Hull) -> tuple[str, ...]:
    """Sentences that a reader of the hull must know."""
    missing = [hull.phases[i].formula for i in hull.stable if hull.phases[i].source == "known"]
    lower = {
        phase.formula
        for index, phase in enumerate(hull.phases)
        if not phase.trusted and hull.above[index] < 0
    }
    sentences = []
    if missing:
        sentences.append(
            f"The structures of known phases on the hull were not predicted yet: {', '.join(missing)}. "
            "They count with their energies in the table of known phases."
        )
    if lower:
        sentences.append(
            f"Left out of the hull, because the potential may not describe their neighbours: "
            f"{', '.join(sorted(lower))}."
        )
    return tuple(sentences)

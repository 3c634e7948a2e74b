"""Sentences and lines on a hull, for the page and terminals."""

from __future__ import annotations

from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._hull import Hull
from alphacrystal.exploration._table import HullRow, hull_table

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


def hull_lines(exploration: Exploration, pressure_gpa: float | None = None, *, shown: int = 0) -> list[str]:
    """A short table of the phases on the hull, and of the next ones above it.

    Args:
        exploration: An exploration.
        pressure_gpa: One of its pressures; the lowest if None.
        shown: Number of phases above the hull.
    """
    pressure = next(iter(exploration.hulls)) if pressure_gpa is None else pressure_gpa
    hull = exploration.hulls[pressure]
    rows = hull_table(exploration, pressure)
    stable = {hull.phases[index].formula for index in hull.stable} - set(exploration.system.elements)
    on_hull = [row for row in rows if row.formula in stable and row.energy_above_hull_per_atom_ev == 0]
    others = [
        row
        for row in rows
        if row.energy_above_hull_per_atom_ev > 0 and row.formula not in exploration.system.elements
    ]
    where = "" if pressure == 0 else f" at {pressure:g} GPa"
    lines = [f"{exploration.system.name}{where}: {summary_sentence(exploration, hull)}"]
    if on_hull or others[:shown]:
        lines.append(
            f"  {'formula':14s} {'space group':12s} {'E hull':>7s} {'E form':>7s} {'exists':>6s}  known"
        )
    lines += [_line(row) for row in (*on_hull, *others[:shown])]
    return [*lines, *agreement_sentences(hull), *notices(hull)]


def _line(row: HullRow) -> str:
    group = row.space_group_symbol or (f"no. {row.space_group_number}" if row.space_group_number else "")
    exists = "" if row.existence is None else f"{row.existence:.2f}"
    known = row.known if row.source == "predicted" else f"{row.known} (structure not predicted)"
    return (
        f"  {row.formula:14s} {group:12s} {row.energy_above_hull_per_atom_ev:7.3f} "
        f"{row.formation_energy_per_atom_ev:7.3f} {exists:>6s}  {known}"
    )

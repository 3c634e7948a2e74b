"""The hull as lines of text, for terminals."""

from __future__ import annotations

from alphacrystal.exploration._exploration import Exploration
from alphacrystal.exploration._sentences import agreement_sentences, notices, summary_sentence
from alphacrystal.exploration._table import HullRow, hull_table


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

"""Sentences below a ranked list: probability, hull, known structures, dynamic stability, next step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphacrystal.report._summary import SummaryRow

ON_HULL = 0.0015  # eV/atom
MAX_LISTED = 5  # rows that a sentence lists
HEAD = 3  # first rows of which a sentence gives the sum of probabilities
CLEAR = 0.5  # a first row with less probability than this needs more candidates or facts


def second_potential(rows: Sequence[SummaryRow]) -> str:
    """Name of the second potential of a list, "" without one."""
    return next((row.second_potential for row in rows if row.second_potential), "")


def percentage(probability: float) -> str:
    """A probability as per cent, e.g. "62 %"; "<1 %" below half a per cent."""
    value = 100 * probability
    return "<1 %" if value < 0.5 else f"{value:.0f} %"


def list_sentences(rows: Sequence[SummaryRow], titles: Collection[str] = ()) -> list[str]:
    """Sentences below a list.

    Args:
        rows: The list.
        titles: Headings of its table, which need no sentence.
    """
    from alphacrystal.ranking import flag_sentences

    marked = [(row.rank, row.flags.split()) for row in rows]
    sentences = [
        unlisted_sentence(rows),
        hull_sentence(rows),
        prototype_sentence(rows) if "prototype" not in titles else "",
        known_sentence(rows, identifiers="known" not in titles),
        second_sentence(rows),
        *flag_sentences(marked),
        *phonon_sentences(rows),
        *mode_sentences(rows),
    ]
    return [text for text in sentences if text]


def unlisted_sentence(rows: Sequence[SummaryRow]) -> str:
    """The probabilities of the first rows and of "none of these", as a sentence; "" without probabilities."""
    known = [row.probability for row in rows if row.probability is not None]
    if not known or len(known) < len(rows):
        return ""
    none = f"None of these: {percentage(1 - sum(known))}"
    return none if len(known) <= HEAD else f"{none}; rows 1-{HEAD} together: {percentage(sum(known[:HEAD]))}"


def prototype_sentence(rows: Sequence[SummaryRow]) -> str:
    """The first rows whose structure type has a name, as a sentence; "" without one."""
    named = [f"{row.rank} {row.prototype}" for row in rows if row.prototype]
    more = ", ..." if len(named) > MAX_LISTED else ""
    return f"Prototypes: {', '.join(named[:MAX_LISTED])}{more}" if named else ""


def hull_sentence(rows: Sequence[SummaryRow]) -> str:
    """Place of the first row on the convex hull, as a sentence; "" without a reference set."""
    above = rows[0].energy_above_hull_per_atom_ev if rows else None
    if above is None:
        return ""
    if abs(above) < ON_HULL:
        return "Hull: row 1 is stable, on the hull of the known phases"
    place = "above" if above > 0 else "below"
    phases = rows[0].decomposition.removeprefix("1 ")  # one phase alone
    return f"Hull: row 1 is {abs(above):.3f} eV/atom {place} {phases}"


def known_sentence(rows: Sequence[SummaryRow], *, identifiers: bool = True) -> str:
    """The rows that are known structures, as a sentence; "" if no table was used.

    Args:
        rows: The list.
        identifiers: Whether to list the identifiers.
    """
    if not any(row.known for row in rows):
        return ""
    if all(row.known == "new" for row in rows):
        return "Known: the table of known phases does not contain the formula; all rows are new"
    known = [f"{row.rank} ({row.known})" for row in rows if row.known not in ("", "other structure")]
    if not known:
        return "Known: the formula is known, with other structures than these"
    if not identifiers:
        return ""
    more = ", ..." if len(known) > MAX_LISTED else ""
    return (
        f"Known structures: {', '.join(known[:MAX_LISTED])}{more}; other rows: known formula, other structure"
    )


def second_sentence(rows: Sequence[SummaryRow]) -> str:
    """The row of lowest energy by the second potential, as a sentence; "" without one."""
    lowest = next((row.rank for row in rows if row.second_energy_rank == 1), None)
    return "" if lowest is None else f"Second potential {second_potential(rows)}: lowest is row {lowest}"


def phonon_sentences(rows: Sequence[SummaryRow]) -> list[str]:
    """Dynamic stability of the rows with phonons, one sentence each."""
    from alphacrystal.relaxation import IMAGINARY

    sentences = []
    for row in rows:
        lowest, free = row.lowest_frequency_thz, row.vibrational_free_energy_per_atom_ev
        if lowest is None or free is None:
            continue
        state = (
            "dynamically stable"
            if lowest > IMAGINARY
            else f"unstable, imaginary frequency {-lowest:.2f}i THz"
        )
        sentences.append(f"Row {row.rank}: {state}; vibrational free energy {free:+.3f} eV/atom")
    return sentences


def mode_sentences(rows: Sequence[SummaryRow]) -> list[str]:
    """The rows that follow an unstable mode of another row, one sentence each."""
    energies = {row.rank: row.energy_or_enthalpy_ev for row in rows}
    sentences = []
    for row in rows:
        energy = row.energy_or_enthalpy_ev
        above = None if row.mode_of_rank is None else energies.get(row.mode_of_rank)
        if above is not None and energy is not None:
            gain = 1000 * (above - energy)
            sentences.append(
                f"Row {row.rank}: follows the unstable mode of row {row.mode_of_rank}, "
                f"{gain:.0f} meV/atom lower"
            )
    return sentences


def next_step(rows: Sequence[SummaryRow]) -> str:
    """The next step after a list, as a sentence; "" for an empty list."""
    if not rows:
        return ""
    first = rows[0]
    if first.converged is None:
        return "Next: repeat without --no-relax for energies and probabilities"
    check = "check row 1 with DFT or an experiment"
    if first.converged is False:
        return f"Next: row 1 is not converged: raise --steps; then {check}"
    if first.probability is not None and first.probability < CLEAR:
        return f"Next: {check}; facts (--cell, --space-group, --xrd) or --candidates 200 make the list surer"
    stable = "" if first.lowest_frequency_thz is not None else "; --phonons 1 tests its dynamic stability"
    return f"Next: {check}{stable}"

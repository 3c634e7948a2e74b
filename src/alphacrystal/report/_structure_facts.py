"""The facts and the provenance of a structure on the report page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alphacrystal.crystal import group_symbol
from alphacrystal.disorder import PARENT
from alphacrystal.report._events import plain_json
from alphacrystal.report._structure_text import typeset_formula, typeset_symbol

if TYPE_CHECKING:
    from pymatgen.core import Lattice

    from alphacrystal.generate import Candidate
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.report._summary import SummaryRow


# Words for the sources of a hypothesis.
SOURCES = {"type": "known from the training data", "enumerated": "new for this stoichiometry"}


def places_before_relaxation(candidates: Sequence[Candidate]) -> dict[int, tuple[int, int]]:
    """Rank by log-probability, and the number of ranked candidates, of each candidate that has one."""
    known = {
        index: candidate.log_probability
        for index, candidate in enumerate(candidates)
        if candidate.log_probability is not None
    }
    order = sorted(known, key=lambda index: (-known[index], index))
    return {index: (place, len(order)) for place, index in enumerate(order, start=1)}


def facts(row: SummaryRow, ranked: RankedStructure, hermann_mauguin: str | None) -> list[tuple[str, str]]:
    """Names and values of the facts of a structure.

    Args:
        row: Its row of ``summary.csv``.
        ranked: The structure.
        hermann_mauguin: Symbol of its setting in CIF notation, None where it has no name.
    """
    relaxation = ranked.relaxation
    group = _group(row.space_group_symbol, row.space_group_number)
    lines = [
        ("Space group at 0.1 Å", group + _setting(hermann_mauguin)),
        ("Space group at 0.01 Å", _tight_group(row)),
        *([("Prototype", row.prototype)] if row.prototype else []),
        *([("Structure type", row.structure_type)] if row.structure_type else []),
        *([("Known", row.novelty)] if row.novelty else []),
        ("Primitive cell", f"{typeset_formula(row.cell_formula)}, Z = {row.z}"),
        ("Volume", f"{row.volume_per_atom_a3:.3f} Å³/atom"),
        ("Density", f"{float(ranked.structure.density):.3f} g/cm³"),
    ]
    if row.energy_per_atom_ev is not None:
        lines.append(("Energy", f"{row.energy_per_atom_ev:.4f} eV/atom"))
    if row.plain_energy_per_atom_ev is not None:
        lines.append(("Energy without dispersion", f"{row.plain_energy_per_atom_ev:.4f} eV/atom"))
    if row.enthalpy_per_atom_ev is not None:
        lines.append(("Enthalpy", f"{row.enthalpy_per_atom_ev:.4f} eV/atom"))
    if row.formation_energy_per_atom_ev is not None:
        lines.append(("Formation energy", f"{row.formation_energy_per_atom_ev:.4f} eV/atom"))
    if row.energy_above_hull_per_atom_ev is not None:
        lines.append(("Energy above hull", f"{row.energy_above_hull_per_atom_ev:.4f} eV/atom"))
    if row.decomposition:
        lines.append(("Decomposition on the hull", row.decomposition))
    if (fit := ranked.pattern_fit) is not None:
        lines.append(("Cell that fits the pattern", _fitted_cell(fit.structure.lattice)))
    if row.r_wp is not None:
        lines.append(("R_wp", f"{100 * row.r_wp:.1f} %"))
    if row.unexplained_peaks is not None:
        lines.append(("Unexplained peaks", str(row.unexplained_peaks)))
    lines.append(("Chemical rank", str(row.chemical_rank)))
    if row.energy_rank is not None:
        lines.append(("Energy rank", str(row.energy_rank)))
    if relaxation is not None:
        ended = str(relaxation.status) + (f": {relaxation.reason}" if relaxation.reason else "")
        lines.append(("Relaxation", f"{ended} ({relaxation.steps} steps, {relaxation.seconds:.1f} s)"))
        if relaxation.max_force is not None:
            lines.append(("Largest force", f"{relaxation.max_force:.4f} eV/Å"))
        if relaxation.max_stress is not None:
            lines.append(("Largest stress", f"{relaxation.max_stress:.3f} GPa"))
    return lines


def provenance(ranked: RankedStructure, seed: int, place: tuple[int, int] | None) -> list[tuple[str, str]]:
    """Names and values of the provenance of a structure.

    Args:
        ranked: The structure.
        seed: Seed of the run.
        place: Rank of its candidate by log-probability, and the number of ranked candidates.
    """
    candidate, relaxation = ranked.candidate, ranked.relaxation
    lines = [
        ("Generator", candidate.generator),
        ("Candidate", f"no. {ranked.candidate_index}"),
        ("Seed of the run", str(seed)),
    ]
    if place is not None:
        lines.append(("Rank before relaxation", f"{place[0]} of {place[1]}, by log-probability"))
    if candidate.log_probability is not None:
        lines.append(("Log-probability", f"{candidate.log_probability:.4g}"))
    hypothesis = candidate.hypothesis
    if hypothesis is not None:
        letters = ", ".join(f"{element}: {taken}" for element, taken in hypothesis.occupation.items())
        lines += [
            ("Hypothesis", f"space group {hypothesis.space_group}, Z = {hypothesis.formula_units}"),
            ("Wyckoff letters", letters),
            ("Predicted cell", _cell_text(hypothesis.lattice.as_dict())),
            ("Structure type", SOURCES.get(hypothesis.source, hypothesis.source)),
            ("Prior log-probability", f"{hypothesis.log_probability:.4g}"),
        ]
    lines += [
        (name.replace("_", " ").capitalize(), _short(value))
        for name, value in candidate.provenance.items()
        if name != PARENT  # in its section
    ]
    if relaxation is not None:
        before, after = candidate.structure, relaxation.structure
        change = 100 * ((after.volume / len(after)) / (before.volume / len(before)) - 1)
        lines.append(("Volume change on relaxing", f"{change:+.2f} %"))
    if ranked.duplicates:
        lines.append(
            ("Duplicates among the candidates", ", ".join(f"no. {index}" for index in ranked.duplicates))
        )
    return lines


def _cell_text(cell: Mapping[str, float]) -> str:
    lengths = ", ".join(f"{cell[name]:.3f}" for name in ("a", "b", "c"))
    angles = ", ".join(f"{cell[name]:.4g}" for name in ("alpha", "beta", "gamma"))
    return f"{lengths} Å; {angles}°"


def _short(value: object) -> str:
    plain = plain_json(value)
    if isinstance(plain, float):
        return f"{plain:.6g}"
    if isinstance(plain, Mapping):
        return ", ".join(f"{key}: {_short(item)}" for key, item in plain.items())
    if isinstance(plain, list):
        return ", ".join(_short(item) for item in plain)
    return "–" if plain is None else str(plain)


def _setting(hermann_mauguin: str | None) -> str:
    if hermann_mauguin is None:
        return ", non-standard setting"
    return {"2": ", origin choice 2", "H": ", hexagonal axes"}.get(hermann_mauguin.partition(" :")[2], "")


def _group(symbol: str, number: int) -> str:
    return f"{typeset_symbol(symbol)} (no. {number})"


def _tight_group(row: SummaryRow) -> str:
    number = row.space_group_number_tight
    if number is None:
        return "none"
    same = "the same, " if number == row.space_group_number else ""
    return same + _group(group_symbol(number), number)


def _fitted_cell(lattice: Lattice) -> str:
    lengths = ", ".join(f"{value:.4f}" for value in lattice.abc)
    angles = ", ".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in lattice.angles)
    return f"{lengths} Å; {angles}° (primitive)"

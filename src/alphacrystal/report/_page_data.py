"""What the report page shows of each structure, as plain JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.report._asymmetric_unit import asymmetric_unit
from alphacrystal.report._distance_pair import distance_pair
from alphacrystal.report._plain_json import plain_json

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from alphacrystal.generate import Candidate
    from alphacrystal.rank import RankedStructure
    from alphacrystal.relax import Relaxation
    from alphacrystal.report._prediction import Prediction
    from alphacrystal.report._summary import SummaryRow

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def page_data(prediction: Prediction, rows: list[SummaryRow]) -> dict[str, Any]:
    """Everything the page's scripts draw from; lengths in Å, energies in eV/atom."""
    data: dict[str, Any] = plain_json(
        {
            "formula": prediction.formula,
            "relaxed": prediction.potential is not None,
            "structures": [
                _structure(prediction, ranked, row)
                for ranked, row in zip(prediction.ranked, rows, strict=True)
            ],
            "points": _points(prediction),
            "elements": _elements(prediction),
        }
    )
    return data


def poscar_text(structure: Structure) -> str:
    """POSCAR of the conventional cell, atoms grouped by element."""
    from pymatgen.io.vasp.inputs import Poscar

    return str(Poscar(structure.get_sorted_structure()).get_str(significant_figures=10))


def typeset_formula(formula: str) -> str:
    """Counts as subscripts: "TiO2" becomes "TiO₂"."""
    return re.sub(r"(?<=[A-Za-z)\]])\d+", lambda count: count[0].translate(_SUBSCRIPTS), formula)


def typeset_symbol(symbol: str) -> str:
    """Screw axes as subscripts: "P4_2/mnm" becomes "P4₂/mnm"."""
    return re.sub(r"_(\d)", lambda axis: axis[1].translate(_SUBSCRIPTS), symbol)


def _setting(hermann_mauguin: str | None) -> str:
    if hermann_mauguin is None:
        return ", cell as found"
    return {"2": ", origin choice 2", "H": ", hexagonal axes"}.get(hermann_mauguin.partition(" :")[2], "")


def _structure(prediction: Prediction, ranked: RankedStructure, row: SummaryRow) -> dict[str, Any]:
    candidate, relaxation = ranked.candidate, ranked.relaxation
    last = candidate.structure if relaxation is None else relaxation.structure
    pair = distance_pair(last, prediction.distograms)
    cell = ranked.structure
    operations, sites = asymmetric_unit(cell, ranked.space_group_number)
    return {
        "rank": row.rank,
        "title": f"{typeset_formula(row.formula)} · {typeset_symbol(row.space_group_symbol)}",
        "file": row.file.rpartition("/")[2],
        "poscar": poscar_text(cell),
        "cell": np.round(cell.lattice.matrix, 6),
        "parameters": np.round(cell.lattice.parameters, 4),
        "atoms": [
            [site.specie.symbol, *np.round(np.mod(site.frac_coords, 1.0), 6).tolist()] for site in cell
        ],
        "sites": [
            [site.element, site.multiplicity, site.wyckoff_letter or "", *np.round(site.position, 4).tolist()]
            for site in sites
        ],
        "distances": None
        if pair is None
        else {
            "species": pair.species,
            "predicted": np.round(pair.predicted, 3),
            "own": np.round(pair.own, 3),
            "rmse": round(pair.rmse, 3),
        },
        "facts": _facts(row, ranked, _setting(operations.hermann_mauguin)),
        "provenance": _provenance(candidate, ranked, relaxation),
    }


def _facts(row: SummaryRow, ranked: RankedStructure, setting: str) -> list[tuple[str, str]]:
    relaxation = ranked.relaxation
    symbol = typeset_symbol(row.space_group_symbol)
    facts = [
        ("Space group", f"{symbol} (no. {row.space_group_number}){setting}"),
        ("Primitive cell", f"{typeset_formula(row.cell_formula)}, Z = {row.z}"),
        ("Volume", f"{row.volume_per_atom_a3:.3f} Å³/atom"),
        ("Density", f"{float(ranked.structure.density):.3f} g/cm³"),
    ]
    if row.energy_per_atom_ev is not None:
        facts.append(("Energy", f"{row.energy_per_atom_ev:.4f} eV/atom"))
    if row.formation_energy_ev_per_atom is not None:
        facts.append(("Formation energy", f"{row.formation_energy_ev_per_atom:.4f} eV/atom"))
    if row.e_above_hull_ev_per_atom is not None:
        facts.append(("Energy above hull", f"{row.e_above_hull_ev_per_atom:.4f} eV/atom"))
    if row.decomposition:
        facts.append(("Reference set's phases here", row.decomposition))
    facts.append(("Chemical rank", str(row.chemical_rank)))
    if row.energy_rank is not None:
        facts.append(("Energy rank", str(row.energy_rank)))
    if relaxation is not None:
        ended = str(relaxation.status) + (f": {relaxation.reason}" if relaxation.reason else "")
        facts.append(("Relaxation", f"{ended} ({relaxation.steps} steps, {relaxation.seconds:.1f} s)"))
        if relaxation.max_force is not None:
            facts.append(("Largest force", f"{relaxation.max_force:.4f} eV/Å"))
        if relaxation.max_stress is not None:
            facts.append(("Largest stress", f"{relaxation.max_stress:.3f} GPa"))
    return facts


def _provenance(
    candidate: Candidate, ranked: RankedStructure, relaxation: Relaxation | None
) -> list[tuple[str, str]]:
    lines = [("Generator", candidate.generator), ("Candidate", f"no. {ranked.candidate_index}")]
    if candidate.log_probability is not None:
        lines.append(("Log-probability", f"{candidate.log_probability:.4g}"))
    hypothesis = candidate.hypothesis
    if hypothesis is not None:
        letters = ", ".join(f"{element}: {taken}" for element, taken in hypothesis.occupation.items())
        lines += [
            ("Hypothesis", f"space group {hypothesis.space_group}, Z = {hypothesis.formula_units}"),
            ("Wyckoff letters", letters),
            ("Hypothesis from", hypothesis.source),
            ("Prior log-probability", f"{hypothesis.log_probability:.4g}"),
        ]
    lines += [
        (name.replace("_", " ").capitalize(), _short(value)) for name, value in candidate.provenance.items()
    ]
    if relaxation is not None:
        before, after = candidate.structure, relaxation.structure
        change = 100 * ((after.volume / len(after)) / (before.volume / len(before)) - 1)
        lines.append(("Volume change on relaxing", f"{change:+.2f} %"))
    if ranked.duplicates:
        lines.append(
            ("Also reached from candidates", ", ".join(f"no. {index}" for index in ranked.duplicates))
        )
    return lines


def _short(value: object) -> str:
    plain = plain_json(value)
    if isinstance(plain, float):
        return f"{plain:.6g}"
    if isinstance(plain, Mapping):
        return ", ".join(f"{key}: {_short(item)}" for key, item in plain.items())
    if isinstance(plain, list):
        return ", ".join(_short(item) for item in plain)
    return "–" if plain is None else str(plain)


def _points(prediction: Prediction) -> list[dict[str, Any]]:
    """One point per candidate: its volume and its energy (or log-probability where nothing was relaxed)."""
    rank_of = {ranked.candidate_index: ranked.rank for ranked in prediction.ranked}
    points = []
    for index, candidate in enumerate(prediction.candidates):
        relaxation = prediction.relaxations.get(index)
        structure = candidate.structure if relaxation is None else relaxation.structure
        if prediction.potential is not None:
            height = None if relaxation is None or not relaxation.usable else relaxation.energy_per_atom
        else:
            height = candidate.log_probability
        if height is None or not math.isfinite(height):
            continue
        points.append(
            {
                "candidate": index,
                "rank": rank_of.get(index),
                "volume": round(structure.volume / len(structure), 4),
                "height": round(float(height), 5),
                "converged": relaxation is None or relaxation.converged,
                "generator": candidate.generator,
            }
        )
    return points


def _elements(prediction: Prediction) -> dict[str, dict[str, Any]]:
    return drawn_elements(site.specie.symbol for ranked in prediction.ranked for site in ranked.structure)


def drawn_elements(symbols: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour (Jmol), covalent radius in Å (Cordero, doi:10.1039/b801115j) and metal flag by symbol."""
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors
    from pymatgen.core.periodic_table import Element

    elements = {}
    for symbol in sorted(set(symbols)):
        element = Element(symbol)
        red, green, blue = (round(255 * float(part)) for part in jmol_colors[element.Z])
        elements[symbol] = {
            "colour": f"#{red:02x}{green:02x}{blue:02x}",
            "radius": round(float(covalent_radii[element.Z]), 3),
            "metal": bool(element.is_metal),
        }
    return elements

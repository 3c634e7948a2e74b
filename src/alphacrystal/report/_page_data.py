"""The data of the report page as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.plots import drawn_elements
from alphacrystal.report._asymmetric_unit import asymmetric_unit
from alphacrystal.report._chemistry import state_text
from alphacrystal.report._distance_pair import distance_pair, orbit_distance_pair
from alphacrystal.report._events import plain_json
from alphacrystal.report._pattern_fit import fit_facts
from alphacrystal.report._structure_facts import facts, places_before_relaxation, provenance
from alphacrystal.report._structure_text import typeset_formula, typeset_symbol

if TYPE_CHECKING:
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.report._chemistry import Chemistry, SiteChemistry
    from alphacrystal.report._diffraction import Peak
    from alphacrystal.report._prediction import Prediction
    from alphacrystal.report._run_record import RunRecord
    from alphacrystal.report._summary import SummaryRow


_LISTED_BONDS = 6
_SAME_LENGTH = 0.0015  # Å


def page_data(
    prediction: Prediction,
    run: RunRecord,
    rows: list[SummaryRow],
    patterns: Sequence[Sequence[Peak]],
    chemistries: Sequence[Chemistry],
) -> dict[str, Any]:
    """The input of the page's scripts; lengths in Å, energies in eV/atom, angles in degrees."""
    places = places_before_relaxation(prediction.candidates)
    data: dict[str, Any] = plain_json(
        {
            "formula": prediction.formula,
            "relaxed": prediction.potential is not None,
            "quantity": plotted_quantity(prediction.potential is not None, prediction.pressure_gpa),
            "structures": [
                _structure(prediction, ranked, row, pattern)
                | _coordination(chemistry)
                | {"provenance": provenance(ranked, run.seed, places.get(ranked.candidate_index))}
                for ranked, row, pattern, chemistry in zip(
                    prediction.ranked, rows, patterns, chemistries, strict=True
                )
            ],
            "points": _points(prediction),
            "elements": _elements(prediction),
        }
    )
    return data


def _structure(
    prediction: Prediction, ranked: RankedStructure, row: SummaryRow, pattern: Sequence[Peak]
) -> dict[str, Any]:
    pair = distance_pair(ranked.primitive, prediction.distograms)
    for summary in prediction.orbit_distances:
        if summary.candidate_index == ranked.candidate_index:
            pair = orbit_distance_pair(ranked.primitive, summary)
    cell = ranked.structure
    operations, sites = asymmetric_unit(cell, ranked.space_group_number)
    return {
        "rank": row.rank,
        "title": f"{typeset_formula(row.formula)} · {typeset_symbol(row.space_group_symbol)}",
        "file": row.file.rpartition("/")[2],
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
            "actual": np.round(pair.actual, 3),
            "rmse": round(pair.rmse, 3),
            "by_orbits": pair.by_orbits,
        },
        "pattern": [[peak.two_theta, peak.intensity, peak.spacing, peak.indices] for peak in pattern],
        "fit": None if ranked.pattern_fit is None else fit_facts(ranked.pattern_fit),
        "facts": facts(row, ranked, operations.hermann_mauguin),
    }


def _coordination(chemistry: Chemistry) -> dict[str, Any]:
    """Chemical facts, the table of the surroundings of the sites, and the elements of polyhedra."""
    states = chemistry.oxidation_states or {}
    facts = [("Oxidation states", chemistry.charge_balance)]
    if chemistry.global_instability_index is not None:
        facts.append(
            (
                "Global instability index",
                f"{chemistry.global_instability_index:.2f} ({_valences_used(chemistry)})",
            )
        )
    bonds = list(chemistry.shortest_bonds.items())[:_LISTED_BONDS]
    facts += [
        ("Bonded parts", chemistry.dimensionality),
        ("Shortest distances", ", ".join(f"{pair} {distance:.3f} Å" for pair, distance in bonds)),
    ]
    return {
        "chemistry": facts,
        "surroundings": [
            [
                f"{site.element} {site.position}",
                "" if site.oxidation_state is None else state_text(site.oxidation_state),
                "" if site.bond_valence_sum is None else f"{site.bond_valence_sum:.2f}",
                f"{site.coordination_number}",
                site.shape,
                f"{typeset_formula(site.neighbours)} {_distance_range(site)}".strip(),
            ]
            for site in chemistry.sites
        ],
        "centres": [symbol for symbol, state in states.items() if state > 0],
        "corners": [symbol for symbol, state in states.items() if state < 0],
    }


def _valences_used(chemistry: Chemistry) -> str:
    approximate = ", ".join(chemistry.approximate_valences)
    return f"bond valences; approximate: {approximate}" if approximate else "bond valences"


def _distance_range(site: SiteChemistry) -> str:
    if site.shortest is None or site.longest is None:
        return ""
    if site.longest - site.shortest < _SAME_LENGTH:
        return f"{site.shortest:.3f} Å"
    return f"{site.shortest:.3f}-{site.longest:.3f} Å"


def plotted_quantity(relaxed: bool, pressure_gpa: float) -> str:
    """The label of the axis that a run's candidates are plotted on against their volumes."""
    if not relaxed:
        return "log-probability"
    return "energy (eV/atom)" if pressure_gpa == 0 else "enthalpy (eV/atom)"


def _points(prediction: Prediction) -> list[dict[str, Any]]:
    """One point per candidate: volume, and energy or (without relaxation) log-probability."""
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

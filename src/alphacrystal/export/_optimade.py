"""Structures as the answer of an OPTIMADE API, version 1.2 (Evans et al., doi:10.1039/D4DD00039K)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alphacrystal import __version__
from alphacrystal.report import plain_json

if TYPE_CHECKING:
    from alphacrystal.export._listed import ListedStructure
    from alphacrystal.report import RunSummary

API_VERSION = "1.2.0"
PREFIX = "_alphacrystal_"  # of properties that OPTIMADE does not define
OWN_PROPERTIES = (
    "rank",
    "probability",
    "energy_per_atom_ev",
    "formation_energy_per_atom_ev",
    "energy_above_hull_per_atom_ev",
    "known",
    "converged",
)


def optimade_json(run: RunSummary, listed: Sequence[ListedStructure]) -> str:
    """The text of an OPTIMADE response with one entry of the type "structures" for each structure."""
    document = {
        "data": [_entry(item) for item in listed],
        "meta": {
            "api_version": API_VERSION,
            "query": {"representation": "/structures"},
            "more_data_available": False,
            "data_returned": len(listed),
            "implementation": {"name": "AlphaCrystal", "version": __version__},
            "provider": {
                "name": "AlphaCrystal",
                "description": f"Predicted structures of {run.formula}",
                "prefix": PREFIX.strip("_"),
            },
        },
    }
    return json.dumps(plain_json(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _entry(item: ListedStructure) -> dict[str, Any]:
    structure, row = item.structure, item.row
    counts = {symbol: round(count) for symbol, count in structure.composition.get_el_amt_dict().items()}
    elements = sorted(counts)
    total = sum(counts.values())
    reduced, _ = structure.composition.get_integer_formula_and_factor()
    shares = structure.composition.reduced_composition.get_el_amt_dict()
    ordered = sorted((round(share) for share in shares.values()), reverse=True)
    letters = [chr(ord("A") + place) for place in range(len(ordered))]
    attributes: dict[str, Any] = {
        "immutable_id": None,
        "last_modified": None,
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [counts[symbol] / total for symbol in elements],
        "chemical_formula_descriptive": reduced,
        "chemical_formula_reduced": "".join(_part(symbol, round(shares[symbol])) for symbol in elements),
        "chemical_formula_anonymous": "".join(map(_part, letters, ordered)),
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": structure.lattice.matrix.round(10).tolist(),
        "cartesian_site_positions": structure.cart_coords.round(10).tolist(),
        "nsites": len(structure),
        "species_at_sites": [site.specie.symbol for site in structure],
        "species": [
            {"name": symbol, "chemical_symbols": [symbol], "concentration": [1.0]} for symbol in elements
        ],
        "space_group_it_number": row.space_group_number,
        "structure_features": [],
    }
    attributes |= {f"{PREFIX}{name}": getattr(row, name) for name in OWN_PROPERTIES}
    return {"type": "structures", "id": item.name, "attributes": attributes}


def _part(symbol: str, count: int) -> str:
    return symbol + (str(count) if count > 1 else "")

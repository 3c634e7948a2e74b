"""From relaxed candidates to the final list: duplicates merged, both ranks, the default order."""

from alphacrystal.ranking._energy_reference import EnergyReference
from alphacrystal.ranking._evidence import LIST_INPUTS, ROW_INPUTS, list_evidence, row_evidence
from alphacrystal.ranking._hull import DecompositionProduct, HullReference, read_hull_reference
from alphacrystal.ranking._order import ORDERS, likely_order, rank_candidates
from alphacrystal.ranking._ranked import RankedStructure
from alphacrystal.ranking._transitions import (
    PhaseEnthalpies,
    PhaseRange,
    distances_from_lowest,
    lowest_phases,
)

__all__ = [
    "LIST_INPUTS",
    "ORDERS",
    "ROW_INPUTS",
    "DecompositionProduct",
    "EnergyReference",
    "HullReference",
    "PhaseEnthalpies",
    "PhaseRange",
    "RankedStructure",
    "distances_from_lowest",
    "likely_order",
    "list_evidence",
    "lowest_phases",
    "rank_candidates",
    "read_hull_reference",
    "row_evidence",
]

"""From relaxed candidates to the final list: duplicates merged, both ranks, the default order."""

from alphacrystal.ranking._energy_reference import EnergyReference
from alphacrystal.ranking._hull import DecompositionProduct, HullReference, read_hull_reference
from alphacrystal.ranking._order import (
    ENERGY_SCALE,
    ORDERS,
    UNCONVERGED_PENALTY,
    combined_cost,
    combined_order,
    likely_order,
    rank_candidates,
)
from alphacrystal.ranking._ranked import RankedStructure

__all__ = [
    "ENERGY_SCALE",
    "ORDERS",
    "UNCONVERGED_PENALTY",
    "DecompositionProduct",
    "EnergyReference",
    "HullReference",
    "RankedStructure",
    "combined_cost",
    "combined_order",
    "likely_order",
    "rank_candidates",
    "read_hull_reference",
]

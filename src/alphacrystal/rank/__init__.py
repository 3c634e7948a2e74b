"""From relaxed candidates to the final list: duplicates merged, both ranks, the default order."""

from alphacrystal.rank._deduplicate import SameCrystal, group_duplicates, neighbour_fingerprint
from alphacrystal.rank._order import rank_candidates
from alphacrystal.rank._ranked import RankedStructure

__all__ = ["RankedStructure", "SameCrystal", "group_duplicates", "neighbour_fingerprint", "rank_candidates"]

"""From relaxed candidates to the final list: duplicates merged, both ranks, the default order."""

from alphacrystal.ranking._bonds import (
    NeighbourDistances,
    collect_pairs,
    has_unknown_neighbours,
    known_pairs,
    neighbour_pairs,
    pairs_csv,
)
from alphacrystal.ranking._energy_reference import EnergyReference
from alphacrystal.ranking._evidence import (
    LIST_INPUTS,
    ROW_INPUTS,
    energy_parts,
    list_evidence,
    most_probable,
    row_evidence,
)
from alphacrystal.ranking._flags import (
    FLAGS,
    MAGNETIC,
    POLYMORPH_ERRORS,
    flag_sentences,
    flags,
    is_low_dimensional,
    with_close_energies,
)
from alphacrystal.ranking._hull import (
    DecompositionProduct,
    HullReference,
    hull_of_known_phases,
    read_hull_reference,
)
from alphacrystal.ranking._order import likely_order, rank_candidates, row_probabilities
from alphacrystal.ranking._pattern_evidence import (
    NONE_INPUTS,
    PATTERN_INPUTS,
    none_evidence,
    pattern_evidence,
    pattern_probabilities,
)
from alphacrystal.ranking._phase_collection import collect_phases, ground_state
from alphacrystal.ranking._phase_table import (
    KnownPhase,
    known_phases,
    matching_phase,
    phase_table,
    table_facts,
    type_label,
    write_phase_table,
)
from alphacrystal.ranking._ranked import MEASURED_CELL, MODE_OF, SEED, RankedStructure, SecondEnergy, novelty
from alphacrystal.ranking._transitions import (
    PhaseEnthalpies,
    PhaseRange,
    distances_from_lowest,
    lowest_phases,
)

__all__ = [
    "FLAGS",
    "LIST_INPUTS",
    "MAGNETIC",
    "MEASURED_CELL",
    "MODE_OF",
    "NONE_INPUTS",
    "PATTERN_INPUTS",
    "POLYMORPH_ERRORS",
    "ROW_INPUTS",
    "SEED",
    "DecompositionProduct",
    "EnergyReference",
    "HullReference",
    "KnownPhase",
    "NeighbourDistances",
    "PhaseEnthalpies",
    "PhaseRange",
    "RankedStructure",
    "SecondEnergy",
    "collect_pairs",
    "collect_phases",
    "distances_from_lowest",
    "energy_parts",
    "flag_sentences",
    "flags",
    "ground_state",
    "has_unknown_neighbours",
    "hull_of_known_phases",
    "is_low_dimensional",
    "known_pairs",
    "known_phases",
    "likely_order",
    "list_evidence",
    "lowest_phases",
    "matching_phase",
    "most_probable",
    "neighbour_pairs",
    "none_evidence",
    "novelty",
    "pairs_csv",
    "pattern_evidence",
    "pattern_probabilities",
    "phase_table",
    "rank_candidates",
    "read_hull_reference",
    "row_evidence",
    "row_probabilities",
    "table_facts",
    "type_label",
    "with_close_energies",
    "write_phase_table",
]

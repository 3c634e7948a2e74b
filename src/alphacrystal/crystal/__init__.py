"""Crystal geometry: periodic distances, Wyckoff positions, standard cells, lattices."""

from alphacrystal.crystal._cells import SymmetryDescription, describe_symmetry, lattice_parameters, standard_structure
from alphacrystal.crystal._distances import min_image_distances, minkowski_reduced, shortest_self_distance
from alphacrystal.crystal._enumerate import can_place, placeable_units, wyckoff_assignments
from alphacrystal.crystal._hypothesis import LatticeParameters, SymmetryHypothesis
from alphacrystal.crystal._lattices import FREE_PARAMETERS, cell_matrices, constrain
from alphacrystal.crystal._wyckoff import (
    SpaceGroup,
    WyckoffPosition,
    canonical_setting,
    letter_index,
    multiplicities,
    raw_wyckoff_table,
    sorted_letters,
    space_group,
    wyckoff_positions,
)

__all__ = [
    "FREE_PARAMETERS",
    "LatticeParameters",
    "SpaceGroup",
    "SymmetryDescription",
    "SymmetryHypothesis",
    "WyckoffPosition",
    "can_place",
    "canonical_setting",
    "cell_matrices",
    "constrain",
    "describe_symmetry",
    "lattice_parameters",
    "letter_index",
    "min_image_distances",
    "minkowski_reduced",
    "multiplicities",
    "placeable_units",
    "raw_wyckoff_table",
    "shortest_self_distance",
    "sorted_letters",
    "space_group",
    "standard_structure",
    "wyckoff_assignments",
    "wyckoff_positions",
]

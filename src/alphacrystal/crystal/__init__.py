"""Crystal geometry: periodic distances, Wyckoff positions, standard cells, lattices."""

from alphacrystal.crystal._cells import (
    SymmetryDescription,
    cell_parameters,
    describe_symmetry,
    lattice_parameters,
    obeys_system,
    standard_structure,
)
from alphacrystal.crystal._distances import (
    NEIGHBOUR_IMAGES,
    SAME_DISTANCE,
    distance_levels,
    min_image_distances,
    minkowski_reduced,
    shortest_self_distance,
)
from alphacrystal.crystal._distogram import Distogram
from alphacrystal.crystal._encoding import CrystalEncoding, encode
from alphacrystal.crystal._enumerate import can_place, placeable_units, wyckoff_assignments
from alphacrystal.crystal._hypothesis import LatticeParameters, SymmetryHypothesis
from alphacrystal.crystal._lattices import (
    FREE_SHAPE,
    LARGEST_COSINE,
    SHAPE,
    SMALLEST_SQUARE,
    cell_matrices,
    cell_shape,
    constrained_shape,
    shape_to_cell,
)
from alphacrystal.crystal._primitive_orbits import PrimitiveOrbit, primitive_orbits
from alphacrystal.crystal._wyckoff import (
    SpaceGroup,
    WyckoffPosition,
    canonical_setting,
    free_coordinates,
    letter_index,
    multiplicities,
    raw_wyckoff_table,
    sorted_letters,
    space_group,
    wyckoff_positions,
)

__all__ = [
    "FREE_SHAPE",
    "LARGEST_COSINE",
    "NEIGHBOUR_IMAGES",
    "SAME_DISTANCE",
    "SHAPE",
    "SMALLEST_SQUARE",
    "CrystalEncoding",
    "Distogram",
    "LatticeParameters",
    "PrimitiveOrbit",
    "SpaceGroup",
    "SymmetryDescription",
    "SymmetryHypothesis",
    "WyckoffPosition",
    "can_place",
    "canonical_setting",
    "cell_matrices",
    "cell_parameters",
    "cell_shape",
    "constrained_shape",
    "describe_symmetry",
    "distance_levels",
    "encode",
    "free_coordinates",
    "lattice_parameters",
    "letter_index",
    "min_image_distances",
    "minkowski_reduced",
    "multiplicities",
    "obeys_system",
    "placeable_units",
    "primitive_orbits",
    "raw_wyckoff_table",
    "shape_to_cell",
    "shortest_self_distance",
    "sorted_letters",
    "space_group",
    "standard_structure",
    "wyckoff_assignments",
    "wyckoff_positions",
]

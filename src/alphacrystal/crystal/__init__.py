"""Crystal geometry: periodic distances, Wyckoff positions, standard cells, lattices."""

from alphacrystal.crystal._cells import (
    SymmetryDescription,
    cell_parameters,
    describe_symmetry,
    lattice_parameters,
    obeys_system,
    standard_structure,
)
from alphacrystal.crystal._contacts import CONTACT_FACTOR, contact_limits
from alphacrystal.crystal._distances import (
    NEIGHBOUR_IMAGES,
    SAME_DISTANCE,
    distance_levels,
    min_image_distances,
    minkowski_reduced,
    shortest_self_distance,
)
from alphacrystal.crystal._distogram import Distogram
from alphacrystal.crystal._duplicates import SameCrystal, group_duplicates, neighbour_fingerprint
from alphacrystal.crystal._encoding import AtomSites, CrystalEncoding, atom_sites, encode, primitive_members
from alphacrystal.crystal._enumerate import can_place, first_assignments, placeable_units, wyckoff_assignments
from alphacrystal.crystal._exchange import StructureLike, as_atoms, as_structure, as_structures
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
from alphacrystal.crystal._orbit_parameters import orbit_parameters
from alphacrystal.crystal._plausible import implausible
from alphacrystal.crystal._primitive_orbits import PrimitiveOrbit, primitive_orbits
from alphacrystal.crystal._wyckoff import (
    LETTERS,
    SpaceGroup,
    WyckoffPosition,
    canonical_letters,
    canonical_setting,
    crystal_system,
    free_coordinates,
    group_symbol,
    lattice_points,
    letter_index,
    multiplicities,
    raw_wyckoff_table,
    sorted_letters,
    space_group,
    wyckoff_positions,
)

__all__ = [
    "CONTACT_FACTOR",
    "FREE_SHAPE",
    "LARGEST_COSINE",
    "LETTERS",
    "NEIGHBOUR_IMAGES",
    "SAME_DISTANCE",
    "SHAPE",
    "SMALLEST_SQUARE",
    "AtomSites",
    "CrystalEncoding",
    "Distogram",
    "LatticeParameters",
    "PrimitiveOrbit",
    "SameCrystal",
    "SpaceGroup",
    "StructureLike",
    "SymmetryDescription",
    "SymmetryHypothesis",
    "WyckoffPosition",
    "as_atoms",
    "as_structure",
    "as_structures",
    "atom_sites",
    "can_place",
    "canonical_letters",
    "canonical_setting",
    "cell_matrices",
    "cell_parameters",
    "cell_shape",
    "constrained_shape",
    "contact_limits",
    "crystal_system",
    "describe_symmetry",
    "distance_levels",
    "encode",
    "first_assignments",
    "free_coordinates",
    "group_duplicates",
    "group_symbol",
    "implausible",
    "lattice_parameters",
    "lattice_points",
    "letter_index",
    "min_image_distances",
    "minkowski_reduced",
    "multiplicities",
    "neighbour_fingerprint",
    "obeys_system",
    "orbit_parameters",
    "placeable_units",
    "primitive_members",
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

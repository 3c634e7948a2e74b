"""Structure files of all formats: one reader, and one set of checks that every structure passes."""

from alphacrystal.data.structure_files._checks import CrystalRead, atoms_overlap, checked_crystal, close_pairs
from alphacrystal.data.structure_files._read import is_structure_file, read_crystals

__all__ = [
    "CrystalRead",
    "atoms_overlap",
    "checked_crystal",
    "close_pairs",
    "is_structure_file",
    "read_crystals",
]

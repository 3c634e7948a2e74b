"""Crystal geometry: periodic distances, Wyckoff positions, standard cells, lattices."""

from alphacrystal.crystal._hypothesis import LatticeParameters, SymmetryHypothesis

__all__ = ["LatticeParameters", "SymmetryHypothesis"]

"""Generators: ways to propose crystal structures for a composition, behind one protocol."""

from alphacrystal.generate._candidate import Candidate, Generator
from alphacrystal.generate._distance_matrix import DistanceMatrixGenerator

__all__ = ["Candidate", "DistanceMatrixGenerator", "Generator"]

"""Generators: ways to propose crystal structures for a composition, behind one protocol."""

from alphacrystal.generate._budget import Budget, EnergyFunction
from alphacrystal.generate._candidate import Candidate, Generator
from alphacrystal.generate._distance_matrix import DistanceMatrixGenerator
from alphacrystal.generate._random_symmetric import RandomSymmetricGenerator

__all__ = [
    "Budget",
    "Candidate",
    "DistanceMatrixGenerator",
    "EnergyFunction",
    "Generator",
    "RandomSymmetricGenerator",
]

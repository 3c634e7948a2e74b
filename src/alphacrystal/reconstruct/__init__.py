"""DMCrystal: from a distogram, a space group with Wyckoff letters and a cell to a crystal structure."""

from alphacrystal.reconstruct._alternatives import (
    improve_by_assembly,
    improve_from_prototypes,
    reconstruct_from_prototypes,
)
from alphacrystal.reconstruct._evaluate import crystal_fitness, fitness_function
from alphacrystal.reconstruct._fitness import FitnessName
from alphacrystal.reconstruct._rebuild import MatrixQuality, RebuiltCrystal, rebuild
from alphacrystal.reconstruct._search import Reconstruction, SearchSettings, reconstruct

__all__ = [
    "FitnessName",
    "MatrixQuality",
    "RebuiltCrystal",
    "Reconstruction",
    "SearchSettings",
    "crystal_fitness",
    "fitness_function",
    "improve_by_assembly",
    "improve_from_prototypes",
    "rebuild",
    "reconstruct",
    "reconstruct_from_prototypes",
]

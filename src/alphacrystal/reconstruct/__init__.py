"""DMCrystal: from a distogram, a space group with Wyckoff letters and a cell to a crystal structure."""

from alphacrystal.reconstruct._assembled import with_assembly
from alphacrystal.reconstruct._evaluate import fitness_function
from alphacrystal.reconstruct._fitness import FitnessName
from alphacrystal.reconstruct._rebuild import MatrixQuality, Rebuilt, rebuild
from alphacrystal.reconstruct._remembered import remembered
from alphacrystal.reconstruct._search import Reconstruction, SearchSettings, reconstruct

__all__ = [
    "FitnessName",
    "MatrixQuality",
    "Rebuilt",
    "Reconstruction",
    "SearchSettings",
    "fitness_function",
    "rebuild",
    "reconstruct",
    "remembered",
    "with_assembly",
]

"""Generators: ways to propose crystal structures for a composition, behind one protocol."""

from alphacrystal.generate._budget import Budget, EnergyFunction
from alphacrystal.generate._candidate import Candidate, Generator
from alphacrystal.generate._contact_map import ContactMapGenerator, small_units
from alphacrystal.generate._distance_matrix import DistanceMatrixGenerator
from alphacrystal.generate._gnoa import DEFAULT_BUDGET, GnoaGenerator
from alphacrystal.generate._gnoa_search import SearchName, require_parzen
from alphacrystal.generate._random_symmetric import RandomSymmetricGenerator
from alphacrystal.generate._template import Similarity, TemplateGenerator
from alphacrystal.generate._template_library import TemplateLibrary

__all__ = [
    "DEFAULT_BUDGET",
    "Budget",
    "Candidate",
    "ContactMapGenerator",
    "DistanceMatrixGenerator",
    "EnergyFunction",
    "Generator",
    "GnoaGenerator",
    "RandomSymmetricGenerator",
    "SearchName",
    "Similarity",
    "TemplateGenerator",
    "TemplateLibrary",
    "require_parzen",
    "small_units",
]

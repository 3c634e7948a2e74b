"""Generators: ways to propose crystal structures for a composition, behind one protocol."""

from alphacrystal.generate.generators.contact_map import ContactMapGenerator
from alphacrystal.generate.generators.distance_matrix import DistanceMatrixGenerator
from alphacrystal.generate.generators.gnoa import DEFAULT_BUDGET, GnoaGenerator
from alphacrystal.generate.generators.random_symmetric import RandomSymmetricGenerator
from alphacrystal.generate.generators.template import Similarity, TemplateGenerator
from alphacrystal.generate.gnoa.search import SearchName
from alphacrystal.generate.protocol import Budget, Candidate, EnergyFunction, Generator
from alphacrystal.generate.registry import (
    GENERATORS,
    GeneratorContext,
    GeneratorSpec,
    build_generator,
    register,
)
from alphacrystal.generate.template_library import TemplateLibrary

__all__ = [
    "DEFAULT_BUDGET",
    "GENERATORS",
    "Budget",
    "Candidate",
    "ContactMapGenerator",
    "DistanceMatrixGenerator",
    "EnergyFunction",
    "Generator",
    "GeneratorContext",
    "GeneratorSpec",
    "GnoaGenerator",
    "RandomSymmetricGenerator",
    "SearchName",
    "Similarity",
    "TemplateGenerator",
    "TemplateLibrary",
    "build_generator",
    "register",
]

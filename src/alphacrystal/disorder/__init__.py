"""Disordered crystals: ordered approximants by symmetric enumeration, and the entropy of mixing."""

from alphacrystal.disorder._approximants import (
    Approximants,
    ApproximatedAssembly,
    ApproximatedGroup,
    ApproximatedSite,
    Ordering,
    approximant_formula,
    ordered_approximants,
)
from alphacrystal.disorder._facts import (
    ARRANGEMENTS,
    BOLTZMANN,
    PARENT,
    AssemblyOccupancies,
    Disorder,
    GroupOccupancy,
    SiteOccupancies,
    disorder_facts,
)
from alphacrystal.disorder._solid_solution import AlloyLattice, alloy_structure, solid_solution

__all__ = [
    "ARRANGEMENTS",
    "BOLTZMANN",
    "PARENT",
    "AlloyLattice",
    "Approximants",
    "ApproximatedAssembly",
    "ApproximatedGroup",
    "ApproximatedSite",
    "AssemblyOccupancies",
    "Disorder",
    "GroupOccupancy",
    "Ordering",
    "SiteOccupancies",
    "alloy_structure",
    "approximant_formula",
    "disorder_facts",
    "ordered_approximants",
    "solid_solution",
]

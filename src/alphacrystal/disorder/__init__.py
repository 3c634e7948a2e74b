"""Disordered crystals: ordered approximants by symmetric enumeration, and the entropy of mixing."""

from alphacrystal.disorder._alloys import AlloyLattice, alloy_structure
from alphacrystal.disorder._approximants import (
    Approximants,
    ApproximatedSite,
    Ordering,
    approximant_formula,
    ordered_approximants,
)
from alphacrystal.disorder._entropy import BOLTZMANN
from alphacrystal.disorder._facts import ARRANGEMENTS, PARENT, Disorder, SiteOccupancies, disorder_facts

__all__ = [
    "ARRANGEMENTS",
    "BOLTZMANN",
    "PARENT",
    "AlloyLattice",
    "Approximants",
    "ApproximatedSite",
    "Disorder",
    "Ordering",
    "SiteOccupancies",
    "alloy_structure",
    "approximant_formula",
    "disorder_facts",
    "ordered_approximants",
]

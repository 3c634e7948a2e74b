"""Disordered crystals: ordered approximants by symmetric enumeration, and the entropy of mixing."""

from alphacrystal.disorder._approximants import (
    ApproximatedSite,
    Approximants,
    Ordering,
    approximant_content,
    approximation_sentence,
    ordered_approximants,
)
from alphacrystal.disorder._entropy import BOLTZMANN

__all__ = [
    "BOLTZMANN",
    "ApproximatedSite",
    "Approximants",
    "Ordering",
    "approximant_content",
    "approximation_sentence",
    "ordered_approximants",
]

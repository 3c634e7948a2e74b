"""Generators: ways to propose crystal structures for a composition, behind one protocol."""

from alphacrystal.generate._candidate import Candidate, Generator

__all__ = ["Candidate", "Generator"]

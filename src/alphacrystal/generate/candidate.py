"""Candidates: full structures with provenance; the protocol of generators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.crystal import SymmetryHypothesis


@dataclass(frozen=True, slots=True)
class Candidate:
    """A crystal structure before relaxation.

    Attributes:
        structure: Primitive cell, ordered, no site properties.
        generator: Name of the generator that made it, e.g. "distance_matrix".
        log_probability: Natural log of prior × geometry, or None where the generator has no such score;
            comparable within one composition only.
        hypothesis: The symmetry hypothesis it was built from, if any.
        provenance: Plain JSON values that tell how it was made (seed, fitness, template id, ...).
    """

    structure: Structure
    generator: str
    log_probability: float | None
    hypothesis: SymmetryHypothesis | None = None
    provenance: dict[str, object] = field(default_factory=dict)


class Generator(Protocol):
    """A way to propose crystal structures for a composition."""

    @property
    def name(self) -> str:
        """Name in the provenance of its candidates."""
        ...

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, best first."""
        ...

"""A value, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from alphacrystal.errors import AlphaCrystalError


class NotComparableError(AlphaCrystalError):
    """Two structures that a metric cannot compare; the text is the clause after "not comparable, because"."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of one pair.

    Attributes:
        value: In the unit of the metric; None where it cannot be had.
        reason: None, or "not comparable, because ...".
    """

    value: float | None
    reason: str | None = None

    @classmethod
    def missing(cls, clause: str) -> Measured:
        """No value, with the clause that says why."""
        return cls(None, f"not comparable, because {clause}")

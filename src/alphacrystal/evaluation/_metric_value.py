"""A value, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from alphacrystal.errors import AlphaCrystalError


class NotComparableError(AlphaCrystalError):
    """Two structures that a metric cannot compare; the text is the clause after "not comparable, because"."""


class NotComputedError(AlphaCrystalError):
    """A computation that takes too many steps; the text is the clause after "not computed: "."""


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One metric of one pair.

    Attributes:
        value: In the unit of the metric; None where there is none.
        reason: None, "not comparable, because ...", or "not computed: ..." where a limit was reached.
    """

    value: float | None
    reason: str | None = None

    @classmethod
    def missing(cls, clause: str) -> MetricValue:
        """No value, with the clause that says why the metric does not exist for the pair."""
        return cls(None, f"not comparable, because {clause}")

    @classmethod
    def not_computed(cls, clause: str) -> MetricValue:
        """No value, with the clause that says which limit the computation reached."""
        return cls(None, f"not computed: {clause}")

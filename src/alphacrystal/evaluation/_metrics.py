"""Every metric of a pair: its name, its unit, its family, its invariant form and its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alphacrystal.errors import AlphaCrystalError, InputError


@dataclass(frozen=True, slots=True)
class Metric:
    """One distance between a predicted and a target structure.

    Attributes:
        name: Key in tables and JSON.
        family: Metrics with a common computation; "energy" needs a potential.
        unit: "" for pure numbers.
        invariant: Name of the form that depends on neither origin, cell, orientation nor order of atoms and
            that respects elements; the same name for such a form; None if there is none.
        larger_is_better: Of the overlaps.
    """

    name: str
    family: str
    unit: str
    invariant: str | None
    larger_is_better: bool = False


_ALL = (
    # CSPBenchMetrics, under its names in lower case; superpose_old is the one before March 2024.
    Metric("energy_distance", "energy", "eV", "energy_distance_per_atom"),
    Metric("wyckoff_rmse", "rows", "", "wyckoff_rmse_invariant"),
    Metric("wyckoff_mae", "rows", "", "wyckoff_mae_invariant"),
    Metric("rms_anonymous", "anonymous_matching", "", "rms_dist"),
    Metric("rms_dist", "matching", "", "rms_dist"),
    Metric("sinkhorn_dist", "points", "Å", "sinkhorn_invariant"),
    Metric("chamfer_dist", "points", "Å", "chamfer_invariant"),
    Metric("hausdorff_dist", "points", "Å", "hausdorff_invariant"),
    Metric("superpose_rmsd", "points", "Å", "superpose_invariant"),
    Metric("edit_graph_distance", "graphs", "", "edit_graph_invariant"),
    Metric("fingerprint", "environments", "", "fingerprint_by_element"),
    Metric("xrd_dist", "diffraction", "", "xrd_dist_invariant"),
    Metric("ofm_dist", "orbitals", "", "ofm_dist"),
    Metric("superpose_old", "points", "Å", "superpose_invariant"),
    # Of the paper beyond these.
    Metric("wyckoff_mse", "rows", "", "wyckoff_mse_invariant"),
    Metric("distance_map_overlap", "maps", "", "distance_map_overlap_invariant", larger_is_better=True),
    Metric("distance_map_f1", "maps", "", None, larger_is_better=True),
    # The forms to judge by.
    Metric("energy_distance_per_atom", "energy", "eV/atom", "energy_distance_per_atom"),
    Metric("superpose_invariant", "superpositions", "Å", "superpose_invariant"),
    Metric("sinkhorn_invariant", "superpositions", "Å", "sinkhorn_invariant"),
    Metric("chamfer_invariant", "superpositions", "Å", "chamfer_invariant"),
    Metric("hausdorff_invariant", "superpositions", "Å", "hausdorff_invariant"),
    Metric("wyckoff_mse_invariant", "superpositions", "", "wyckoff_mse_invariant"),
    Metric("wyckoff_rmse_invariant", "superpositions", "", "wyckoff_rmse_invariant"),
    Metric("wyckoff_mae_invariant", "superpositions", "", "wyckoff_mae_invariant"),
    Metric("edit_graph_invariant", "superpositions", "", "edit_graph_invariant"),
    Metric("fingerprint_by_element", "environments", "", "fingerprint_by_element"),
    Metric("xrd_dist_invariant", "diffraction", "", "xrd_dist_invariant"),
    Metric(
        "distance_map_overlap_invariant",
        "superpositions",
        "",
        "distance_map_overlap_invariant",
        larger_is_better=True,
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

_CSPBENCH = tuple(metric.name for metric in _ALL[:13])
#: The eight of section 2.5 of the paper.
_PAPER = (
    "superpose_rmsd",
    "energy_distance",
    "sinkhorn_dist",
    "fingerprint",
    "ofm_dist",
    "wyckoff_mse",
    "wyckoff_rmse",
    "distance_map_overlap",
)
#: Sets of metrics by name; "paper" and "cspbench" include the invariant form of each.
METRIC_SETS: dict[str, tuple[str, ...]] = {
    "all": tuple(METRICS),
    "paper": _PAPER,
    "cspbench": _CSPBENCH,
    "invariant": tuple(metric.name for metric in _ALL if metric.invariant == metric.name),
}


def metric_names(words: str | Sequence[str]) -> list[str]:
    """Names of metrics from names and sets ("all", "paper", "cspbench", "invariant", "none"), in table order.

    The names include the invariant form of each metric.

    Raises:
        InputError: A word is neither; the message lists the names and sets.
    """
    if isinstance(words, str):
        words = [word.strip().lower() for word in words.split(",") if word.strip()]
    wanted: set[str] = set()
    for word in words:
        if word in METRIC_SETS:
            wanted |= set(METRIC_SETS[word])
        elif word in METRICS:
            wanted.add(word)
        elif word != "none":
            raise InputError(
                f"There is no metric named {word!r}; give some of {', '.join(METRICS)}, or a set: "
                f"{', '.join(METRIC_SETS)}, none."
            )
    wanted |= {form for name in wanted if (form := METRICS[name].invariant) is not None}
    return [name for name in METRICS if name in wanted]


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

"""`alphacrystal benchmark prototypes`: the table of prototypes against known crystals."""

from __future__ import annotations

from alphacrystal_bench.harness.options import RequiredRecords
from alphacrystal_bench.harness.registry import Result, Run, register


@register("prototypes", title="Prototypes", page="known_crystals.prototypes", needs_data=True)
def prototypes(run: Run, data: RequiredRecords) -> Result:
    """Labels and names of the prototype table, checked with known crystals of its compounds."""
    from alphacrystal_bench.known_crystals.prototypes import benchmark_prototypes

    return benchmark_prototypes(data)

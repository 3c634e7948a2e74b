"""Experimental compounds of the validation split by size of the primitive cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alphacrystal.data import StructureRecord
from alphacrystal.typing import Progress
from alphacrystal_bench.cspbench.run import compounds_of
from alphacrystal_bench.harness.pages import fact_line, page_text
from alphacrystal_bench.harness.rows import sample
from alphacrystal_bench.known_crystals.lists import ListSettings, predicted_rows
from alphacrystal_bench.known_crystals.page import list_sections, run_details
from alphacrystal_bench.known_crystals.tables import SIZES, size_class, tables
from alphacrystal_bench.models.subsets import reference_records


def benchmark_validation_sizes(
    records: Iterable[StructureRecord],
    settings: ListSettings,
    out: Path,
    on_progress: Progress,
    *,
    per_class: int,
    classes: Sequence[str] = tuple(SIZES),
) -> dict[str, Any]:
    """Predict experimental validation compounds of each size class.

    Args:
        records: Records with a split.
        settings: Settings of the run.
        out: Folder of finished compounds and run folders.
        on_progress: Called with (stage, done, total).
        per_class: Compounds of each size class, drawn at random; a larger number adds to a smaller one.
        classes: Names of the size classes.
    """
    chosen = validation_records(records, per_class, settings.seed, classes)
    rows = predicted_rows(compounds_of(chosen, {}), settings, out, on_progress)
    return {"per_class": per_class, "classes": list(classes), "settings": settings.fixed(), **tables(rows)}


def validation_records(
    records: Iterable[StructureRecord],
    per_class: int | Sequence[int],
    seed: int,
    classes: Sequence[str] = tuple(SIZES),
) -> list[StructureRecord]:
    """Experimental validation compounds of two and more elements, one per formula, by size class.

    Args:
        records: Records with a split.
        per_class: Compounds of each class, or one number for all.
        seed: Seed of the sample.
        classes: Names of the size classes.
    """
    numbers = [per_class] * len(classes) if isinstance(per_class, int) else per_class
    experimental = (record for record in records if record.split == "val" and record.icsd)
    by_class: dict[str, list[StructureRecord]] = defaultdict(list)
    for record in reference_records(experimental):
        if len(set(record.species)) > 1:
            by_class[size_class(len(record.species))].append(record)
    return [
        record
        for name, number in zip(classes, numbers, strict=True)
        for record in sample(by_class[name], number, seed)
    ]


def render(result: Mapping[str, Any]) -> str:
    """All tables."""
    sizes = ",".join(str(SIZES[name]) for name in result.get("classes", SIZES))
    options = f" --data DIR --sizes {sizes} --per-class {result['per_class']}"
    lines = [
        f"# Experimental compounds of the validation split by size, {result['n']} compounds",
        "",
        fact_line("validation-sizes", result, options=options, details=run_details(result)),
        "",
        page_text("validation_sizes_page"),
        "",
        *list_sections(result),
    ]
    return "\n".join(lines) + "\n"

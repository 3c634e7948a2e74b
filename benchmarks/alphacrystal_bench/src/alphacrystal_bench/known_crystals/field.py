"""Samples of the MP-20 and MPTS-52 test sets, predicted from the formula or from the cell content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alphacrystal.data import StructureRecord, benchmark_formulas, read_records
from alphacrystal.errors import InputError
from alphacrystal.typing import Progress
from alphacrystal_bench.cspbench.run import compounds_of
from alphacrystal_bench.harness.pages import fact_line, page_text
from alphacrystal_bench.harness.rows import sample
from alphacrystal_bench.known_crystals.controls import control_rows
from alphacrystal_bench.known_crystals.lists import ListSettings, predicted_rows
from alphacrystal_bench.known_crystals.page import list_sections, run_details
from alphacrystal_bench.known_crystals.tables import tables

#: File and title of each sample.
SAMPLES = {
    "mp20": ("mp20_400.jsonl", "A sample of the MP-20 test set"),
    "mpts52": ("mpts52_400.jsonl", "A sample of the MPTS-52 test set"),
}


def benchmark_field(
    name: str,
    records: Iterable[StructureRecord],
    settings: ListSettings,
    out: Path,
    on_progress: Progress,
    *,
    limit: int | None = None,
    offset: int = 0,
    templates: Path | None = None,
) -> dict[str, Any]:
    """Predict the compounds of a sample and compare their lists with the known crystals.

    Args:
        name: Name of the benchmark, a key of SAMPLES.
        records: Known crystals.
        settings: Settings of the run.
        out: Folder of finished compounds and run folders.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, drawn at random; all of them if None.
        offset: Compounds left out at the start of the random order.
        templates: Records for the controls, which are left out if None.

    Raises:
        InputError: There are no compounds, or the folder holds a run with other settings.
    """
    compounds = sample(compounds_of(records, {}), limit, settings.seed, offset=offset)
    rows = predicted_rows(compounds, settings, out, on_progress)
    controls = [] if templates is None else control_rows(compounds, settings, templates, out, on_progress)
    return {"benchmark": name, "settings": settings.fixed(), **tables(rows, controls)}


def guarded_records(source: Path) -> list[StructureRecord]:
    """Records of a sample file; the leak guard keeps each of their formulas out of training and templates.

    Raises:
        InputError: The leak guard does not cover a formula, which may be in the training data.
    """
    records = list(read_records(source))
    uncovered = [r.reduced_formula for r in records if r.reduced_formula not in benchmark_formulas()]
    if uncovered:
        raise InputError(
            f"The leak guard does not cover {len(uncovered)} formulas of {source.name}, the first is "
            f"{uncovered[0]}: they may be in the training data."
        )
    return records


def render(result: Mapping[str, Any]) -> str:
    """All tables, and the published numbers of other methods."""
    name = result["benchmark"]
    options = " --data DIR" + (" --cell-given" if result["settings"]["cell_given"] else "")
    lines = [
        f"# {SAMPLES[name][1]}, {result['n']} compounds",
        "",
        fact_line(name, result, options=options, details=run_details(result)),
        "",
        page_text(f"{name}_page"),
        "",
        *list_sections(result),
        "",
        page_text(f"{name}_peers"),
        "",
        page_text("known_crystals_peers"),
    ]
    return "\n".join(lines) + "\n"

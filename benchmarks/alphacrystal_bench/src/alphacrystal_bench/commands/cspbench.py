"""`alphacrystal benchmark cspbench`: whole predictions of known compounds, with controls and causes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.cli.output import JsonOption
from alphacrystal.errors import InputError
from alphacrystal_bench.commands.data_beside import data_beside
from alphacrystal_bench.commands.known_compounds import OUT, PAGE, RELAX, SEED, run_benchmark

FILE = Path("benchmarks") / "cspbench180.jsonl"


def cspbench(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with benchmarks/cspbench180.jsonl (default: shared/data beside us)."),
    ] = None,
    structures: Annotated[
        Path | None, typer.Option(help="Other compounds instead: a record file or a folder of CIFs.")
    ] = None,
    out: OUT = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Compounds drawn at random (default: all).")
    ] = None,
    relax: RELAX = True,
    templates: Annotated[
        Path | None,
        typer.Option(help="Known crystals (records) for the control of templates, e.g. the training data."),
    ] = None,
    potential: Annotated[str, typer.Option(help="Potential that relaxes.")] = "chgnet",
    workers: Annotated[int, typer.Option(min=1, help="Relaxation processes.")] = 2,
    seed: SEED = 0,
    page: PAGE = None,
    as_json: JsonOption = False,
) -> None:
    """Predict CSPBench's compounds: match and space-group rates, controls, and why the rest failed."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.cspbench.page import cspbench_page, write_cspbench_page
    from alphacrystal_bench.cspbench.run import CspBenchSettings, benchmark_cspbench, compounds_of

    source = structures or _benchmark_file(data)
    records = list(read_records(source))
    compounds = compounds_of(records, {} if structures else _categories(source))
    settings = CspBenchSettings(relax, potential, workers, seed, limit, templates)
    run_benchmark(
        "cspbench",
        lambda folder, progress: benchmark_cspbench(compounds, settings, folder, on_progress=progress),
        cspbench_page,
        write_cspbench_page,
        out=out,
        page=page,
        as_json=as_json,
    )


def _benchmark_file(data: Path | None) -> Path:
    """The file of the 179 compounds.

    Raises:
        InputError: It is not where it should be.
    """
    file = data / FILE if data else data_beside(FILE)
    if file is not None and file.is_file():
        return file
    raise InputError(
        f"Name the folder that holds {FILE} with --data DIR, or other compounds with --structures FILE."
    )


def _categories(file: Path) -> dict[str, str]:
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {line["id"]: line.get("category", "") for line in lines}

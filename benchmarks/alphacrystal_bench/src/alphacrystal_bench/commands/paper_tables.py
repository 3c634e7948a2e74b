"""`alphacrystal benchmark table3`, `table4`, `table5` and `cost`: tables of the paper."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from alphacrystal.errors import InputError
from alphacrystal_bench.harness.options import (
    Cache,
    CompoundFolder,
    Limit,
    OptionalRecords,
    Potential,
    Relax,
    SearchSeconds,
    Seed,
    chosen_numbers,
    chosen_words,
    compound_file,
)
from alphacrystal_bench.harness.registry import Result, Run, register

# The narrowest network has one channel in its first module.
LIMITS = {"width": (1 / 32, 4.0), "time_limit": (0.0, 1e6), "share": (0.001, 1.0)}


@register("table3", title="The paper's Table 3", page="paper_tables.table3_page", needs_data=True)
def table3(
    run: Run,
    data: CompoundFolder,
    limit: Limit = None,
    seconds: SearchSeconds = 60.0,
    potential: Potential = "chgnet",
    seed: Seed = 0,
) -> Result:
    """Predict the 30 compounds of Table 3: matches, superpose distances, energies, controls."""
    from alphacrystal_bench.cost.methods import MethodSettings
    from alphacrystal_bench.paper_tables.paper_compounds import read_table3
    from alphacrystal_bench.paper_tables.table3 import benchmark_table3

    settings = MethodSettings(potential=potential, seed=seed, seconds=seconds)
    compounds = read_table3(compound_file(data, "paper_table3.jsonl"))
    return benchmark_table3(compounds, settings, run.folder, limit=limit, on_progress=run.progress)


@register("table4", title="The paper's Table 4", page="paper_tables.table4_page", needs_data=True)
def table4(
    run: Run,
    data: CompoundFolder,
    limit: Limit = None,
    relax: Relax = True,
    potential: Potential = "chgnet",
    seed: Seed = 0,
) -> Result:
    """Predict the 8 cells of Table 4: its five metrics, the printed values, controls."""
    from alphacrystal_bench.cost.methods import MethodSettings, energies_by_formula
    from alphacrystal_bench.paper_tables.paper_compounds import read_table4
    from alphacrystal_bench.paper_tables.table4 import benchmark_table4

    settings = MethodSettings(potential=potential, seed=seed, relax=relax)
    compounds = read_table4(compound_file(data, "paper_table4.jsonl"), energies_by_formula(settings))
    return benchmark_table4(compounds, settings, run.folder, limit=limit, on_progress=run.progress)


@register("cost", title="Cost until the known structure is generated", page="cost.page", needs_data=True)
def cost(
    run: Run,
    data: CompoundFolder,
    limit: Limit = None,
    seconds: SearchSeconds = 60.0,
    baselines: Annotated[
        str, typer.Option(help="Searches to compare with, separated by commas; gnoa-tpe is always included.")
    ] = "gnoa-tpe,gnoa-random,random_relaxed",
    potential: Potential = "chgnet",
    seed: Seed = 0,
) -> Result:
    """Processor time until the known structure is generated, compared with GNOA and random search.

    The compounds are those of Table 3. With the --out of a finished table3, its predictions are not repeated.
    """
    from alphacrystal_bench.cost.methods import MethodSettings
    from alphacrystal_bench.cost.run import benchmark_cost
    from alphacrystal_bench.paper_tables.paper_compounds import read_table3

    chosen = [name.strip() for name in baselines.split(",") if name.strip()]
    settings = MethodSettings(potential=potential, seed=seed, seconds=seconds)
    compounds = read_table3(compound_file(data, "paper_table3.jsonl"))
    return benchmark_cost(
        compounds, settings, run.folder, baselines=chosen, limit=limit, on_progress=run.progress
    )


@register("table5", title="The paper's Table 5", page="paper_tables.table5_page", needs_data=True)
def table5(
    run: Run,
    data: OptionalRecords = None,
    cache: Cache = None,
    rows: Annotated[str | None, typer.Option(help="Rows of the table, e.g. 1,5. Default: all.")] = None,
    methods: Annotated[
        str | None, typer.Option(help="Some of controls,paper,pair,types. Default: all.")
    ] = None,
    cell: Annotated[
        str, typer.Option(help="Cells of the matrices: primitive or conventional.")
    ] = "primitive",
    splits: Annotated[str | None, typer.Option(help="Some of random,disjoint. Default: both.")] = None,
    width: Annotated[
        float, typer.Option(help="Width of the paper's network relative to the paper.")
    ] = 0.0625,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the paper's network.")] = 125,
    batch: Annotated[int, typer.Option(min=2, help="Batch size of the paper's network.")] = 32,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many epochs without a lower loss. Default: never."),
    ] = None,
    pair_epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of our network. Default: by training size.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Minutes of training per network. Default: no limit.")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of the paper's training and test sizes.")] = 1.0,
    threads: Annotated[int, typer.Option(min=1, help="torch threads.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that prepare the data.")] = 1,
    seed: Seed = 0,
) -> Result:
    """Errors of distance matrices predicted from the composition, with controls."""
    from alphacrystal_bench.paper_tables.table5 import Table5Settings, run_table5
    from alphacrystal_bench.paper_tables.table5_results import TABLE5_CELLS, TABLE5_METHODS, TABLE5_SPLITS

    for name, value in (("width", width), ("time_limit", time_limit), ("share", share)):
        least, most = LIMITS[name]
        if value is not None and not least <= value <= most:
            option = name.replace("_", "-")
            raise InputError(f"--{option} takes a number from {least:g} to {most:g}, not {value:g}.")
    if cell not in TABLE5_CELLS:
        raise InputError(f"--cell takes one of {','.join(TABLE5_CELLS)}, not {cell!r}.")
    chosen: dict[str, Any] = {
        "methods": chosen_words("--methods", methods, tuple(TABLE5_METHODS)),
        "splits": chosen_words("--splits", splits, tuple(TABLE5_SPLITS)),
    }
    if rows is not None:
        chosen["rows"] = chosen_numbers("--rows", rows, int, -1, 1e6)
    settings = Table5Settings(
        cell=cell,
        width=width,
        epochs=epochs,
        batch=batch,
        patience=patience,
        pair_epochs=pair_epochs,
        time_limit=time_limit,
        share=share,
        threads=threads,
        seed=seed,
        **chosen,
    )
    results = run_table5(
        settings, run.folder, source=data, cache=cache, workers=workers, on_progress=run.progress
    )
    return results.model_dump(mode="json")

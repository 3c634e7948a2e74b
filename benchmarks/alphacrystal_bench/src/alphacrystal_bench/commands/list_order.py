"""`alphacrystal benchmark ranking`, `pressure`, `flags`, `dispersion-rule` and `polymorphs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphacrystal.errors import InputError
from alphacrystal_bench.commands.known_crystals import Sizes, size_classes
from alphacrystal_bench.harness.options import (
    CompoundFolder,
    Limit,
    MaxAtoms,
    RequiredRecords,
    Seed,
    Workers,
)
from alphacrystal_bench.harness.registry import Result, Run, register


@register("ranking", title="Orders of the list", page="list_order.page", needs_data=True)
def ranking(
    run: Run,
    *,
    data: RequiredRecords,
    per_class: Annotated[
        str, typer.Option(help="Compounds of each size class, one number for all or one for each.")
    ] = "50",
    sizes: Sizes = None,
    workers: Workers = 2,
    write: Annotated[
        Path | None, typer.Option(help="Folder for the fitted model (the package's ranking/data).")
    ] = None,
    rerank: Annotated[
        str | None, typer.Option(help="Second potential, whose energies are compared too.")
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Rank and probability of the known structure of held-out compounds, and the fit of the model.

    The run folders in OUT are those of `validation-sizes`: a finished run of either serves both.
    """
    from alphacrystal.data import read_records
    from alphacrystal_bench.harness.options import chosen_numbers
    from alphacrystal_bench.list_order.run import benchmark_ranking

    classes = size_classes(sizes)
    counts = [int(number) for number in chosen_numbers("--per-class", per_class, int, 0, 1e6)]
    if len(counts) not in (1, len(classes)):
        raise InputError(f"--per-class takes one number, or {len(classes)} for the chosen --sizes.")
    return benchmark_ranking(
        read_records(data),
        run.folder,
        run.progress,
        per_class=counts,
        classes=classes,
        seed=seed,
        workers=workers,
        write=write,
        rerank=rerank,
    )


@register("pressure", title="Pressure-induced transitions", page="list_order.pressure", needs_data=True)
def pressure(
    run: Run, *, data: CompoundFolder, limit: Limit = None, workers: Workers = 2, seed: Seed = 0
) -> Result:
    """Known phases at zero pressure and under pressure: places in the list, enthalpies, transitions.

    A test of the order, not of the structures: these compounds may be in the training data at zero pressure.
    """
    from alphacrystal_bench.harness.options import compound_file
    from alphacrystal_bench.list_order.pressure import TRANSITIONS_FILE, benchmark_pressure

    return benchmark_pressure(
        compound_file(data, TRANSITIONS_FILE),
        run.folder,
        run.progress,
        limit=limit,
        workers=workers,
        seed=seed,
    )


@register("flags", title="Flags of known crystals", page="list_order.flags", needs_data=True)
def flags(
    run: Run,
    *,
    data: RequiredRecords,
    per_class: Annotated[int, typer.Option(min=1, help="Compounds of each size class.")] = 300,
    seed: Seed = 0,
) -> Result:
    """Shares of experimental validation compounds with each flag, and flags of impossible structures."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.list_order.flags import benchmark_flags

    return benchmark_flags(read_records(data), run.progress, per_class=per_class, seed=seed)


@register("dispersion-rule", title="Dispersion rule", page="list_order.dispersion_rule", needs_data=True)
def dispersion_rule(
    run: Run,
    *,
    data: RequiredRecords,
    limit: Annotated[
        int, typer.Option(min=1, help="Compounds with layers, chains or molecules, and as many others.")
    ] = 40,
    seed: Seed = 0,
) -> Result:
    """Share of layered and other validation compounds that get dispersion by default, by the limit."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.list_order.dispersion_rule import benchmark_dispersion_rule

    return benchmark_dispersion_rule(read_records(data), run.folder, run.progress, limit=limit, seed=seed)


@register("polymorphs", title="Order of polymorphs", page="list_order.polymorphs_page", needs_data=True)
def polymorphs(
    run: Run,
    *,
    data: RequiredRecords,
    potential: Annotated[
        list[str] | None, typer.Option(help="Potential; repeat the option for several. Default: chgnet.")
    ] = None,
    relaxed_by: Annotated[
        str, typer.Option(help="Potential that relaxes the crystals for the second geometry, or none.")
    ] = "chgnet",
    train: Annotated[
        int, typer.Option(min=0, help="Pairs of the training split, besides all of the validation split.")
    ] = 200,
    max_atoms: MaxAtoms = 40,
    per_formula: Annotated[int, typer.Option(min=1, help="Pairs of one formula at most.")] = 3,
    seed: Seed = 0,
) -> Result:
    """Share of pairs of known polymorphs that potentials order as DFT does, with controls."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.list_order.polymorphs import benchmark_polymorphs

    return benchmark_polymorphs(
        read_records(data),
        run.folder,
        run.progress,
        potentials=list(dict.fromkeys(potential or ["chgnet"])),
        relaxed_by=None if relaxed_by == "none" else relaxed_by,
        train=train,
        max_atoms=max_atoms,
        per_formula=per_formula,
        seed=seed,
    )

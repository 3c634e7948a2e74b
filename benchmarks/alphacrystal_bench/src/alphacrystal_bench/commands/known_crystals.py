"""`alphacrystal benchmark mp20`, `mpts52`, `validation-sizes`, `coordinates` and `large-cells`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from alphacrystal.config import PredictConfig
from alphacrystal_bench.harness.options import (
    CellGiven,
    CompoundFolder,
    Limit,
    MatchSeconds,
    MaxAtoms,
    Potential,
    PredictedCandidates,
    Relax,
    RequiredRecords,
    Seed,
    Workers,
    chosen_words,
    compound_file,
)
from alphacrystal_bench.harness.registry import Result, Run, register

Offset = Annotated[int, typer.Option(min=0, help="Compounds to leave out at the start of the random order.")]
Controls = Annotated[
    bool,
    typer.Option(
        "--controls",
        help="Add prototype coordinates, copied templates from the records of DATA, and random crystals.",
    ),
]
PerClass = Annotated[int, typer.Option(min=1, help="Compounds of each size class, drawn at random.")]
Sizes = Annotated[
    str | None,
    typer.Option(help="Some of the size classes 20,40,60,80, named by their largest number of atoms."),
]
CANDIDATES: int = PredictConfig.model_fields["candidates"].default
MAX_ATOMS: int = PredictConfig.model_fields["max_atoms"].default


def _shared_options(
    *,
    relax: Relax = True,
    candidates: PredictedCandidates = CANDIDATES,
    max_atoms: MaxAtoms = MAX_ATOMS,
    cell_given: CellGiven = False,
    potential: Potential = "chgnet",
    workers: Workers = 2,
    match_seconds: MatchSeconds = 10.0,
    seed: Seed = 0,
) -> dict[str, Any]:
    """Options that all benchmarks of this module share, by the field of ``ListSettings``."""
    return dict(locals())


def _with_settings(compute: Callable[..., Result]) -> Callable[..., Result]:
    """A benchmark with the shared options, whose ``compute`` receives them as ``settings``."""
    specific = inspect.signature(compute, eval_str=True).parameters.values()
    shared = inspect.signature(_shared_options, eval_str=True).parameters

    def benchmark(run: Run, **options: Any) -> Result:
        from alphacrystal_bench.known_crystals.lists import ListSettings

        settings = ListSettings(**_shared_options(**{name: options.pop(name) for name in shared}))
        return compute(run, settings=settings, **options)

    parameters = [parameter for parameter in specific if parameter.name != "settings"]
    benchmark.__signature__ = inspect.Signature([*parameters, *shared.values()])  # type: ignore[attr-defined]
    benchmark.__doc__ = compute.__doc__
    return benchmark


def _field_benchmark(name: str, test_set: str) -> None:
    """Register the benchmark of a sample of a test set that other methods use."""

    def benchmark(
        run: Run,
        *,
        settings: Any,
        data: CompoundFolder,
        limit: Limit = None,
        offset: Offset = 0,
        controls: Controls = False,
    ) -> Result:
        from alphacrystal_bench.known_crystals.field import SAMPLES, benchmark_field, guarded_records

        return benchmark_field(
            name,
            guarded_records(compound_file(data, SAMPLES[name][0])),
            settings,
            run.folder,
            run.progress,
            limit=limit,
            offset=offset,
            templates=data if controls else None,
        )

    benchmark.__doc__ = (
        f"Predict a sample of the {test_set} test set: matches, displacements, METRe, structure types, "
        "stages of misses, cost, and published numbers of other methods."
    )
    title = f"A sample of the {test_set} test set"
    decorate = register(name, title=title, page="known_crystals.field", needs_data=True)
    decorate(_with_settings(benchmark))


_field_benchmark("mp20", "MP-20")
_field_benchmark("mpts52", "MPTS-52")


@register(
    "validation-sizes",
    title="Held-out experimental compounds by size",
    page="known_crystals.validation_sizes",
    needs_data=True,
)
@_with_settings
def validation_sizes(
    run: Run,
    *,
    settings: Any,
    data: RequiredRecords,
    per_class: PerClass = 50,
    sizes: Sizes = None,
) -> Result:
    """Predict experimental compounds of the validation split with 1-20, 21-40, 41-60 and 61-80 atoms."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.known_crystals.validation_sizes import benchmark_validation_sizes

    return benchmark_validation_sizes(
        read_records(data),
        settings,
        run.folder,
        run.progress,
        per_class=per_class,
        classes=size_classes(sizes),
    )


@register(
    "coordinates",
    title="Coordinates of the true structure type by size",
    page="known_crystals.coordinates",
    needs_data=True,
)
def coordinates(
    run: Run, *, data: RequiredRecords, per_class: PerClass = 50, sizes: Sizes = None, seed: Seed = 0
) -> Result:
    """Build the true structure types of validation compounds in several ways, without relaxation."""
    from alphacrystal.data import read_records
    from alphacrystal_bench.known_crystals.coordinates import benchmark_coordinates

    return benchmark_coordinates(
        read_records(data),
        run.folder,
        run.progress,
        per_class=per_class,
        seed=seed,
        classes=size_classes(sizes),
    )


def size_classes(text: str | None) -> list[str]:
    """Names of the size classes of the option --sizes; all by default."""
    from alphacrystal_bench.known_crystals.tables import SIZES

    names = {str(most): name for name, most in SIZES.items()}
    return [names[word] for word in chosen_words("--sizes", text, tuple(names))]


@register("large-cells", title="Well-known large cells", page="known_crystals.large_cells", needs_data=True)
@_with_settings
def large_cells(run: Run, *, settings: Any, data: RequiredRecords, limit: Limit = None) -> Result:
    """Predict forty well-known compounds with 21 to 80 atoms in the primitive cell.

    A smoke test, not evidence: these compounds may be in the training data.
    """
    from alphacrystal.data import read_records
    from alphacrystal_bench.harness.rows import sample
    from alphacrystal_bench.known_crystals.large_cells import benchmark_large_cells, read_large_cells

    cells = sample(read_large_cells(), limit, settings.seed)
    return benchmark_large_cells(cells, read_records(data), settings, run.folder, run.progress)

"""Generators by name, with what a run's settings say to each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from alphacrystal.config import GENERATOR_NAMES, PredictConfig
from alphacrystal.crystal import LatticeParameters
from alphacrystal.errors import InputError
from alphacrystal.generate import (
    DEFAULT_BUDGET,
    Budget,
    Candidate,
    ContactMapGenerator,
    DistanceMatrixGenerator,
    Generator,
    GnoaGenerator,
    RandomSymmetricGenerator,
    TemplateGenerator,
    TemplateLibrary,
    load_generator,
)

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.generate import SearchName

OnProgress = Callable[[int, int], None]
OnPart = Callable[[int, list[Candidate]], None]

PARTS = 10_000  # numbers of parts that each generator of a mix has for itself


def generate_mix(
    formula: Formula,
    units: Sequence[int],
    config: PredictConfig,
    *,
    progress: Callable[[str, int, int], None],
    finished: Mapping[int, Sequence[Candidate]],
    on_part: OnPart,
    on_found: Callable[[Candidate], None],
) -> tuple[list[Candidate], list[str]]:
    """The candidates of a run from all its generators, one after the other.

    Args:
        formula: Reduced formula.
        units: Formula units Z of the primitive cell.
        config: Settings; the candidates are shared out evenly, the first generators getting what is left.
        progress: Called with (stage, done, total).
        finished: Parts of an interrupted run.
        on_part: Called with each part as it is finished.
        on_found: Called with candidates of an unfinished part.

    Returns:
        Candidates, and notes on generators that could give none.

    Raises:
        InputError: No generator can give any.
    """
    names = config.generators
    candidates: list[Candidate] = []
    notes: list[str] = []
    for place, name in enumerate(names):
        share = len(range(place, config.candidates, len(names)))
        own = {number % PARTS: part for number, part in finished.items() if number // PARTS == place}
        stage = "generate" if len(names) == 1 else f"generate ({name})"
        if share == 0:
            continue
        if name != "distance_matrix" and 0 in own:
            candidates += own[0]
            continue
        # the first draws as it would alone
        rng = np.random.default_rng(config.seed if place == 0 else [config.seed, place])
        try:
            generator = make_generator(
                name,
                formula,
                units,
                config,
                on_progress=partial(progress, stage),
                on_better=on_found,
                finished=own,
                on_part=partial(_numbered, on_part, PARTS * place),
            )
            made = []
            for candidate in generator.generate(formula, share, rng):
                made.append(candidate)
                if name == "random":
                    on_found(candidate)
        except InputError as error:
            if len(names) == 1:
                raise
            notes.append(f"{name} gave no candidates: {error}")
            continue
        if name != "distance_matrix":
            on_part(PARTS * place, made)
            if len(made) < share:
                notes.append(f"{name} gave {len(made)} of the {share} candidates asked of it.")
        candidates += made
    if not candidates:
        raise InputError(
            f"{', '.join(names)} gave no candidates for {formula.text}: raise --trials, --evaluations or "
            f"--generate-seconds, or choose another generator."
        )
    return candidates, notes


def _numbered(on_part: OnPart, first: int, part: int, made: list[Candidate]) -> None:
    on_part(first + part, made)


def make_generator(
    name: str,
    formula: Formula,
    units: Sequence[int],
    config: PredictConfig,
    *,
    on_progress: OnProgress | None = None,
    on_better: Callable[[Candidate], None] | None = None,
    finished: Mapping[int, Sequence[Candidate]] | None = None,
    on_part: OnPart | None = None,
) -> Generator:
    """A generator as the settings of a run ask for it.

    Args:
        name: One of GENERATOR_NAMES, or of another package.
        formula: Decides what is read of a template library.
        units: Formula units Z of the primitive cell.
        config: Settings.
        on_progress: Called with (done, total).
        on_better: Called with each new best crystal of a GNOA search.
        finished, on_part: For the distance-matrix generator, which is made in parts.

    Raises:
        InputError: The template library cannot be read, or a package or model is missing.
    """
    lattice = LatticeParameters(*config.lattice) if config.lattice else None
    budget = Budget(config.evaluations, config.trials, config.generate_seconds)
    if name == "distance_matrix":
        return DistanceMatrixGenerator(
            units=units,
            space_group=config.space_group,
            lattice=lattice,
            models=config.models,
            fitness=config.fitness,
            on_progress=on_progress,
            finished=finished or {},
            on_part=on_part,
        )
    if name == "contact_map":
        return ContactMapGenerator(
            units, config.space_group, lattice, models=config.models, budget=budget, on_progress=on_progress
        )
    if name == "template":
        return TemplateGenerator(
            units,
            read_library(formula, config),
            config.space_group,
            similarity=config.similarity,
            own_formula=not config.without_benchmarks,
            models=config.models,
            budget=budget,
            on_progress=on_progress,
        )
    if name == "random":
        return RandomSymmetricGenerator(
            units, config.space_group, lattice, budget=budget, on_progress=on_progress
        )
    if name not in GENERATOR_NAMES:
        return load_generator(name, units, space_group=config.space_group, lattice=lattice)
    from alphacrystal.pipeline.energies import energy_function

    return GnoaGenerator(
        units,
        energy_function(config),
        search=cast("SearchName", name.removeprefix("gnoa-")),
        budget=DEFAULT_BUDGET if budget == Budget() else budget,
        space_group=config.space_group,
        lattice=lattice,
        faithful=config.faithful,
        on_progress=on_progress,
        on_better=on_better,
    )


def read_library(formula: Formula, config: PredictConfig) -> TemplateLibrary:
    """The template library of a run, without benchmark compounds where that is asked for.

    Raises:
        InputError: None was given, or it cannot be read.
    """
    from alphacrystal.data import benchmark_formulas

    if config.templates is None:
        raise InputError("The generator template needs known crystals: give --templates FILE_OR_DIR.")
    forbidden = benchmark_formulas() if config.without_benchmarks else ()
    return TemplateLibrary.read(config.templates, forbid=forbidden, only=[formula])

"""Step 1 of the pipeline: candidates from the generators of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.generate import GENERATORS, Candidate, build_generator
from alphacrystal.pipeline.constraints import constraint_notes, fulfilling
from alphacrystal.pipeline.preflight import Request, generator_context
from alphacrystal.pipeline.seeds import scored_seeds

if TYPE_CHECKING:
    from alphacrystal.pipeline.store import RunStore

PARTS_PER_GENERATOR = 10_000  # part numbers that each generator of a mix has


def generate(request: Request, store: RunStore) -> tuple[list[Candidate], list[str]]:
    """Generate the candidates of a run with all its generators; finished ones come from the store.

    Returns:
        Candidates, and notes on generators that gave none or fewer than requested.

    Raises:
        InputError: No generator gives a candidate, or none fulfils the constraints.
    """
    stored = store.finished_candidates()
    if stored is not None:
        return stored, []
    finished = store.finished_parts()
    config = request.config
    names = config.generators
    candidates: list[Candidate] = []
    notes: list[str] = []
    for index, name in enumerate(names):
        share = len(range(index, config.candidates, len(names)))  # the first generators take the remainder
        if share == 0:
            continue
        try:
            generated = _candidates_of(request, store, index, share, _parts_of(index, finished))
        except InputError as error:
            if len(names) == 1 and not request.seeds:
                raise
            notes.append(f"{name} gave no candidates: {error}")
            continue
        spec = GENERATORS.get(name)
        if len(generated) < share and not spec.in_parts and not spec.exhaustive:
            notes.append(f"{name} gave {len(generated)} of {share} requested candidates.")
        candidates += generated
    candidates += scored_seeds(request.seeds, request.formula, request.formula_units, config)
    if not candidates:
        raise InputError(
            f"{', '.join(names)} gave no candidates for {request.formula.text}: raise --max-proposals, "
            "--max-energy-calls or --generate-seconds, or choose another generator."
        )
    candidates, violated = fulfilling(candidates, config)
    if not candidates:
        raise InputError(
            f"No candidate fulfils {' and '.join(sorted(violated))}: allow shorter distances, or raise "
            "--candidates."
        )
    notes += constraint_notes(violated, "candidate")
    store.save_candidates(candidates)
    return candidates, notes


def _parts_of(index: int, finished: Mapping[int, Sequence[Candidate]]) -> dict[int, Sequence[Candidate]]:
    """Finished parts of one generator of the mix, numbered from 0."""
    return {
        number % PARTS_PER_GENERATOR: part
        for number, part in finished.items()
        if number // PARTS_PER_GENERATOR == index
    }


def _candidates_of(
    request: Request, store: RunStore, index: int, share: int, finished: Mapping[int, Sequence[Candidate]]
) -> list[Candidate]:
    """Up to ``share`` candidates of generator ``index`` of the mix."""
    config = request.config
    name = config.generators[index]
    spec = GENERATORS.get(name)
    first_part = index * PARTS_PER_GENERATOR
    if not spec.in_parts and 0 in finished:
        return list(finished[0])
    # The first generator draws the same random numbers as in a run of this generator alone.
    rng = np.random.default_rng(config.seed if index == 0 else [config.seed, index])
    stage = "generate" if len(config.generators) == 1 else f"generate ({name})"
    context = replace(
        generator_context(request.formula, request.formula_units, config),
        on_progress=partial(store.progress, stage),
        on_candidate=store.add_pending,
        finished=finished,
        on_part=lambda part, candidates: store.add_part(first_part + part, candidates),
        peaks=request.peaks,
    )
    candidates = []
    for candidate in build_generator(name, context).generate(request.formula, share, rng):
        candidates.append(candidate)
        if not spec.in_parts:
            store.add_pending(candidate)
    if not spec.in_parts:
        store.add_part(first_part, candidates)
    return candidates

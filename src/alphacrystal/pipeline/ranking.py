"""Step 4 of the pipeline: rank the finished candidates and collect the evidence."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis, atom_sites, space_group
from alphacrystal.pipeline.cell_contents import cell_probabilities
from alphacrystal.pipeline.constraints import constraint_notes, left_out
from alphacrystal.pipeline.disorder import disorder_of, orderings_alone
from alphacrystal.pipeline.energies import known_phases_of
from alphacrystal.pipeline.framework import framework_notes
from alphacrystal.pipeline.pattern import REFINED
from alphacrystal.pipeline.second_potential import with_second_energies
from alphacrystal.pipeline.seeds import seed_notes
from alphacrystal.ranking import with_close_energies
from alphacrystal.report import DistogramSummary, OrbitDistanceSummary, Prediction, pattern_sentences

if TYPE_CHECKING:
    from alphacrystal.generate import Candidate
    from alphacrystal.pipeline.preflight import Request
    from alphacrystal.pipeline.relaxation import Relaxed
    from alphacrystal.pipeline.store import RunStore
    from alphacrystal.ranking import EnergyReference, KnownPhase, RankedStructure
    from alphacrystal.relaxation import Relaxation
    from alphacrystal.report import CellProbability

HYPOTHESES = 100  # hypotheses behind a distogram: enough for all likely types of every cell content
MAX_REASONS, REASON_LENGTH = 5, 200  # reasons in a note, and characters of each


def conclude(
    request: Request,
    relaxed: Relaxed,
    reference: EnergyReference | None,
    store: RunStore,
    notes: Sequence[str],
    *,
    complete: bool,
) -> Prediction:
    """Rank the finished candidates and collect the evidence.

    Args:
        request: The run.
        relaxed: Candidates and their relaxations.
        reference: The energy reference, None without relaxation.
        store: Timings and folder of the run.
        notes: Notes of the earlier steps.
        complete: False for an interrupted run.
    """
    config = request.config
    begin = time.monotonic()
    has_energies = config.relax and (complete or bool(relaxed.relaxations))
    known = known_phases_of_formula(request) if has_energies else None
    ranked = ranked_list(request, relaxed, reference, known, store, has_energies=has_energies)
    if (fits := store.fits(request.pattern)) is not None:
        refined = [fits.refined(item.candidate_index, item.primitive) for item in ranked[:REFINED]]
        heads = zip(ranked, refined, strict=False)
        ranked = [*(replace(item, pattern_fit=fit) for item, fit in heads), *ranked[REFINED:]]
    if config.phonons:
        phonons = store.phonons()
        ranked = [replace(item, phonons=phonons.get(item.candidate_index)) for item in ranked]
    second_notes: list[str] = []
    if config.rerank and has_energies:
        ranked, second_notes = with_second_energies(request, ranked, store)
    if has_energies and config.pressure == 0 and not orderings_alone(relaxed.candidates):
        ranked = with_close_energies(ranked, config.full_potential)
    timings = {**store.timings, "rank": time.monotonic() - begin}
    failed = [relaxation for relaxation in relaxed.relaxations.values() if not relaxation.usable]
    all_notes = [*request.notes, *notes]
    if failed:
        total = len(relaxed.candidates)
        all_notes.append(f"{len(failed)} of {total} candidates could not be relaxed; see results.json.")
    if has_energies and reference is not None:
        all_notes += reference.remarks()
    cells: tuple[CellProbability, ...] = ()
    disorder = disorder_of(
        relaxed.candidates, relaxed.relaxations if has_energies else {}, relaxed.duplicates
    )
    all_notes += [sentence for item in disorder for sentence in item.sentences]
    if request.formula_units:
        cells, cell_notes = cell_probabilities(request, relaxed.candidates)
        all_notes += cell_notes
    if known:
        all_notes += known_notes(ranked, known)
    if (
        has_energies
        and hidden_formula(request)
        and known_phases_of(request.formula.elements, config) is not None
    ):
        all_notes.append(
            f"{request.formula.name} is a compound of benchmarks, which the table of known phases "
            "leaves out: no row is marked as known, and the hull consists of other compounds"
        )
    all_notes += pattern_sentences(ranked)
    final = relaxed.relaxations if has_energies else None
    violated = Counter(left_out(relaxed.candidates, final, config).values())
    all_notes += constraint_notes(violated, "relaxed structure" if has_energies else "structure")
    all_notes += seed_notes(relaxed.candidates, ranked) + framework_notes(ranked)
    all_notes += second_notes
    if has_energies and not ranked:
        all_notes.append(failure_note(failed, violated))  # the last note, see RunSummary.failure
    hull = reference.hull.name if has_energies and reference and reference.hull else None
    return Prediction(
        formula=request.formula.name,
        formula_text=request.formula.text,
        notes=tuple(dict.fromkeys(all_notes)),
        cells=cells,
        disorder=disorder,
        ranked=tuple(ranked),
        candidates=tuple(relaxed.candidates),
        relaxations=dict(relaxed.relaxations),
        orbit_distances=orbit_distances(request, relaxed.candidates, ranked),
        distograms=cell_distograms(request, {len(c.structure) for c in relaxed.candidates}),
        potential=config.full_potential if has_energies else None,
        hull_reference=hull,
        pressure_gpa=config.pressure,
        timings={name: round(seconds, 3) for name, seconds in timings.items()},
        complete=complete,
        folder=store.folder,
    )


def known_phases_of_formula(request: Request) -> list[KnownPhase] | None:
    """Known phases of the formula of a run; None without a table, under pressure, and for benchmarks."""
    phases = known_phases_of(request.formula.elements, request.config)
    if phases is None or hidden_formula(request):
        return None
    return [phase for phase in phases if phase.formula == request.formula.reduced_formula]


def hidden_formula(request: Request) -> bool:
    """Whether the shipped table of known phases leaves the formula of a run out, as one of a benchmark."""
    from alphacrystal.data import benchmark_formulas

    return request.formula.reduced_formula in benchmark_formulas()


def ranked_list(
    request: Request,
    relaxed: Relaxed,
    reference: EnergyReference | None,
    known: Sequence[KnownPhase] | None,
    store: RunStore,
    *,
    has_energies: bool = True,
) -> list[RankedStructure]:
    """The list of a run, see `alphacrystal.ranking.rank_candidates`."""
    from alphacrystal.ranking import rank_candidates

    config = request.config
    return rank_candidates(
        relaxed.candidates,
        relaxed.relaxations,
        merged=relaxed.duplicates,
        relaxed=has_energies,
        top=config.top,
        pressure_gpa=config.pressure,
        reference=reference,
        known=known,
        plain_energies=relaxed.plain_energies if has_energies else None,
        order="energy"
        if orderings_alone(relaxed.candidates) and config.order == "combined"
        else config.order,
        fit_pattern=store.fits(request.pattern),
        excluded=left_out(relaxed.candidates, relaxed.relaxations if has_energies else None, config),
    )


def known_notes(ranked: Sequence[RankedStructure], known: Sequence[KnownPhase]) -> list[str]:
    """Whether the known ground state is in the list, and its rank without the table."""
    ground = next(phase for phase in known if phase.ground)
    group = ground.label.partition(":")[0]
    row = next((item for item in ranked if item.known == ground.id), None)
    if row is None:
        return [f"The known ground state {ground.id} (space group {group}) is not in the list."]
    probable = [item.probability for item in ranked if item.probability is not None]
    if row.rank == 1 and row.probability is not None and row.probability < max(probable):
        place = 1 + sum(value > row.probability for value in probable)
        without = f"without the table of known phases (--no-known-phases) it has rank {place}"
        return [f"The first structure is the known ground state {ground.id}; {without}."]
    return []


def failure_note(failed: Sequence[Relaxation], violated: Collection[str] = ()) -> str:
    """One sentence on a run without a listed structure: the reasons and how often each occurred.

    Args:
        failed: Relaxations without a usable structure.
        violated: Options that the relaxed structures violate.
    """
    if violated:
        return f"No relaxed structure fulfils {' and '.join(sorted(violated))}: allow more."
    examples: dict[str, str] = {}  # reasons that differ in their numbers only count as one
    counts: Counter[str] = Counter()
    for relaxation in failed:
        text = " ".join(relaxation.reason.split())[:REASON_LENGTH].rstrip(".") or str(relaxation.status)
        reason = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "0", text)
        examples.setdefault(reason, text)
        counts[reason] += 1
    listed = "; ".join(f"{count} × {examples[reason]}" for reason, count in counts.most_common(MAX_REASONS))
    more = f"; {len(counts) - MAX_REASONS} further reasons" if len(counts) > MAX_REASONS else ""
    why = f" ({listed}{more})" if listed else ""
    return f"No candidate could be relaxed{why}: try --no-relax or another potential."


def cell_distograms(request: Request, sizes: Collection[int]) -> tuple[DistogramSummary, ...]:
    """Predicted distances for each cell content of the run that the distance network covers.

    Args:
        request: The run.
        sizes: Numbers of atoms of the candidates; other cell contents are left out.
    """
    config, formula = request.config, request.formula
    cells = [cell for cell in map(formula.cell, request.formula_units) if cell.num_atoms in sizes]
    if not cells:
        return ()  # before the import of torch, which relaxing files can do without
    from alphacrystal.learn import MAX_DISTANCE_ATOMS, predict_cell_distogram, predict_hypotheses

    cells = [cell for cell in cells if cell.num_atoms <= MAX_DISTANCE_ATOMS]
    if not cells:
        return ()

    hypotheses = predict_hypotheses(
        formula,
        [cell.formula_units for cell in cells],
        HYPOTHESES,
        group=config.space_group,
        lattice=LatticeParameters(*config.lattice) if config.lattice else None,
        models=config.models,
    )
    summaries = []
    for cell in cells:
        distogram = predict_cell_distogram(cell, hypotheses, models=config.models)
        summaries.append(
            DistogramSummary(
                cell_formula=cell.name,
                formula_units=cell.formula_units,
                species=tuple(symbol for symbol, count in cell.counts.items() for _ in range(count)),
                expected_distances=distogram.expected,
                bin_edges=distogram.all_edges,
                probabilities=distogram.probabilities.astype(np.float64),
            )
        )
    return tuple(summaries)


def orbit_distances(
    request: Request, candidates: Sequence[Candidate], ranked: Sequence[RankedStructure]
) -> tuple[OrbitDistanceSummary, ...]:
    """Predicted shortest distances between the orbits of the listed structures with large cells."""
    indices = [item.candidate_index for item in ranked]
    known = {index: candidates[index].hypothesis for index in indices}
    if not any(known.values()):
        return ()  # before the import of torch, which relaxing files can do without
    from alphacrystal.learn import MAX_DISTANCE_ATOMS, nearest_prototypes, predict_orbit_distograms

    chosen = {
        index: hypothesis
        for index, hypothesis in known.items()
        if hypothesis is not None and len(candidates[index].structure) > MAX_DISTANCE_ATOMS
    }
    if not chosen:
        return ()
    hypotheses, models = list(chosen.values()), request.config.models
    nearest = nearest_prototypes(hypotheses, models=models)
    distograms = predict_orbit_distograms(hypotheses, nearest, models=models)
    return tuple(
        OrbitDistanceSummary(index, *orbit_labels(hypothesis), shortest=distogram.shortest)
        for (index, hypothesis), distogram in zip(chosen.items(), distograms, strict=True)
    )


def orbit_labels(
    hypothesis: SymmetryHypothesis,
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Element, atoms in the primitive cell, and label such as "O 8d" of each orbit."""
    sites = atom_sites(hypothesis)
    positions = space_group(hypothesis.space_group).positions
    sizes = np.bincount(sites.orbits)
    first = np.cumsum(sizes) - sizes
    species = tuple(chemical_symbols[number] for number in sites.numbers[first].tolist())
    labels = tuple(
        f"{symbol} {positions[letter].multiplicity}{letter}"
        for symbol, letter in zip(species, sites.orbit_letters, strict=True)
    )
    return species, tuple(sizes.tolist()), labels

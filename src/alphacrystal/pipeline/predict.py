"""The main job: formula → hypotheses → candidates → relaxed → ranked → run folder."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.composition import Formula, parse_formula
from alphacrystal.config import PredictConfig, check_unchanged, make_config
from alphacrystal.errors import InputError
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.cell_distograms import cell_distograms
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.pipeline.energies import (
    energy_reference,
    primitive_cell,
    relax_settings,
    relaxer,
    with_hull_energies,
)
from alphacrystal.pipeline.failure_notes import failure_note
from alphacrystal.pipeline.generators import generate_mix
from alphacrystal.pipeline.preflight import check_potential_covers, check_request, models_in_use
from alphacrystal.pipeline.run_state import Progress, Run
from alphacrystal.pipeline.unrelaxed_copies import KEPT, keep_as_predicted
from alphacrystal.report import (
    EventLog,
    Prediction,
    RunRecord,
    default_folder,
    index_row,
    prepare_output_folder,
    read_run_folder,
    write_index,
    write_run_folder,
)
from alphacrystal.runtime.folder_lock import lock_folder
from alphacrystal.runtime.interrupts import interrupts_held

if TYPE_CHECKING:
    from alphacrystal.crystal import StructureLike
    from alphacrystal.rank import EnergyReference
    from alphacrystal.relax import Relaxation, Relaxer, RelaxSettings

PRESCREEN_WINDOW = 0.5  # eV/atom above the best after the loose pass; others are relaxed only if listed
SPARE = 5  # structures beyond the list that are relaxed with it, for relaxing merges and reorders


def predict(
    text: str,
    config: PredictConfig | None = None,
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    page: bool = True,
    shared: Relaxer | None = None,
    **settings: Any,
) -> Prediction:
    """Predict the crystal structures of a formula and write the run folder.

    What finishes is on disk at once; after an interrupt the folder holds the list of what was finished, and
    ``resume=True`` goes on from there.

    Args:
        text: Formula as a user writes it.
        config: Settings; the defaults if None.
        folder: Output folder, new or empty unless ``resume``; runs/FORMULA-TIME if None.
        resume: Continue an earlier run in ``folder``.
        progress: Called with (stage, done, total).
        page: Whether to write the report page.
        shared: Relaxes instead of one that is opened for this run only, and stays open.
        **settings: Fields of ``PredictConfig`` that replace those of ``config``.

    Raises:
        InputError: The formula, a setting or the folder cannot be used, or another process writes into it.
        AlphaCrystalError: The disk refused a file.
        KeyboardInterrupt: Passed on after the finished part has been written.
    """
    config = make_config(**{**(config or PredictConfig()).model_dump(), **settings})
    formula = parse_formula(text)
    folder = Path(folder) if folder is not None else default_folder(formula.file_name)
    if resume:
        _check_same_request(Checkpoint(folder), formula, config)
    units = check_request(formula, config)
    reference = energy_reference(formula.elements, config)
    record = _record(config)
    with lock_folder(folder, create=True):
        prepare_output_folder(folder, resume=resume)
        with interrupts_held() as hold, EventLog(folder / "events.jsonl") as events:
            run = Run(formula, config, folder, events.also(progress or _silent), Checkpoint(folder), events)
            run.reference = reference
            run.notes += formula.notes
            run.checkpoint.save_request(text, config.model_dump(mode="json"))
            complete = False
            try:
                with hold.lifted():
                    with relaxer(config) if shared is None else nullcontext(shared) as pool:
                        with run.stage("generate"):
                            _generate(run, units)
                        if pool is not None:
                            with run.stage("relax"):
                                _relax(run, pool)
                            _complete_hull(run, pool)
                    complete = True
            finally:
                if run.candidates:
                    prediction = _conclude(run, units, complete=complete)
                    write_run_folder(folder, prediction, record, page=page)
                run.events.emit("run", event="end" if complete else "interrupted")
    return prediction


def relax_files(
    files: Sequence[Path | StructureLike],
    config: PredictConfig,
    *,
    folder: Path,
    keep_symmetry: bool = True,
    progress: Progress | None = None,
) -> list[Path]:
    """Relax structures, given or of files, and write run folders: one, or one per formula below ``folder``.

    Raises:
        InputError: A file cannot be read or is disordered, or the folder or potential cannot be used.
        KeyboardInterrupt: Passed on after the finished part has been written.
    """
    from alphacrystal.data import read_crystals

    groups: dict[Formula, list[Candidate]] = {}
    notes: dict[Formula, list[str]] = {}
    for path in files:
        for number, crystal in enumerate(read_crystals(path)):
            structure = crystal.structure
            formula = parse_formula(structure.composition.formula.replace(" ", ""))
            name = path.name if isinstance(path, Path) else None
            provenance: dict[str, object] = {"file": name, "frame": number}
            # Without symmetry a supercell stays one: its atoms may leave the smaller cell.
            cell = primitive_cell(structure) if keep_symmetry else structure
            candidate = Candidate(cell, "file", None, None, provenance)
            groups.setdefault(formula, []).append(candidate)
            notes.setdefault(formula, []).extend(f"{crystal.name}: {note}" for note in crystal.notes)
    for formula in groups:
        check_potential_covers(formula, config)
    references = {formula: energy_reference(formula.elements, config) for formula in groups}
    with lock_folder(folder, create=True):
        prepare_output_folder(folder)
        folders = []
        with relaxer(config) as pool:
            for formula, candidates in groups.items():
                target = folder if len(groups) == 1 else folder / formula.reduced_formula
                target.mkdir(parents=True, exist_ok=True)
                listed = config.model_copy(update={"top": len(candidates)})  # nothing in the files is cut
                _relax_group(
                    formula,
                    candidates,
                    listed,
                    target,
                    pool,
                    keep_symmetry,
                    references[formula],
                    progress or _silent,
                    notes[formula],
                )
                folders.append(target)
        if len(groups) > 1:
            runs = zip(groups, map(read_run_folder, folders), strict=True)
            write_index(folder, [index_row(formula.reduced_formula, run) for formula, run in runs])
    return folders


def _relax_group(
    formula: Formula,
    candidates: list[Candidate],
    config: PredictConfig,
    folder: Path,
    pool: Relaxer | None,
    keep_symmetry: bool,
    reference: EnergyReference | None,
    progress: Progress,
    notes: Sequence[str],
) -> None:
    with interrupts_held() as hold, EventLog(folder / "events.jsonl") as events:
        logged = events.also(progress)
        run = Run(formula, config, folder, logged, Checkpoint(folder), events, candidates=candidates)
        run.reference = reference
        run.notes += notes
        run.checkpoint.save_candidates(candidates)
        complete = False
        try:
            with hold.lifted():
                if pool is not None:
                    with run.stage("relax"):
                        structures = {i: candidate.structure for i, candidate in enumerate(candidates)}
                        settings = relax_settings(config, keep_symmetry=keep_symmetry)
                        _relax_pass(run, pool, "tight", structures, settings)
                    _complete_hull(run, pool)
                complete = True
        finally:
            prediction = _conclude(run, [], complete=complete)
            write_run_folder(folder, prediction, _record(config))


def _check_same_request(checkpoint: Checkpoint, formula: Formula, config: PredictConfig) -> None:
    """A resumed run keeps its formula and settings, or old and new results would be mixed."""
    request = checkpoint.load_request()
    if request is None:
        return
    if parse_formula(request["formula"]) != formula:
        raise InputError(
            f"The run in {checkpoint.run_folder} is of {request['formula']}, not of {formula.text}: "
            "choose another --out."
        )
    check_unchanged(make_config(**request["settings"]), config, checkpoint.run_folder)


def _generate(run: Run, units: Sequence[int]) -> None:
    """Make the candidates, or read those of the run being resumed."""
    stored = run.checkpoint.load_candidates()
    if stored is not None:
        run.candidates = stored
        return
    finished = run.checkpoint.load_generated()
    settled = [candidate for part in finished.values() for candidate in part]
    loose: list[Candidate] = []  # of a generator at work: there for an interrupt, gone when it has its list
    run.candidates = [*settled]

    def on_part(part: int, made: list[Candidate]) -> None:
        # Kept before it is written: an interrupt that finds a part on disk finds it in the list too.
        settled.extend(made)
        loose.clear()
        run.candidates = [*settled]
        run.checkpoint.add_generated(part, made)

    def on_found(candidate: Candidate) -> None:
        loose.append(candidate)
        run.candidates = [*settled, *loose]

    run.candidates, notes = generate_mix(
        run.formula,
        units,
        run.config,
        progress=run.progress,
        finished=finished,
        on_part=on_part,
        on_found=on_found,
    )
    run.notes += notes
    run.checkpoint.save_candidates(run.candidates)


def _relax(run: Run, pool: Relaxer) -> None:
    """Relax in two passes: loosely all distinct candidates, tightly the distinct survivors.

    Likely candidates that become another crystal are kept as they were, too.
    """
    from alphacrystal.crystal import group_duplicates
    from alphacrystal.rank import likely_order

    loose, tight = relax_settings(run.config, loose=True), relax_settings(run.config)
    groups = group_duplicates([candidate.structure for candidate in run.candidates])
    for group in groups:
        run.merged.update(dict.fromkeys(group[1:], group[0]))
    starts = {group[0]: run.candidates[group[0]].structure for group in groups}
    if run.config.relaxation == "bayesian":  # its cost is set by the number of parameters: one pass
        _relax_pass(run, pool, "tight", starts, tight)
        return
    rough = _relax_pass(run, pool, "loose", starts, loose)
    energies = {i: r.energy_per_atom for i, r in rough.items() if r.usable and r.energy_per_atom is not None}
    order = sorted(energies, key=lambda i: (energies[i], i))
    leaders = []
    for same in group_duplicates([rough[i].structure for i in order]):
        members = sorted(order[k] for k in same)  # the first is the most probable
        run.merged.update(dict.fromkeys(members[1:], members[0]))
        leaders.append(members[0])
    # Whatever will stand in the list is relaxed, and what could still fall into it.
    survivors = set(likely_order(run.candidates, {i: energies[i] for i in leaders})[: run.config.top + SPARE])
    survivors |= {i for i in leaders if energies[i] - energies[order[0]] < PRESCREEN_WINDOW}
    _relax_pass(run, pool, "tight", {i: rough[i].structure for i in sorted(survivors)}, tight)
    kept = keep_as_predicted(run, starts)
    if kept:
        _relax_pass(run, pool, "kept", kept, tight.model_copy(update={"max_steps": 0}))


def _relax_pass(
    run: Run, pool: Relaxer, name: str, structures: Mapping[int, Any], settings: RelaxSettings
) -> dict[int, Relaxation]:
    """One pass over candidates by index; finished ones come from the checkpoint."""
    indices = sorted(structures)
    stored = run.checkpoint.load_relaxations()
    finished = {place: stored[name, i] for place, i in enumerate(indices) if (name, i) in stored}
    for place, relaxation in finished.items():
        _keep(run, name, indices[place], relaxation)
    done = len(finished)
    run.progress(f"relax ({name})", done, len(indices))

    def on_result(place: int, relaxation: Relaxation) -> None:
        nonlocal done
        done += 1
        index = indices[place]
        _keep(run, name, index, relaxation)
        run.checkpoint.add_relaxation(name, index, relaxation)
        run.events.emit(
            "relax",
            event="structure",
            candidate=index,
            status=str(relaxation.status),
            reason=relaxation.reason,
        )
        run.progress(f"relax ({name})", done, len(indices))

    ends = pool.relax([structures[i] for i in indices], settings, finished=finished, on_result=on_result)
    return dict(zip(indices, ends, strict=True))


def _complete_hull(run: Run, pool: Relaxer) -> None:
    """Energies for the phases of a hull that brought none."""
    if run.reference is None or run.reference.hull is None or not run.reference.hull.structures:
        return
    with run.stage("hull"):
        run.reference = with_hull_energies(
            run.reference, run.config, pool, lambda done, total: run.progress("hull", done, total)
        )


def _keep(run: Run, stage: str, index: int, relaxation: Relaxation) -> None:
    """A later pass replaces an earlier one, unless it broke the structure; a loose end is no convergence."""
    from alphacrystal.relax import RelaxationStatus

    if stage == "loose" and relaxation.converged:
        reason = "relaxed only loosely: far above the best structure, or not reached yet"
        relaxation = replace(relaxation, status=RelaxationStatus.STEP_LIMIT, reason=reason)
    elif stage == "kept" and relaxation.usable:
        relaxation = replace(relaxation, status=RelaxationStatus.STEP_LIMIT, reason=KEPT)
    if relaxation.usable or index not in run.relaxations:
        run.relaxations[index] = relaxation


def _conclude(run: Run, units: Sequence[int], *, complete: bool) -> Prediction:
    """Rank what is finished and gather it with its evidence."""
    from alphacrystal.rank import rank_candidates

    config = run.config
    begin = time.monotonic()
    relaxed = config.relax and (complete or bool(run.relaxations))
    ranked = rank_candidates(
        run.candidates,
        run.relaxations,
        merged=run.merged,
        relaxed=relaxed,
        top=config.top,
        reference=run.reference,
        order=config.order,
    )
    run.timings["rank"] = time.monotonic() - begin
    broken = [r for r in run.relaxations.values() if not r.usable]
    if broken:
        run.notes.append(
            f"{len(broken)} of {len(run.candidates)} candidates could not be relaxed; see results.json."
        )
    if relaxed and run.reference is not None:
        run.notes += run.reference.remarks()
    if relaxed and not ranked:
        run.notes.append(failure_note(broken))
    return Prediction(
        formula=run.formula.reduced_formula,
        formula_text=run.formula.text,
        notes=tuple(dict.fromkeys(run.notes)),
        ranked=tuple(ranked),
        candidates=tuple(run.candidates),
        relaxations=dict(run.relaxations),
        distograms=cell_distograms(run.formula, units, {len(c.structure) for c in run.candidates}, config),
        potential=config.potential if relaxed else None,
        hull_reference=run.reference.hull.name if relaxed and run.reference and run.reference.hull else None,
        energy_unit_note="" if config.pressure == 0 else f"enthalpy at {config.pressure:g} GPa",
        timings={name: round(seconds, 3) for name, seconds in run.timings.items()},
        complete=complete,
        folder=run.folder,
    )


def _record(config: PredictConfig) -> RunRecord:
    from alphacrystal.learn import model_hashes

    return RunRecord(
        configuration=config.model_dump(mode="json"),
        seed=config.seed,
        model_hashes=model_hashes(config.models, models_in_use(config)),
    )


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""

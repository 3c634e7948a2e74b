"""The pipeline: formula → candidates → relaxed structures → ranked list → run folder."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.composition import parse_formula
from alphacrystal.config import PredictConfig, check_unchanged, make_config
from alphacrystal.errors import InputError
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.pipeline.disorder import approximated_formula
from alphacrystal.pipeline.dispersion import add_plain_energies, decide_dispersion
from alphacrystal.pipeline.energies import energy_reference, open_relaxer
from alphacrystal.pipeline.generation import generate
from alphacrystal.pipeline.modes import follow_modes
from alphacrystal.pipeline.phonons import add_phonons
from alphacrystal.pipeline.preflight import Request, check_request, models_in_use
from alphacrystal.pipeline.ranking import conclude, known_phases_of_formula, ranked_list
from alphacrystal.pipeline.relaxation import Relaxed, complete_hull, relax_candidates
from alphacrystal.pipeline.second_potential import compute_second_energies
from alphacrystal.pipeline.store import EVENTS_FILE, RunStore
from alphacrystal.report import (
    EventLog,
    Prediction,
    RunRecord,
    default_folder,
    prepare_output_folder,
    write_run_folder,
)
from alphacrystal.runtime.folder_lock import lock_folder
from alphacrystal.runtime.interrupts import interrupts_held

if TYPE_CHECKING:
    from alphacrystal.relaxation import Relaxer
    from alphacrystal.typing import Progress


def predict(
    text: str,
    config: PredictConfig | None = None,
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    page: bool = True,
    shared: Relaxer | None = None,
    shared_second: Relaxer | None = None,
    **settings: Any,
) -> Prediction:
    """Predict the crystal structures of a formula and write the run folder.

    Finished work is on disk at once. After an interrupt the run folder holds the list of the finished part,
    and ``resume=True`` continues the run.

    Args:
        text: Formula as a user writes it.
        config: Settings; the defaults if None.
        folder: Output folder, new or empty unless ``resume``; runs/FORMULA-TIME if None.
        resume: Continue an earlier run in ``folder``.
        progress: Called with (stage, done, total).
        page: Whether to write the report page.
        shared: Relaxer to use instead of one that is opened for this run; it stays open.
        shared_second: The same for the second potential.
        **settings: Fields of ``PredictConfig`` that replace those of ``config``.

    Raises:
        InputError: The formula, a setting or the folder cannot be used, or another process writes into it.
        AlphaCrystalError: A file cannot be written.
        KeyboardInterrupt: Raised again after the finished part is written.
    """
    config = make_config(**{**(config or PredictConfig()).model_dump(), **settings})
    formula = approximated_formula(parse_formula(text), config)
    folder = Path(folder) if folder is not None else default_folder(formula.file_name)
    if resume:
        _check_same_request(Checkpoint(folder), text, config)
    request = check_request(formula, config)
    reference = energy_reference(formula.elements, config)
    record = run_record(config)
    with lock_folder(folder, create=True):
        prepare_output_folder(folder, resume=resume)
        with interrupts_held() as hold, EventLog(folder / EVENTS_FILE) as events:
            store = RunStore(folder, events, progress)
            store.checkpoint.save_request(text, config.model_dump(mode="json"))
            notes: list[str] = []
            complete = False
            try:
                with hold.lifted():
                    with open_relaxer(config) if shared is None else nullcontext(shared) as relaxer:
                        with store.stage("generate"):
                            candidates, notes = generate(request, store)
                        if relaxer is not None:
                            request, dispersion_notes = decide_dispersion(request, candidates, store)
                            notes += dispersion_notes
                            with store.stage("relax"):
                                relaxed = relax_candidates(request, candidates, store, relaxer)
                                relaxed = add_plain_energies(request, relaxed, store, relaxer)
                            reference = complete_hull(request, reference, store, relaxer)
                            if config.phonons or config.rerank:
                                known = known_phases_of_formula(request)
                                ranked = ranked_list(request, relaxed, reference, known, store)
                            if config.phonons:
                                with store.stage("phonons"):
                                    notes += add_phonons(request, ranked, store, displace=config.follow_modes)
                            if config.follow_modes:
                                with store.stage("modes"):
                                    relaxed, mode_notes = follow_modes(
                                        request, relaxed, ranked, store, relaxer
                                    )
                                    relaxed = add_plain_energies(request, relaxed, store, relaxer)
                                    ranked = ranked_list(request, relaxed, reference, known, store)
                                    notes += mode_notes + add_phonons(request, ranked, store)
                            if config.rerank:
                                with store.stage("rerank"):
                                    compute_second_energies(request, ranked, store, shared_second)
                        else:
                            relaxed = Relaxed(candidates)
                    complete = True
            finally:
                if not complete:
                    relaxed = _finished_part(request, store)
                if relaxed.candidates:
                    prediction = conclude(request, relaxed, reference, store, notes, complete=complete)
                    write_run_folder(folder, prediction, record, page=page)
                events.emit("run", event="end" if complete else "interrupted")
    return prediction


def _finished_part(request: Request, store: RunStore) -> Relaxed:
    """The finished part of an interrupted run."""
    candidates = store.candidates_so_far()
    if not request.config.relax or store.finished_candidates() is None:
        return Relaxed(candidates)
    relaxed = relax_candidates(request, candidates, store, relaxer=None)
    relaxed = add_plain_energies(request, relaxed, store, relaxer=None)
    if request.config.follow_modes:
        ranked = ranked_list(request, relaxed, None, None, store)
        relaxed, _ = follow_modes(request, relaxed, ranked, store, relaxer=None)
        relaxed = add_plain_energies(request, relaxed, store, relaxer=None)
    return relaxed


def _check_same_request(checkpoint: Checkpoint, text: str, config: PredictConfig) -> None:
    """A resumed run keeps its formula and settings; otherwise it would mix old and new results."""
    request = checkpoint.load_request()
    if request is None:
        return
    if parse_formula(request["formula"]) != parse_formula(text):
        raise InputError(
            f"The run in {checkpoint.run_folder} is of {request['formula']}, not of {text}: choose another "
            "--out."
        )
    check_unchanged(make_config(**request["settings"]), config, checkpoint.run_folder)


def run_record(config: PredictConfig) -> RunRecord:
    """The facts of a run that do not depend on its results."""
    from alphacrystal.learn import model_hashes

    return RunRecord(
        configuration=config.model_dump(mode="json"),
        seed=config.seed,
        model_hashes=model_hashes(config.models, models_in_use(config)),
    )

"""Relax structure files, or evaluate their energies, and write run folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.composition import Formula, parse_formula
from alphacrystal.config import PredictConfig, make_config
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.disorder import approximants_of
from alphacrystal.pipeline.dispersion import add_plain_energies, decide_dispersion
from alphacrystal.pipeline.energies import energy_reference, open_relaxer, primitive_cell, relax_settings
from alphacrystal.pipeline.predict import run_record
from alphacrystal.pipeline.preflight import Request, check_potential_covers
from alphacrystal.pipeline.ranking import conclude
from alphacrystal.pipeline.relaxation import TIGHT, Relaxed, complete_hull, relax_pass
from alphacrystal.pipeline.store import EVENTS_FILE, RunStore
from alphacrystal.report import (
    EventLog,
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
    from alphacrystal.ranking import EnergyReference
    from alphacrystal.relaxation import Relaxer
    from alphacrystal.typing import Progress


def relax(
    files: str | Path | Sequence[str | Path | StructureLike],
    config: PredictConfig | None = None,
    *,
    folder: Path | str | None = None,
    symmetry: bool = True,
    progress: Progress | None = None,
    **settings: Any,
) -> list[Path]:
    """Relax structures and write run folders: one, or one per formula below ``folder``.

    A disordered structure is replaced by its ordered approximants.

    Args:
        files: Structure files or structures; or one file.
        config: Settings of the relaxation; the defaults if None.
        folder: Output folder, new or empty; runs/relax-TIME if None.
        symmetry: Keep the space group; else relax the cell as given.
        progress: Called with (stage, done, total).
        **settings: Fields of ``PredictConfig`` that replace those of ``config``.

    Returns:
        The run folders, one per formula, in the order of the files.

    Raises:
        InputError: A file cannot be read or ordered, or the folder or potential cannot be used.
        KeyboardInterrupt: Raised again after the finished part is written.
    """
    config = make_config(**{**(config or PredictConfig()).model_dump(), **settings})
    folder = Path(folder) if folder is not None else default_folder("relax")
    return _relax_files(_listed(files), config, folder, symmetry=symmetry, progress=progress)


def rank(
    files: str | Path | Sequence[str | Path | StructureLike],
    config: PredictConfig | None = None,
    *,
    folder: Path | str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> list[Path]:
    """Order structures by energy as they are and write run folders; nothing is relaxed.

    A disordered structure is replaced by its ordered approximants.

    Args:
        files: Structure files or structures; or one file.
        config: Settings of the potential; the defaults with one worker if None.
        folder: Output folder, new or empty; runs/rank-TIME if None.
        progress: Called with (stage, done, total).
        **settings: Fields of ``PredictConfig`` that replace those of ``config``.

    Returns:
        The run folders, one per formula, in the order of the files.

    Raises:
        InputError: A file cannot be read or ordered, or the folder or potential cannot be used.
        KeyboardInterrupt: Raised again after the finished part is written.
    """
    values = {**(config or PredictConfig(workers=1)).model_dump(), **settings}
    chosen = make_config(**{**values, "steps": 0, "order": "energy"})
    folder = Path(folder) if folder is not None else default_folder("rank")
    return _relax_files(_listed(files), chosen, folder, symmetry=True, progress=progress)


def _listed(files: str | Path | Sequence[str | Path | StructureLike]) -> list[Path | StructureLike]:
    """Paths and structures; a text is the path of a file."""
    items = [files] if isinstance(files, str | Path) else files
    return [Path(item) if isinstance(item, str) else item for item in items]


def _relax_files(
    files: Sequence[Path | StructureLike],
    config: PredictConfig,
    folder: Path,
    *,
    symmetry: bool,
    progress: Progress | None,
) -> list[Path]:
    groups = _read(files, config, keep_symmetry=symmetry)
    for formula in groups:
        check_potential_covers(formula, config)
    references = {formula: energy_reference(formula.elements, config) for formula in groups}
    with lock_folder(folder, create=True):
        prepare_output_folder(folder)
        folders = []
        with open_relaxer(config) as relaxer:
            for formula, (candidates, notes) in groups.items():
                target = folder if len(groups) == 1 else folder / formula.file_name
                target.mkdir(parents=True, exist_ok=True)
                complete_list = config.model_copy(update={"top": len(candidates)})
                request = Request(formula, (), complete_list, (*formula.notes, *notes))
                _relax_group(request, candidates, target, relaxer, references[formula], progress, symmetry)
                folders.append(target)
        if len(groups) > 1:
            runs = zip(groups, map(read_run_folder, folders), strict=True)
            write_index(folder, [index_row(formula.name, run) for formula, run in runs])
    return folders


def _read(
    files: Sequence[Path | StructureLike], config: PredictConfig, *, keep_symmetry: bool
) -> dict[Formula, tuple[list[Candidate], list[str]]]:
    """Candidates and notes of the readers by formula; a disordered crystal gives its ordered approximants."""
    from alphacrystal.data import read_crystals

    groups: dict[Formula, tuple[list[Candidate], list[str]]] = {}
    parents: Counter[str] = Counter()
    for path in files:
        for number, crystal in enumerate(read_crystals(path, disordered=True)):
            name = path.name if isinstance(path, Path) else None
            if crystal.structure.is_ordered:
                found = [Candidate(crystal.structure, "file", None)]
            else:
                parent = name or crystal.name
                parents[parent] += 1
                parent += f" ({parents[parent]})" if parents[parent] > 1 else ""
                found = approximants_of(crystal, parent, config)
            formula = parse_formula(found[0].structure.composition.reduced_formula)
            candidates, notes = groups.setdefault(formula, ([], []))
            for candidate in found:
                # Without symmetry a supercell stays one: its atoms may leave the smaller cell.
                cell = primitive_cell(candidate.structure) if keep_symmetry else candidate.structure
                provenance = {"file": name, "frame": number, **candidate.provenance}
                candidates.append(replace(candidate, structure=cell, provenance=provenance))
            notes.extend(f"{crystal.name}: {note}" for note in crystal.notes)
    return groups


def _relax_group(
    request: Request,
    candidates: Sequence[Candidate],
    folder: Path,
    relaxer: Relaxer | None,
    reference: EnergyReference | None,
    progress: Progress | None,
    keep_symmetry: bool,
) -> None:
    """Relax the structures of one formula and write its run folder, also after an interrupt."""
    with interrupts_held() as hold, EventLog(folder / EVENTS_FILE) as events:
        store = RunStore(folder, events, progress)
        store.save_candidates(candidates)
        structures = {i: candidate.structure for i, candidate in enumerate(candidates)}
        request, notes = decide_dispersion(request, candidates, store)
        settings = relax_settings(request.config, keep_symmetry=keep_symmetry)
        complete = False
        try:
            with hold.lifted():
                if relaxer is not None:
                    with store.stage("relax"):
                        ends = relax_pass(store, relaxer, TIGHT, structures, settings)
                        add_plain_energies(request, Relaxed(candidates, ends), store, relaxer)
                    reference = complete_hull(request, reference, store, relaxer)
                complete = True
        finally:
            relaxed = Relaxed(candidates, relax_pass(store, None, TIGHT, structures, settings))
            relaxed = add_plain_energies(request, relaxed, store, None)
            prediction = conclude(request, relaxed, reference, store, notes, complete=complete)
            write_run_folder(folder, prediction, run_record(request.config))

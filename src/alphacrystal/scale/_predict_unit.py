"""Predicting one formula of a campaign, so that doing it twice is no harm."""

from __future__ import annotations

import contextlib
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.checkpoint import FOLDER as CHECKPOINT
from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.report import finished_run
from alphacrystal.runtime.contained_paths import check_inside, remove_folder
from alphacrystal.runtime.failures import explain
from alphacrystal.runtime.folder_lock import FolderInUseError, lock_file
from alphacrystal.scale._units import Outcome, Unit

if TYPE_CHECKING:
    from alphacrystal.relax import Relaxer
    from alphacrystal.report import RunSummary

MAX_UNPACKED_BYTES = 100_000_000  # of a table in a packed run

_OWN = threading.local()  # a potential is loaded once by each thread that relaxes


@dataclass(frozen=True, slots=True)
class PredictUnit:
    """Work of a campaign: predicts a unit's formula into its folder.

    Whatever stopped an earlier try, this one goes on from its checkpoint; a finished result is only read.

    Attributes:
        campaign: Folder of the campaign, at the same place for all workers.
        settings: Settings of the prediction as plain values.
        page: Whether to write the report page.
        pack: Whether to put each finished folder into one zip file.
    """

    campaign: str
    settings: dict[str, object]
    page: bool = False
    pack: bool = False

    def __call__(self, unit: Unit) -> Outcome:
        """Predict; an error becomes the reason of a failure."""
        campaign = Path(self.campaign)
        folder = campaign / unit.folder
        begin, processor = time.monotonic(), _processor_seconds()
        try:
            check_inside(folder, campaign)
            _create_parent(folder)
            with lock_file(folder.with_name(f".{folder.name}.lock"), folder=folder, wait=True):
                run, result = self._result(unit, folder)
        except Exception as error:  # noqa: BLE001 - a failure of one formula does not stop the others
            kind = "input" if isinstance(error, InputError) else "internal"
            return Outcome(unit.key, explain(error)[1], kind, seconds=time.monotonic() - begin)
        best = run.rows[0] if run.rows else None
        return Outcome(
            unit.key,
            run.failure or None,
            "relaxation" if run.failure else "",
            result=result,
            structures=len(run.rows),
            space_group_number=best.space_group_number if best else None,
            space_group_symbol=best.space_group_symbol if best else "",
            energy_per_atom_ev=best.energy_per_atom_ev if best else None,
            formation_energy_ev_per_atom=best.formation_energy_ev_per_atom if best else None,
            e_above_hull_ev_per_atom=best.e_above_hull_ev_per_atom if best else None,
            seconds=time.monotonic() - begin,
            processor_seconds=_processor_seconds() - processor,
            timings=run.timings,
        )

    def _result(self, unit: Unit, folder: Path) -> tuple[RunSummary, str]:
        packed = folder.with_name(folder.name + ".zip")
        if self.pack and packed.is_file():
            run = self._unpacked_summary(packed, folder)
            if not run.failure:
                return run, f"{unit.folder}.zip"
        finished = finished_run(folder, page=self.page)
        if (
            finished is not None and finished.failure
        ):  # tried again: with another result, or the same sentence
            self._remove(folder)
            finished = None
        run = finished or self._predicted(unit, folder)
        self._remove(folder / CHECKPOINT)
        if not self.pack:
            return run, unit.folder
        _pack(folder, packed)
        self._remove(folder)
        return run, f"{unit.folder}.zip"

    def _remove(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            remove_folder(folder, Path(self.campaign))

    def _predicted(self, unit: Unit, folder: Path) -> RunSummary:
        from alphacrystal.pipeline.predict import predict
        from alphacrystal.report import read_run_folder

        settings = make_config(**self.settings)
        request = FormulaRequest(unit.formula, unit.cell, unit.space_group)
        own = request.applied_to(settings)
        begun = folder.exists()
        for again in (begun, False):
            try:
                predict(
                    unit.formula, own, folder=folder, resume=again, page=self.page, shared=_relaxer(settings)
                )
                break
            except FolderInUseError:  # a person resumes this run alone
                raise
            except InputError:
                if not again:
                    with contextlib.suppress(OSError):  # not empty
                        folder.rmdir()
                    raise
                # What a dying machine left cannot be read: begin anew.
                remove_folder(folder, Path(self.campaign))
        return read_run_folder(folder)

    def _unpacked_summary(self, packed: Path, folder: Path) -> RunSummary:
        """Facts and list of a packed run."""
        from alphacrystal.report import read_run_folder

        self._remove(folder)  # left where a process died after it had packed
        with zipfile.ZipFile(packed) as archive:
            for name in ("run.json", "summary.csv"):
                member = archive.getinfo(f"{folder.name}/{name}")
                if member.file_size > MAX_UNPACKED_BYTES:
                    raise InputError(f"{packed} is damaged: remove it and resume the campaign.")
                archive.extract(member, folder.parent)
        try:
            return read_run_folder(folder)
        finally:
            self._remove(folder)


def _relaxer(settings: PredictConfig) -> Relaxer | None:
    """The potential of this thread, or None where each run makes its own relaxer."""
    if not settings.relax or settings.relaxation != "gradient":
        return None
    if getattr(_OWN, "name", None) != settings.potential:
        from alphacrystal.relax import RelaxPool

        if hasattr(_OWN, "pool"):
            _OWN.pool.close()
        _OWN.name, _OWN.pool = settings.potential, RelaxPool(settings.potential, workers=1)
    pool: Relaxer = _OWN.pool
    return pool


def _processor_seconds() -> float:
    """Processor time of this process and of the relaxations of this thread, in s."""
    pool = getattr(_OWN, "pool", None)
    return time.process_time() + (0.0 if pool is None else pool.processor_seconds)


def _create_parent(folder: Path) -> None:
    """Create the folder above a run.

    Raises:
        AlphaCrystalError: It cannot be created.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlphaCrystalError(
            f"{folder.parent} cannot be written from where the work is done ({error.strerror}): "
            "workers need the folder of the campaign at the same path."
        ) from error


def _pack(folder: Path, packed: Path) -> None:
    """Write a finished run folder as one zip file; it appears whole or not at all."""
    partial = packed.with_name(f".{packed.name}.tmp")
    partial.unlink(missing_ok=True)  # of a process that died, or a link
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))
    partial.replace(packed)

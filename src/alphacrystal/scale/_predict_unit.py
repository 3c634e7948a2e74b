"""Predicting one formula of a campaign, so that doing it twice is no harm."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.checkpoint import FOLDER as CHECKPOINT
from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.failures import explain
from alphacrystal.formula_list import FormulaRequest
from alphacrystal.report import finished_run
from alphacrystal.scale._units import Outcome, Unit

if TYPE_CHECKING:
    from alphacrystal.relax import Relaxer
    from alphacrystal.report import RunSummary

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
        folder = Path(self.campaign) / unit.folder
        begin, processor = time.monotonic(), _processor_seconds()
        try:
            with _only_one(folder):
                run, result = self._result(unit, folder)
        except Exception as error:  # noqa: BLE001 - whatever one formula meets, the others get their turn
            kind = "input" if isinstance(error, InputError) else "internal"
            return Outcome(unit.key, explain(error)[1], kind, seconds=time.monotonic() - begin)
        best = run.rows[0] if run.rows else None
        return Outcome(
            unit.key,
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
            return _unpacked_summary(packed, folder), f"{unit.folder}.zip"
        run = finished_run(folder, page=self.page) or self._predicted(unit, folder)
        shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
        if not self.pack:
            return run, unit.folder
        _pack(folder, packed)
        return run, f"{unit.folder}.zip"

    def _predicted(self, unit: Unit, folder: Path) -> RunSummary:
        from alphacrystal.pipeline import predict
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
            except InputError:
                if not again:
                    if folder.exists() and not any(folder.iterdir()):
                        folder.rmdir()
                    raise
                shutil.rmtree(folder)  # what a dying machine left cannot be read: begin anew
        return read_run_folder(folder)


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
    """Processor time of this process and of the relaxations that this thread has had done, in s."""
    pool = getattr(_OWN, "pool", None)
    return time.process_time() + (0.0 if pool is None else pool.processor_seconds)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let no second process work in a folder; it waits, and then finds the result of the first.

    The lock ends with the process that holds it, however that ends. On a file system without locks there is
    none: then a unit that a scheduler runs twice at once is computed twice.

    Raises:
        AlphaCrystalError: The folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    path = folder.with_name(f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w")
    except OSError as error:
        raise AlphaCrystalError(
            f"{folder.parent} cannot be written from where the work is done ({error.strerror}): "
            "workers need the folder of the campaign at the same path."
        ) from error
    with stream:
        with contextlib.suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
        path.unlink(missing_ok=True)


def _pack(folder: Path, packed: Path) -> None:
    """One zip file in the place of a finished run folder; it appears whole or not at all."""
    partial = packed.with_name(f".{packed.name}.tmp")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))
    partial.replace(packed)
    shutil.rmtree(folder)


def _unpacked_summary(packed: Path, folder: Path) -> RunSummary:
    """What a packed run says of itself."""
    from alphacrystal.report import read_run_folder

    shutil.rmtree(folder, ignore_errors=True)  # left where a process died after it had packed
    with zipfile.ZipFile(packed) as archive:
        for name in ("run.json", "summary.csv"):
            archive.extract(f"{folder.name}/{name}", folder.parent)
    try:
        return read_run_folder(folder)
    finally:
        shutil.rmtree(folder)

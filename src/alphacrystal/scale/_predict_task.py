"""Predict one formula of a campaign; repeating a task is harmless."""

from __future__ import annotations

import contextlib
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import AlphaCrystalError, FolderInUseError, InputError, explain
from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.report import CHECKPOINT_FOLDER, finished_run
from alphacrystal.runtime.atomic_write import replacing
from alphacrystal.runtime.contained_paths import check_inside, remove_folder
from alphacrystal.runtime.folder_lock import lock_file
from alphacrystal.scale._executor import CampaignTask, TaskOutcome

if TYPE_CHECKING:
    from alphacrystal.relaxation import Relaxer, RelaxPool
    from alphacrystal.report import RunSummary

MAX_UNPACKED_BYTES = 100_000_000  # of a table in a packed run

_THREAD = threading.local()  # each thread that relaxes loads a potential once


@dataclass(frozen=True, slots=True)
class PredictTask:
    """The task function of a campaign: predicts the formula of a task into its folder.

    An unfinished run continues from its checkpoint; a finished result is only read.

    Attributes:
        campaign: Folder of the campaign, at the same path for all workers.
        settings: Settings of the prediction as plain values.
        page: Whether to write the report page.
        pack: Whether to pack each finished folder into one zip file.
    """

    campaign: str
    settings: dict[str, object]
    page: bool = False
    pack: bool = False

    def __call__(self, task: CampaignTask) -> TaskOutcome:
        """Predict; an error becomes the failure of the outcome."""
        campaign = Path(self.campaign)
        folder = campaign / task.folder
        begin, processor = time.monotonic(), _processor_seconds()
        try:
            check_inside(folder, campaign)
            _create_parent(folder)
            with lock_file(folder.with_name(f".{folder.name}.lock"), folder=folder, wait=True):
                run, result = self._result(task, folder)
        except Exception as error:  # noqa: BLE001 - a failure of one formula does not stop the others
            failure_type = "input" if isinstance(error, InputError) else "internal"
            return TaskOutcome(task.key, explain(error)[1], failure_type, seconds=time.monotonic() - begin)
        return TaskOutcome(
            task.key,
            run.failure or None,
            "relaxation" if run.failure else "",
            result=result,
            structures=len(run.rows),
            best=run.rows[0] if run.rows else None,
            seconds=time.monotonic() - begin,
            processor_seconds=_processor_seconds() - processor,
            timings_s=run.timings_s,
        )

    def _result(self, task: CampaignTask, folder: Path) -> tuple[RunSummary, str]:
        packed = folder.with_name(folder.name + ".zip")
        if self.pack and packed.is_file():
            run = self._unpacked_summary(packed, folder)
            if not run.failure:
                return run, f"{task.folder}.zip"
        finished = finished_run(folder, page=self.page)
        if finished is not None and finished.failure:  # a failed run starts anew
            self._remove(folder)
            finished = None
        run = finished or self._predicted(task, folder)
        self._remove(folder / CHECKPOINT_FOLDER)
        if not self.pack:
            return run, task.folder
        _pack(folder, packed)
        self._remove(folder)
        return run, f"{task.folder}.zip"

    def _remove(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            remove_folder(folder, Path(self.campaign))

    def _predicted(self, task: CampaignTask, folder: Path) -> RunSummary:
        from alphacrystal.pipeline.predict import predict
        from alphacrystal.report import read_run_folder

        settings = make_config(**self.settings)
        request = FormulaRequest(task.formula, task.cell, task.space_group)
        task_settings = request.applied_to(settings)
        begun = folder.exists()
        for again in (begun, False):
            try:
                predict(
                    task.formula,
                    task_settings,
                    folder=folder,
                    resume=again,
                    page=self.page,
                    shared=_relaxer(settings),
                    shared_second=_second_relaxer(settings),
                )
                break
            except FolderInUseError:  # a user resumes this run separately
                raise
            except InputError:
                if not again:
                    with contextlib.suppress(OSError):  # not empty
                        folder.rmdir()
                    raise
                # The files of a crashed machine may be unreadable: start anew.
                remove_folder(folder, Path(self.campaign))
        return read_run_folder(folder)

    def _unpacked_summary(self, packed: Path, folder: Path) -> RunSummary:
        """Facts and ranked list of a packed run."""
        from alphacrystal.report import read_run_folder

        self._remove(folder)  # remains where a process died after packing
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
    """The relaxer of this thread, or None where each run creates one."""
    if not settings.relax or settings.relaxation != "gradient":
        return None
    return _pool("first", settings.potential, settings.device)


def _second_relaxer(settings: PredictConfig) -> Relaxer | None:
    """The relaxer of the second potential of this thread, or None where each run creates one."""
    from alphacrystal.relaxation import EnergyScale, energy_scale

    if settings.rerank is None or energy_scale(settings.rerank) is EnergyScale.FORMATION:
        return None
    return _pool("second", settings.rerank, settings.device)


def _pool(role: str, potential: str, device: str) -> RelaxPool:
    """The worker process of this thread in a role, "first" or "second", with its potential."""
    from alphacrystal.relaxation import RelaxPool

    pools: dict[str, RelaxPool] = _THREAD.__dict__.setdefault("pools", {})
    if role in pools and (pools[role].potential_name, pools[role].device) != (potential, device):
        pools.pop(role).close()
    if role not in pools:
        pools[role] = RelaxPool(potential, workers=1, device=device)
    return pools[role]


def _processor_seconds() -> float:
    """Processor time of this process and of the relaxations of this thread, in s."""
    pools: dict[str, RelaxPool] = getattr(_THREAD, "pools", {})
    return time.process_time() + sum(pool.processor_seconds for pool in pools.values())


def _create_parent(folder: Path) -> None:
    """Create the folder above a run.

    Raises:
        AlphaCrystalError: It cannot be created.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AlphaCrystalError(
            f"{folder.parent} cannot be written by a worker ({error.strerror}): "
            "workers need the folder of the campaign at the same path."
        ) from error


def _pack(folder: Path, packed: Path) -> None:
    """Write a finished run folder as one zip file."""
    with replacing(packed) as unfinished, zipfile.ZipFile(unfinished, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))

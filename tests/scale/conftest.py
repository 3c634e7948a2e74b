"""Tasks of work to hand out, and a real Dask scheduler with workers on this machine."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.scale import CampaignStore, CampaignTask

WORK = """
import functools
import os
import time
from pathlib import Path

from alphacrystal.scale import TaskOutcome


def logged(log, seconds, task):
    '''Takes its time, and writes down each task that it finished.'''
    time.sleep(seconds)
    with open(log, "a") as stream:
        stream.write(task.formula + "\\n")
    return TaskOutcome(task.key, result=task.folder, structures=1, seconds=seconds)


def mixed(task):
    if task.formula == "NaCl":
        raise ValueError("no salt")
    if task.formula == "KCl":
        os._exit(9)
    return TaskOutcome(task.key)


def told_process(task):
    return TaskOutcome(task.key, structures=os.getpid())


def endless(task):
    time.sleep(60)


def broken(task):
    raise RuntimeError("no disk")
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of tasks of work that other processes can import too."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "campaign_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "campaign_work", raising=False)
    return importlib.import_module("campaign_work")


@pytest.fixture
def tasks() -> Callable[..., list[CampaignTask]]:
    """A function of formulas that makes tasks."""
    return lambda *formulas: [
        CampaignTask(formula, formula, None, None, f"runs/{formula}") for formula in formulas
    ]


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Path]:
    """A function of formulas that begins a campaign and returns its folder."""

    def begin(*formulas: str) -> Path:
        folder = tmp_path / "campaign"
        folder.mkdir()
        with CampaignStore(folder) as store:
            store.fill([FormulaRequest(formula) for formula in formulas], {"list": ""})
        return folder

    return begin


def wait_for(ready: Callable[[], Any], seconds: float = 120.0) -> Any:
    """What ``ready`` returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


@pytest.fixture
def patience() -> Callable[..., Any]:
    """A function that waits until something is so."""
    return wait_for


class Cluster:
    """A scheduler and workers as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.schedulers = 0

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=self.folder,
        )
        self.processes.append(process)
        return process

    def scheduler(self) -> tuple[str, subprocess.Popen[bytes]]:
        self.schedulers += 1
        told = self.folder / f"scheduler-{self.schedulers}.json"
        process = self._start(
            "distributed.cli.dask_scheduler",
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter"),
            *("--scheduler-file", str(told)),
        )
        wait_for(lambda: told.is_file() and told.read_text().strip().endswith("}"))
        return json.loads(told.read_text())["address"], process

    def worker(self, address: str) -> subprocess.Popen[bytes]:
        return self._start(
            "distributed.cli.dask_worker",
            address,
            *("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"),
            *("--local-directory", str(self.folder)),
        )

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Starts schedulers and workers; all end with the test."""
    pytest.importorskip("distributed", reason="needs the extra dask")
    folder = tmp_path / "cluster"
    folder.mkdir()
    running = Cluster(folder)
    yield running
    running.stop()

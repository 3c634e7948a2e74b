"""kill -9 of a worker, a scheduler, a client: nothing that was finished is lost or computed again."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alphacrystal.scale import CampaignStore, DaskExecutor, LocalExecutor, SchedulerLostError, run_campaign

FORMULAS = ("MgO", "CaO", "SrO", "BaO", "LiF", "NaF", "KF", "RbF", "CsF", "AgF")
Begun = Callable[..., Path]
Patience = Callable[..., Any]


def finished(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.is_file() else []


def index(folder: Path) -> dict[str, str]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as stream:
        return {row["formula"]: row["status"] for row in csv.DictReader(stream)}


def kill_once(ready: Callable[[], Any], victim: Callable[[], int], patience: Patience) -> threading.Thread:
    """A thread that kills a process once something is so."""

    def kill() -> None:
        patience(ready)
        os.kill(victim(), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_worker_of_this_machine(work: ModuleType, begun: Begun, tmp_path: Path, patience: Patience) -> None:
    log, folder = tmp_path / "log", begun(*FORMULAS)
    executor = LocalExecutor(partial(work.logged, log, 0.2), workers=2)
    killer = kill_once(lambda: len(finished(log)) >= 3, lambda: executor.worker_pids[0], patience)
    counts = run_campaign(folder, executor)
    killer.join()
    assert (counts.done, counts.failed, counts.waiting) == (10, 0, 0)
    assert set(index(folder).values()) == {"done"}
    # A task may have been killed after its line in the log and before its outcome; no more than that one.
    assert len(finished(log)) in {10, 11}


def test_worker_of_a_cluster(
    work: ModuleType, begun: Begun, tmp_path: Path, cluster: Any, patience: Patience
) -> None:
    log, folder = tmp_path / "log", begun(*FORMULAS)
    address, _ = cluster.scheduler()
    victim = cluster.worker(address)
    executor = DaskExecutor(partial(work.logged, log, 0.2), address)

    def kill_and_replace() -> None:
        patience(lambda: len(finished(log)) >= 2)
        victim.kill()
        cluster.worker(address)

    thread = threading.Thread(target=kill_and_replace)
    thread.start()
    counts = run_campaign(folder, executor)
    thread.join()
    assert (counts.done, counts.failed) == (10, 0)
    # The scheduler asks again for results that it had not handed over when the worker died.
    assert set(finished(log)) == set(FORMULAS)
    assert max(Counter(finished(log)).values()) <= 2


def test_scheduler(work: ModuleType, begun: Begun, tmp_path: Path, cluster: Any, patience: Patience) -> None:
    log, folder = tmp_path / "log", begun(*FORMULAS)
    address, scheduler = cluster.scheduler()
    worker = cluster.worker(address)
    recorded: list[int] = []

    def on_progress(stage: str, done: int, total: int) -> None:
        recorded.append(done)

    killer = kill_once(lambda: recorded and recorded[-1] >= 2, lambda: scheduler.pid, patience)
    slow = partial(work.logged, log, 0.5)
    with pytest.raises(SchedulerLostError, match=r"The Dask scheduler at tcp://.* is gone\."):
        run_campaign(folder, DaskExecutor(slow, address), on_progress=on_progress)
    killer.join()
    worker.kill()
    worker.wait()
    with CampaignStore(folder) as store:
        counts = store.counts()
        waiting = {task.formula for task in store.waiting()}
    assert counts.done >= 2
    assert counts.waiting == len(waiting) > 0
    kept = set(FORMULAS) - waiting
    assert {formula for formula, status in index(folder).items() if status == "done"} == kept

    before = len(finished(log))
    address, _ = cluster.scheduler()
    cluster.worker(address)
    assert run_campaign(folder, DaskExecutor(slow, address)).done == 10
    assert kept.isdisjoint(finished(log)[before:]), "a finished formula was computed again"
    assert sorted(finished(log)[before:]) == sorted(waiting)


@pytest.mark.slow
def test_client_and_its_workers(
    start_new_process: Callable[..., Any], start: Callable[..., Any], tmp_path: Path, patience: Patience
) -> None:
    """The real command, killed while its list is half done."""
    names = tmp_path / "formulas.txt"
    names.write_text("\n".join(FORMULAS) + "\n")
    folder = tmp_path / "campaign"
    quick = ("--candidates", "2", "--max-atoms", "4", "--no-relax")
    client = start_new_process("campaign", names, *quick, "--out", folder)
    # A result is on disk before the store knows it, by two workers here.
    patience(lambda: client.poll() is not None or len(results(folder)) >= 4)
    workers = children(client.pid)
    client.kill()
    client.communicate()
    assert workers
    patience(lambda: not any(alive(pid) for pid in workers), 30)
    assert 2 <= done_in(folder) < 10
    kept = {path: path.read_bytes() for path in results(folder)}
    last = start("campaign", "--resume", "--out", folder)
    out, err = last.communicate(timeout=300)
    assert last.returncode == 0, err
    assert "10 of 10 formulas done" in out
    assert set(index(folder).values()) == {"done"}
    assert all(path.read_bytes() == before for path, before in kept.items()), "a result was computed again"


def done_in(folder: Path) -> int:
    if not (folder / "campaign.sqlite").is_file():
        return 0
    with CampaignStore(folder) as store:
        return store.counts().done


def results(folder: Path) -> list[Path]:
    return [path for path in folder.glob("runs/*/*/run.json") if b'"complete": true' in path.read_bytes()]


def children(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

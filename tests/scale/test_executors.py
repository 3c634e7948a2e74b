"""What every executor promises, and what each adds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from alphacrystal.errors import InputError
from alphacrystal.scale import (
    CampaignTask,
    DaskExecutor,
    Executor,
    LocalExecutor,
    TaskOutcome,
    _local,
    empty_task,
)

Make = Callable[[Any], Executor]
Tasks = Callable[..., list[CampaignTask]]


def outcomes(executor: Executor, tasks: list[CampaignTask], seconds: float = 120.0) -> dict[str, TaskOutcome]:
    found: dict[str, TaskOutcome] = {}
    end = time.monotonic() + seconds
    with executor:
        for task in tasks:
            executor.submit(task)
        while len(found) < len(tasks) and time.monotonic() < end:
            found |= {outcome.key: outcome for outcome in executor.finished(0.2)}
    return found


@pytest.fixture(params=["local", "dask"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "local":
        return lambda work: LocalExecutor(work, workers=1)
    cluster = request.getfixturevalue("cluster")
    address, _ = cluster.scheduler()
    cluster.worker(address)
    return lambda work: DaskExecutor(work, address)


def test_each_unit_has_one_outcome(work: ModuleType, make: Make, tasks: Tasks) -> None:
    asked = tasks("MgO", "CaO", "SrO", "BaO", "LiF")
    executor = make(empty_task)
    found = outcomes(executor, asked)
    assert set(found) == {task.key for task in asked}
    assert all(outcome.failure is None for outcome in found.values())


def test_error_of_one_unit_is_its_failure_only(work: ModuleType, make: Make, tasks: Tasks) -> None:
    found = outcomes(make(work.mixed), tasks("MgO", "NaCl", "CaO"))
    assert found["MgO"].failure is found["CaO"].failure is None
    assert found["NaCl"].failure_type == "internal"
    assert "no salt" in str(found["NaCl"].failure)


def test_nothing_is_not_waited_for(make: Make) -> None:
    with make(empty_task) as executor:
        assert executor.finished(0.01) == []
        assert executor.capacity >= 1


def test_unit_that_kills_its_processes_fails_alone(work: ModuleType, tasks: Tasks) -> None:
    found = outcomes(LocalExecutor(work.mixed, workers=2), tasks("MgO", "KCl", "CaO", "SrO"))
    assert [found[key].failure for key in ("MgO", "CaO", "SrO")] == [None] * 3
    assert found["KCl"].failure_type == "died"
    assert "died" in str(found["KCl"].failure)


def test_processes_are_replaced_after_some_units(
    work: ModuleType, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_local, "MAX_TASKS_PER_PROCESS", 2)
    executor = LocalExecutor(work.told_process)
    found = outcomes(executor, tasks("MgO", "CaO", "SrO", "BaO", "LiF"))
    pids = [found[key].structures for key in ("MgO", "CaO", "SrO", "BaO", "LiF")]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_unit_beyond_its_time_fails_alone(work: ModuleType, tasks: Tasks) -> None:
    found = outcomes(LocalExecutor(work.endless, limit_s=0.5), tasks("MgO"))
    assert (found["MgO"].failure_type, found["MgO"].failure) == ("time", "It took more than 0.5 s.")


def test_no_scheduler_is_told_in_a_sentence() -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    executor = DaskExecutor(empty_task, "tcp://127.0.0.1:9", connect_s=1.0)
    with pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        executor.__enter__()


def test_two_campaigns_at_one_scheduler_do_not_share_outcomes(cluster: Any, tasks: Tasks) -> None:
    address, _ = cluster.scheduler()
    cluster.worker(address)
    quick, slow = DaskExecutor(empty_task, address), DaskExecutor(partial(empty_task, seconds=0.2), address)
    with quick, slow:
        for executor in (slow, quick):
            executor.submit(tasks("MgO")[0])
        found = []
        for executor in (slow, quick):
            while not (ended := executor.finished(1.0)):
                pass
            found.append(ended[0].seconds)
    assert found == [0.2, 0.0]

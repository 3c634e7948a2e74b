"""What every executor promises, and what each adds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from alphacrystal.errors import InputError
from alphacrystal.scale import DaskExecutor, Executor, LocalExecutor, Outcome, Unit, _local, no_work

Make = Callable[[Any], Executor]
Units = Callable[..., list[Unit]]


def outcomes(executor: Executor, units: list[Unit], seconds: float = 120.0) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    end = time.monotonic() + seconds
    with executor:
        for unit in units:
            executor.submit(unit)
        while len(found) < len(units) and time.monotonic() < end:
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


def test_each_unit_has_one_outcome(work: ModuleType, make: Make, units: Units) -> None:
    asked = units("MgO", "CaO", "SrO", "BaO", "LiF")
    executor = make(no_work)
    found = outcomes(executor, asked)
    assert set(found) == {unit.key for unit in asked}
    assert all(outcome.failure is None for outcome in found.values())


def test_error_of_one_unit_is_its_failure_only(work: ModuleType, make: Make, units: Units) -> None:
    found = outcomes(make(work.mixed), units("MgO", "NaCl", "CaO"))
    assert found["MgO"].failure is found["CaO"].failure is None
    assert found["NaCl"].kind == "internal"
    assert "no salt" in str(found["NaCl"].failure)


def test_nothing_is_not_waited_for(make: Make) -> None:
    with make(no_work) as executor:
        assert executor.finished(0.01) == []
        assert executor.capacity >= 1


def test_unit_that_kills_its_processes_fails_alone(work: ModuleType, units: Units) -> None:
    found = outcomes(LocalExecutor(work.mixed, workers=2), units("MgO", "KCl", "CaO", "SrO"))
    assert [found[key].failure for key in ("MgO", "CaO", "SrO")] == [None] * 3
    assert found["KCl"].kind == "died"
    assert "died" in str(found["KCl"].failure)


def test_processes_are_replaced_after_some_units(
    work: ModuleType, units: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_local, "RECYCLE", 2)
    executor = LocalExecutor(work.told_process)
    found = outcomes(executor, units("MgO", "CaO", "SrO", "BaO", "LiF"))
    pids = [found[key].structures for key in ("MgO", "CaO", "SrO", "BaO", "LiF")]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_unit_beyond_its_time_fails_alone(work: ModuleType, units: Units) -> None:
    found = outcomes(LocalExecutor(work.endless, limit_s=0.5), units("MgO"))
    assert (found["MgO"].kind, found["MgO"].failure) == ("time", "It took more than 0.5 s.")


def test_no_scheduler_is_told_in_a_sentence() -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    executor = DaskExecutor(no_work, "tcp://127.0.0.1:9", connect_s=1.0)
    with pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        executor.__enter__()


def test_two_campaigns_at_one_scheduler_do_not_share_outcomes(cluster: Any, units: Units) -> None:
    address, _ = cluster.scheduler()
    cluster.worker(address)
    quick, slow = DaskExecutor(no_work, address), DaskExecutor(partial(no_work, seconds=0.2), address)
    with quick, slow:
        for executor in (slow, quick):
            executor.submit(units("MgO")[0])
        found = []
        for executor in (slow, quick):
            while not (ended := executor.finished(1.0)):
                pass
            found.append(ended[0].seconds)
    assert found == [0.2, 0.0]

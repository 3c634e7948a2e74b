"""Relaxation on worker processes: same results, nothing lost when a worker dies or the user interrupts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError, PotentialError
from alphacrystal.relaxation import Potential, Relaxation, RelaxationStatus, RelaxPool, RelaxSettings, relax

Textbook = dict[str, Callable[..., Structure]]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def pool() -> Iterator[RelaxPool]:
    with RelaxPool("chgnet", workers=2) as running:
        yield running


def test_workers_give_what_one_process_gives(pool: RelaxPool, chgnet: Potential, textbook: Textbook) -> None:
    starts = [textbook[name]() for name in ("rutile", "wurtzite", "rock salt", "Zr4Al3")] * 5
    seen: dict[int, Relaxation] = {}
    ends = pool.relax(starts, on_result=seen.__setitem__)
    assert [seen[i] for i in range(len(starts))] == ends
    for start, end, expected in zip(starts, ends, relax(starts, chgnet), strict=True):
        assert end.status is expected.status
        assert end.energy_per_atom == expected.energy_per_atom
        assert end.structure.composition == start.composition


def test_settings_change_from_call_to_call(pool: RelaxPool, textbook: Textbook) -> None:
    start = textbook["quartz"](a=5.2)
    (loose,) = pool.relax([start], RelaxSettings(max_steps=1))
    (tight,) = pool.relax([loose.structure], RelaxSettings(fmax=0.02))
    assert loose.status is RelaxationStatus.STEP_LIMIT
    assert tight.converged
    assert pool.relax([]) == []


def test_killed_worker_is_replaced_and_its_structures_are_tried_again(
    pool: RelaxPool, textbook: Textbook
) -> None:
    starts = [textbook["rock salt"](4.9 + 0.04 * i) for i in range(24)]
    victim = pool.worker_pids[0]
    seen: list[int] = []

    def kill_at_first(index: int, _: Relaxation) -> None:
        if not seen:
            os.kill(victim, signal.SIGKILL)
        seen.append(index)

    ends = pool.relax(starts, RelaxSettings(fmax=0.01), on_result=kill_at_first)
    assert sorted(seen) == list(range(24))
    assert all(end.converged for end in ends)
    assert victim not in pool.worker_pids
    assert len(pool.worker_pids) == 2


def test_structure_that_kills_its_worker_twice_is_failed_and_the_rest_continues(
    textbook: Textbook, tmp_path, monkeypatch
) -> None:
    plugin = """
import os
from ase.calculators.lj import LennardJones


class Deadly(LennardJones):
    def calculate(self, atoms=None, *args, **kwargs):
        if len(atoms) == 2:
            os._exit(9)
        super().calculate(atoms, *args, **kwargs)


def make():
    return Deadly(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True)
"""
    (tmp_path / "deadly_potential.py").write_text(plugin)
    metadata = tmp_path / "deadly_potential-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly-potential\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[alphacrystal.potentials]\ndeadly = deadly_potential:make\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    starts = [textbook["argon"](5.0 + 0.1 * i) for i in range(6)]
    starts.insert(2, textbook["rock salt"](7.0))
    with RelaxPool("deadly", workers=2) as deadly:
        ends = deadly.relax(starts)
    assert ends[2].status is RelaxationStatus.FAILED
    assert ends[2].reason == "the worker process died while relaxing it"
    assert all(end.converged for i, end in enumerate(ends) if i != 2)


def test_unknown_element_is_refused(pool: RelaxPool, textbook: Textbook) -> None:
    polonium = Structure(Lattice.cubic(3.35), ["Po"], [[0, 0, 0]])
    with pytest.raises(InputError, match="chgnet does not know the element Po"):
        pool.relax([textbook["rock salt"](), polonium])


def test_unknown_potential_is_refused_before_any_worker_starts() -> None:
    with pytest.raises(PotentialError, match="no potential named"):
        RelaxPool("m4gnet", workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_stops_the_workers_and_keeps_what_was_finished(
    pool: RelaxPool, textbook: Textbook, workers: int
) -> None:
    starts = [textbook["quartz"](4.6 + 0.01 * i) for i in range(40)]
    seen: list[int] = []

    def interrupt_at_second(index: int, _: Relaxation) -> None:
        seen.append(index)
        if len(seen) == 2:
            signal.raise_signal(signal.SIGINT)

    stopped = pool if workers == 2 else RelaxPool("chgnet", workers=1)
    stopped.start()
    pids = stopped.worker_pids
    with pytest.raises(KeyboardInterrupt):
        stopped.relax(starts, RelaxSettings(fmax=0.01), on_result=interrupt_at_second)
    assert len(pids) == workers
    assert not any(alive(pid) for pid in pids)
    assert len(seen) == 2


def test_starting_launches_the_workers_and_closing_ends_them() -> None:
    early = RelaxPool("chgnet", workers=2)
    early.start()
    pids = early.worker_pids
    early.close()
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)

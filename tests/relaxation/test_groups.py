"""Relaxations give the same bits on any number of workers, after a death and after an interrupt."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Structure

from alphacrystal.relaxation import Potential, Relaxation, RelaxPool, RelaxSettings, relax
from alphacrystal.relaxation._relax import fixed_groups

Textbook = dict[str, Callable[..., Structure]]


def facts(end: Relaxation) -> tuple[Any, ...]:
    """Everything of a relaxation but its time, exactly."""
    structure = end.structure
    arrays = (structure.lattice.matrix.tobytes(), structure.frac_coords.tobytes())
    return arrays, end.status, end.reason, end.energy_per_atom, end.max_force, end.max_stress, end.steps


@pytest.fixture(scope="module")
def starts(textbook: Textbook) -> list[Structure]:
    """Eleven strained structures of different sizes: two groups."""
    rng = random.Random(7)
    names = ["rutile", "rock salt", "wurtzite", "quartz", "perovskite"]
    crystals = [textbook[names[number % len(names)]]() for number in range(11)]
    for crystal in crystals:
        crystal.apply_strain([rng.uniform(-0.05, 0.05) for _ in range(3)])
    return crystals


@pytest.fixture(scope="module")
def two() -> Iterator[RelaxPool]:
    with RelaxPool("chgnet", workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def expected(starts: list[Structure], two: RelaxPool) -> list[Relaxation]:
    return two.relax(starts)


def test_number_of_workers_does_not_change_a_bit(
    starts: list[Structure], expected: list[Relaxation], chgnet: Potential
) -> None:
    assert len({end.energy_per_atom for end in expected}) == len(starts)
    torch.set_num_threads(2)  # as on a machine with two processors
    try:
        here = relax(starts, chgnet)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert [facts(end) for end in here] == [facts(end) for end in expected]
    with RelaxPool("chgnet", workers=1) as one:
        assert [facts(end) for end in one.relax(starts)] == [facts(end) for end in here]


@pytest.mark.parametrize("seed", range(3))
def test_what_an_interrupted_call_has_left_gets_the_same_bits(
    starts: list[Structure], expected: list[Relaxation], two: RelaxPool, seed: int
) -> None:
    done = random.Random(seed).sample(range(len(starts)), 4 + seed)
    seen: dict[int, Relaxation] = {}
    ends = two.relax(starts, finished={i: expected[i] for i in done}, on_result=seen.__setitem__)
    assert [facts(end) for end in ends] == [facts(end) for end in expected]
    assert sorted(seen) == sorted(set(range(len(starts))) - set(done))
    assert all(ends[i] is expected[i] for i in done)


def test_nothing_is_relaxed_where_everything_is_finished(
    starts: list[Structure], expected: list[Relaxation]
) -> None:
    pool = RelaxPool("chgnet", workers=2)
    assert pool.relax(starts, finished=dict(enumerate(expected))) == expected
    assert pool.worker_pids == []


@pytest.mark.parametrize("after", [0, pytest.param(3, marks=pytest.mark.slow)])
def test_worker_that_is_killed_from_outside_changes_no_bit(
    starts: list[Structure], expected: list[Relaxation], after: int
) -> None:
    seen: list[int] = []

    def kill_one(index: int, _: Relaxation) -> None:
        if len(seen) == after:
            os.kill(pool.worker_pids[0], signal.SIGKILL)
        seen.append(index)

    with RelaxPool("chgnet", workers=2) as pool:
        ends = pool.relax(starts, on_result=kill_one)
    assert sorted(seen) == list(range(len(starts)))
    assert [facts(end) for end in ends] == [facts(end) for end in expected]


def test_results_of_one_call_never_get_into_the_next(
    starts: list[Structure], expected: list[Relaxation], two: RelaxPool
) -> None:
    """A group of which only a quick structure is missing is still at work when that one has its result."""
    quick = min(range(6), key=lambda i: expected[i].steps)
    two.relax(starts, finished={i: end for i, end in enumerate(expected) if i != quick})
    other = two.relax(starts[::-1], RelaxSettings(max_steps=0))
    assert [end.structure.composition for end in other] == [start.composition for start in starts[::-1]]
    assert {end.steps for end in other} == {0}


@given(st.integers(0, 60), st.integers(1, 20), st.sets(st.integers(0, 59)))
def test_groups_hold_each_structure_once_and_do_not_depend_on_what_is_finished(
    count: int, batch: int, finished: set[int]
) -> None:
    whole = fixed_groups(count, batch)
    assert [index for group in whole for index in group] == list(range(count))
    assert all(1 <= len(group) <= batch for group in whole)
    assert len(whole) >= min(count, 2)
    left = fixed_groups(count, batch, finished)
    assert set(left) <= set(whole)
    assert {index for group in left for index in group} >= set(range(count)) - finished
    assert all(set(group) - finished for group in left)

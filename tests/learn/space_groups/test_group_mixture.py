"""Two opinions on the space group made one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphacrystal.learn.space_groups import mix_space_groups

GROUPS = np.array([225, 225, 221, 62])
LOGS = np.log([0.4, 0.2, 0.3, 0.1])


def opinion(**shares: float) -> np.ndarray:
    values = np.zeros(231)
    for number, share in shares.items():
        values[int(number[1:])] = share
    return values


def test_groups_are_mixed_and_types_keep_their_ratios() -> None:
    found = np.exp(mix_space_groups(GROUPS, LOGS, opinion(g62=0.5, g221=0.5), 0.2))
    assert found[3] == pytest.approx(0.8 * 0.1 + 0.2 * 0.5)
    assert found[2] == pytest.approx(0.8 * 0.3 + 0.2 * 0.5)
    assert found[:2] == pytest.approx([0.8 * 0.4, 0.8 * 0.2])


def test_groups_without_a_type_get_nothing() -> None:
    found = np.exp(mix_space_groups(GROUPS, LOGS, opinion(g62=0.25, g194=0.75), 0.2))
    assert found.sum() == pytest.approx(1)
    assert found[3] == pytest.approx(0.8 * 0.1 + 0.2)
    assert mix_space_groups(GROUPS, LOGS, opinion(g194=1.0)) == pytest.approx(LOGS)


def test_a_group_that_its_types_rule_out_can_be_brought_back() -> None:
    logs = np.array([0.0, -2000.0, -2000.0])
    found = np.exp(mix_space_groups(np.array([225, 62, 62]), logs, opinion(g62=1.0), 0.2))
    assert found == pytest.approx([0.8, 0.1, 0.1])


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_the_result_is_a_distribution_and_share_zero_changes_nothing(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(1, 231, 30)
    logs = np.log(rng.dirichlet(np.ones(30)))
    other = np.append(0, rng.dirichlet(np.ones(230)))
    assert np.exp(mix_space_groups(groups, logs, other, share)).sum() == pytest.approx(1)
    assert mix_space_groups(groups, logs, other, 0.0) == pytest.approx(logs, abs=1e-9)

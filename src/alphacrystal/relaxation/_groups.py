"""The fixed groups in which structures are relaxed."""

from __future__ import annotations

import math
from collections.abc import Container

#: Largest group of structures that are relaxed side by side; larger ones gain little and delay results.
GROUP_SIZE = 8


def fixed_groups(count: int, batch_size: int, finished: Container[int] = ()) -> list[tuple[int, ...]]:
    """Divide structures into groups that are relaxed side by side, each group for itself.

    Single precision rounds differently in batches of other structures, up to 3e-4 eV/atom after a relaxation.
    The groups therefore depend on nothing but ``count`` and ``batch_size``: not on the number of workers, not
    on which structure finishes first, and not on the finished part of an interrupted run.

    Args:
        count: Number of structures.
        batch_size: Most structures that the potential evaluates together.
        finished: Indices with a result; groups in which every structure has one are left out.

    Returns:
        Consecutive indices, at least two groups where there are two structures or more.
    """
    size = max(1, min(GROUP_SIZE, batch_size, math.ceil(count / 2)))
    groups = [tuple(range(count)[start : start + size]) for start in range(0, count, size)]
    return [group for group in groups if any(index not in finished for index in group)]


def batch_size(potential: object) -> int:
    """Most structures that a potential evaluates together: its ``batch_size``, `GROUP_SIZE` without one."""
    size = getattr(potential, "batch_size", GROUP_SIZE)
    return max(1, size) if isinstance(size, int) else GROUP_SIZE

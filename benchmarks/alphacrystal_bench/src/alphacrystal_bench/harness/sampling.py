"""Some of the items of a benchmark, where not all are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def drawn(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """At most ``limit`` items, drawn at random and in their order; all if None."""
    if limit is None:
        return list(items)
    order = np.random.default_rng(seed).permutation(len(items))[:limit]
    return [items[index] for index in sorted(order)]

"""The volume that a composition probably takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

#: Spread of the logarithm of the volume about the table's: 5 to 95 % of validation compounds are within
#: -0.19 to +0.4, half within 0.08.
VOLUME_SPREAD = 0.12
UNKNOWN_VOLUME = 25.0  # Å³; of elements that no training crystal holds


@cache
def atomic_volumes() -> Mapping[str, float]:
    """Volume in Å³ that an atom of each element adds to a crystal, fitted to known ones.

    Source: scripts/fit_atomic_volumes.py on Materials Project structures (CC BY 4.0); no benchmark compound
    is among them.
    """
    text = files("alphacrystal.generate").joinpath("data/atomic_volumes.json").read_text(encoding="utf-8")
    table: dict[str, float] = json.loads(text)["volumes"]
    return table


def expected_volume(counts: Mapping[str, int]) -> float:
    """Volume in Å³ of a cell content."""
    table = atomic_volumes()
    return sum(count * max(table.get(symbol, UNKNOWN_VOLUME), 1.0) for symbol, count in counts.items())

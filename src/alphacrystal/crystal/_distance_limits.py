"""Least distances of two elements, from texts and mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alphacrystal.errors import one_line

MAX_LEAST_DISTANCE = 10.0  # Å


def parse_distance_limits(values: Mapping[object, object] | Sequence[object]) -> dict[str, float]:
    """Limits in Å by pair of elements in alphabetical order, e.g. {"O-Ti": 1.8}.

    Args:
        values: Limits by pair, or texts such as "Ti-O=1.8"; of several limits of a pair the largest counts.

    Raises:
        ValueError: A pair or a distance cannot be used; the message says how to write one.
    """
    items = values.items() if isinstance(values, Mapping) else [str(v).partition("=")[::2] for v in values]
    limits: dict[str, float] = {}
    for pair, distance in items:
        elements = re.fullmatch(r"\s*([A-Z][a-z]?)\s*-\s*([A-Z][a-z]?)\s*", str(pair))
        try:
            limit = float(str(distance))
        except ValueError:
            limit = -1.0
        if elements is None or not 0 < limit <= MAX_LEAST_DISTANCE:
            raise ValueError(
                f"give two elements and a distance up to {MAX_LEAST_DISTANCE:g} Å, e.g. O-O=2.4, not "
                f"{one_line(f'{pair}={distance}'[:40])!r}"
            )
        name = "-".join(sorted(elements.groups()))
        limits[name] = max(limit, limits.get(name, 0.0))
    return dict(sorted(limits.items()))

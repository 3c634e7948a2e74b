"""The budget of an exploration: a time or a number of formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alphacrystal.errors import InputError, one_line

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(formulas?|s|seconds?|min|minutes?|h|hours?)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit; one of the two is None.

    Attributes:
        seconds: Wall seconds of this start.
        formulas: Predicted formulas, those of earlier starts included.
    """

    seconds: float | None = None
    formulas: int | None = None

    def __str__(self) -> str:
        return f"{self.formulas} formulas" if self.seconds is None else f"{self.seconds / 60:g} min"


def parse_budget(text: str) -> Budget:
    """A budget such as "30min", "2h", "90s" or "200formulas".

    Raises:
        InputError: It is none of them, or zero.
    """
    found = _BUDGET.fullmatch(text.strip().lower())
    if found is None or float(found[1]) == 0:
        raise InputError(
            f"The budget {one_line(text[:30])!r} cannot be read: give a time or a number of formulas, "
            "e.g. 30min, 2h or 200formulas."
        )
    amount, unit = float(found[1]), found[2]
    if unit.startswith("formula"):
        if amount != int(amount) or amount > 1e6:
            raise InputError("A budget of formulas is a whole number up to 1000000, e.g. 200formulas.")
        return Budget(formulas=int(amount))
    return Budget(seconds=amount * _SECONDS[unit[0]])

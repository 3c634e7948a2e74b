"""Typeset formulas and space-group symbols."""

from __future__ import annotations

import re

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def typeset_formula(formula: str) -> str:
    """Counts as subscripts: "TiO2" becomes "TiO₂"."""
    return re.sub(r"(?<=[A-Za-z)\]])\d+", lambda count: count[0].translate(_SUBSCRIPTS), formula)


def typeset_symbol(symbol: str) -> str:
    """Screw axes as subscripts: "P4_2/mnm" becomes "P4₂/mnm"."""
    return re.sub(r"_(\d)", lambda axis: axis[1].translate(_SUBSCRIPTS), symbol)

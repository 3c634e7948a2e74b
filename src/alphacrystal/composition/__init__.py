"""Formulas, cell contents and the element table.

Text a user types becomes a `Formula`; a formula times Z becomes a `CellContent`; elements become features.
"""

from alphacrystal.composition._elements import ElementTable, element_features, element_order, element_table
from alphacrystal.composition._formula import (
    CellContent,
    Formula,
    flat_name,
    formula_units_within,
    parse_cell,
    parse_formula,
)

__all__ = [
    "CellContent",
    "ElementTable",
    "Formula",
    "element_features",
    "element_order",
    "element_table",
    "flat_name",
    "formula_units_within",
    "parse_cell",
    "parse_formula",
]

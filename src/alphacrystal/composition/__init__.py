"""Formulas, cell contents and the element table.

Text a user types becomes a `Formula`; a formula times Z becomes a `CellContent`; elements become features.
"""

from alphacrystal.composition._elements import ElementTable, element_features, element_order, element_table
from alphacrystal.composition._formula import (
    LARGEST_CHANGE,
    CellContent,
    Formula,
    flat_name,
    formula_units_within,
    parse_cell,
    parse_formula,
    simpler_formula,
    typed_fractions,
)
from alphacrystal.composition._ratios import (
    ANY_RATIO_ATOMS,
    BALANCED,
    charge_imbalance,
    reduced_ratios,
    system_ratios,
)

__all__ = [
    "ANY_RATIO_ATOMS",
    "BALANCED",
    "LARGEST_CHANGE",
    "CellContent",
    "ElementTable",
    "Formula",
    "charge_imbalance",
    "element_features",
    "element_order",
    "element_table",
    "flat_name",
    "formula_units_within",
    "parse_cell",
    "parse_formula",
    "reduced_ratios",
    "simpler_formula",
    "system_ratios",
    "typed_fractions",
]

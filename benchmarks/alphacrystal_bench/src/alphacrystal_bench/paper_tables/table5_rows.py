"""The eight rows of the paper's Table 5 and the compounds of its Figure 7."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from alphacrystal.errors import InputError

Subset = Literal["all", "cubic", "binary", "ternary"]

PAPER_EPOCHS = 125
# Compounds of the paper's Figure 7: reduced formula, Materials Project id.
FIGURE7_COMPOUNDS = (("EuSi2", "mp-1072248"), ("ScTlAg2", "mp-1093619"))


@dataclass(frozen=True, slots=True)
class Table5Row:
    """One model of the paper's Table 5.

    Attributes:
        number: Row of the table, 1-8.
        name: The paper's name of the model.
        subset: Subset of Mp_12 for training and test.
        classes: Distance classes N.
        train, test: Numbers of structures.
        mse: The paper's mean squared error in Å².
        rmse: The paper's RMSE in Å, a mean over structures.
        overlap: The paper's distance map overlap (eq. 4, 8 Å).
    """

    number: int
    name: str
    subset: Subset
    classes: int
    train: int
    test: int
    mse: float
    rmse: float
    overlap: float


# AlphaCrystal-II, Table 5: "Distance matrix prediction performance of AlphaCrystal-II".
TABLE5_ROWS = (
    Table5Row(1, "AlphaCrystal-II", "all", 5, 1_000, 100, 4.9538, 1.8841, 0.9045),
    Table5Row(2, "AlphaCrystal-II", "all", 5, 10_000, 1_000, 2.3764, 1.2269, 0.9979),
    Table5Row(3, "AlphaCrystal-II", "all", 10, 1_000, 100, 2.8586, 1.3399, 0.9981),
    Table5Row(4, "AlphaCrystal-II", "all", 10, 10_000, 1_000, 1.8932, 1.0984, 0.9989),
    Table5Row(5, "AlphaCrystal-II", "all", 20, 10_000, 1_000, 1.5591, 0.9239, 0.9992),
    Table5Row(6, "AlphaCrystal-II_cubic", "cubic", 10, 2_638, 200, 1.0125, 0.7394, 0.9746),
    Table5Row(7, "AlphaCrystal-II_binary", "binary", 10, 4_678, 400, 2.7835, 1.3109, 0.9980),
    Table5Row(8, "AlphaCrystal-II_ternary", "ternary", 10, 9_292, 1_000, 2.0832, 1.2779, 0.9985),
)


def rows_numbered(numbers: tuple[int, ...], share: float = 1.0) -> tuple[Table5Row, ...]:
    """Rows of Table 5 by number, in the order of the table.

    Args:
        numbers: 1-8.
        share: Share of the paper's training and test sizes.

    Raises:
        InputError: A number is not in the table, or none is given.
    """
    known = {row.number: row for row in TABLE5_ROWS}
    for number in numbers:
        if number not in known:
            raise InputError(f"Table 5 has the rows 1 to {len(known)}: there is no row {number}.")
    if not numbers:
        raise InputError(f"Name at least one of the rows 1 to {len(known)} of Table 5.")
    return tuple(
        replace(row, train=max(2, round(share * row.train)), test=max(2, round(share * row.test)))
        for number, row in known.items()
        if number in numbers
    )

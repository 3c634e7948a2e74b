"""The elements 1-103: names, their order in a formula, and the 11 features of the paper's Table 1."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.typing import FloatArray

_DATA = files("alphacrystal.composition") / "data"


@dataclass(frozen=True, slots=True, eq=False)
class ElementTable:
    """Eleven properties of the elements 1-103, as the packages named in ``sources`` publish them.

    Attributes:
        values: Shape (104, 11), float64, read-only; row = atomic number (row 0 is unused and NaN), NaN where
            no value is known.
        columns: Machine names of the 11 columns, e.g. "covalent_radius".
        units: Unit of each column, "" where it has none.
        sources: Publication or definition behind each column.
        symbols: Element of each row, "" for row 0.
    """

    values: FloatArray
    columns: tuple[str, ...]
    units: tuple[str, ...]
    sources: tuple[str, ...]
    symbols: tuple[str, ...]

    def column(self, name: str) -> FloatArray:
        """One property for all elements: shape (104,), index = atomic number, NaN where unknown."""
        return self.values[:, self.columns.index(name)]


@lru_cache(maxsize=1)
def _rows() -> dict[str, dict[str, str]]:
    lines = (_DATA / "elements.csv").read_text(encoding="utf-8").splitlines()
    return {row["symbol"]: row for row in csv.DictReader(lines)}


@lru_cache(maxsize=1)
def element_keys() -> dict[str, tuple[float, int]]:
    """Symbol -> (Pauling electronegativity or 0.0 where there is none, atomic number)."""
    return {
        symbol: (float(row["electronegativity"] or 0.0), int(row["atomic_number"]))
        for symbol, row in _rows().items()
    }


@lru_cache(maxsize=1)
def element_names() -> dict[str, str]:
    """English name in lower case, American or British -> symbol."""
    names = {row["name"].lower(): symbol for symbol, row in _rows().items()}
    return names | {"aluminium": "Al", "sulphur": "S", "caesium": "Cs"}


def element_order(symbol: str) -> tuple[float, int]:
    """Sort key of an element within a formula: Pauling electronegativity, then atomic number.

    Elements without an electronegativity (He, Ne, Ar) count as 0 and come first.

    Raises:
        InputError: the symbol is not one of the elements 1-103.
    """
    key = element_keys().get(symbol)
    if key is None:
        raise InputError(f"{symbol!r} is not one of the supported elements 1-103 (H to Lr).")
    return key


@lru_cache(maxsize=1)
def element_table() -> ElementTable:
    """The paper's Table 1 for the elements 1-103; see ``docs/elements.md`` for the conventions."""
    import numpy as np

    document = json.loads((_DATA / "elements.json").read_text(encoding="utf-8"))
    columns: list[dict[str, Any]] = document["columns"]
    names = tuple(column["name"] for column in columns)
    values = np.full((len(_rows()) + 1, len(names)), np.nan)
    for row in _rows().values():
        values[int(row["atomic_number"])] = [float(row[name] or "nan") for name in names]
    values.flags.writeable = False
    return ElementTable(
        values=values,
        columns=names,
        units=tuple(column["unit"] for column in columns),
        sources=tuple(column["source"] for column in columns),
        symbols=("", *_rows()),
    )


def element_features(standardised: bool = True) -> FloatArray:
    """The element table without gaps, for networks: shape (104, 11), float64, row = atomic number.

    A missing value becomes the mean of its column over the elements that have one, so that it is 0 and
    carries no signal once standardised; ``docs/elements.md`` lists which values that concerns. Row 0 is all
    zeros and can serve as padding.

    Args:
        standardised: Shift and scale each column to mean 0 and standard deviation 1 over the elements 1-103;
            otherwise the values keep the units of ``element_table``.
    """
    import numpy as np

    known = element_table().values[1:]  # (103, 11)
    features = np.where(np.isnan(known), np.nanmean(known, axis=0), known)
    if standardised:
        features = (features - features.mean(axis=0)) / features.std(axis=0)
    return np.vstack([np.zeros(features.shape[1]), features])

"""Energies of the elements, computed with the same potential, and formation energies against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, FiniteFloat

from alphacrystal.errors import InputError
from alphacrystal.runtime.bounded_files import read_json

#: Bytes of the largest table of elemental energies.
_MAX_BYTES = 4_000_000


class _ReferenceEntry(BaseModel):
    energy_per_atom: FiniteFloat


class _ReferenceTable(BaseModel):
    potential: str
    elements: dict[str, _ReferenceEntry]


@cache
def elemental_references(potential_name: str) -> Mapping[str, float] | None:
    """Energy per atom in eV of each element's most stable crystal with this potential.

    Source: `alphacrystal data references` on the elemental entries of the Materials Project
    (CC BY 4.0); each entry of the table names its crystal. None where no table is shipped for the potential.
    """
    file = resources.files("alphacrystal.relaxation") / "data" / f"references_{potential_name}.json"
    if not file.is_file():
        return None
    elements = json.loads(file.read_text(encoding="utf-8"))["elements"]
    return {symbol: float(entry["energy_per_atom"]) for symbol, entry in elements.items()}


def read_references(path: Path, potential_name: str) -> Mapping[str, float]:
    """A table of elemental energies in eV/atom that `alphacrystal data references` wrote.

    Raises:
        InputError: The file is no such table, or is of another potential.
    """
    try:
        table = _ReferenceTable.model_validate(read_json(path, _MAX_BYTES))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is no table of elemental energies: write one with alphacrystal data references."
        ) from error
    if table.potential != potential_name:
        raise InputError(
            f"The elemental energies in {path} are of the potential {table.potential[:40]!r}, not of "
            f"{potential_name}."
        )
    return {symbol: entry.energy_per_atom for symbol, entry in table.elements.items()}


def formation_energy_per_atom(
    composition: Mapping[str, float],
    energy_per_atom: float,
    potential_name: str,
    references: Mapping[str, float] | None = None,
) -> float | None:
    """Formation energy per atom in eV against the elements, all from one potential.

    Args:
        composition: Atoms of each element symbol, in any common multiple.
        energy_per_atom: Of the compound, eV/atom, on the same potential's scale.
        potential_name: Whose shipped elemental references to use.
        references: Elemental references to use instead.

    Returns:
        The formation energy, or None where a reference is missing.
    """
    if references is None:
        references = elemental_references(potential_name)
    if references is None or not references.keys() >= composition.keys():
        return None
    atoms = sum(composition.values())
    return energy_per_atom - sum(count * references[symbol] for symbol, count in composition.items()) / atoms

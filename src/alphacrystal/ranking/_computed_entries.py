"""Strict reading of pymatgen's computed entries: numbers and names only, never its object decoder.

pymatgen's `from_dict` imports the modules that a file names. Here the fields that a hull needs are validated,
and objects are built from them.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, structure_from_json
from alphacrystal.errors import InputError, validation_problem

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Largest entry file in bytes; the Materials Project's entries of a six-element system take about 50 MB.
MAX_BYTES = 512 * 2**20

#: An element with or without an oxidation state, as pymatgen writes species: "Na", "Na+", "Fe2.5+".
_SPECIES = re.compile(r"([A-Z][a-z]?)(?:\d*\.?\d*[+-])?")
#: A stored correction that differs from the sum of its parts by more (eV/atom) contradicts itself.
_SAME_CORRECTION = 1e-3
#: Largest energy and correction in eV/atom that a calculation can give; larger ones are of the whole cell.
_MAX_ENERGY = 1e5


def _amounts(value: object) -> object:
    """Atoms by element symbol, from a mapping of species names to amounts."""
    if not isinstance(value, dict):
        raise ValueError("it must be a mapping of element symbols to amounts")
    counts: dict[str, Any] = {}
    known = set(element_table().symbols[1:])
    for name, amount in value.items():
        match = _SPECIES.fullmatch(str(name))
        symbol = ISOTOPES.get(match[1], match[1]) if match else None
        if symbol not in known:
            raise ValueError(f"{name!r} is not an element from H to Lr")
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise ValueError(f"the amount of {name} must be a number")
        counts[symbol] = counts.get(symbol, 0) + amount
    return counts


Amount = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Composition = Annotated[dict[str, Amount], BeforeValidator(_amounts), Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Adjustment(_Strict):
    """An energy correction as pymatgen stores it: a value, or the factors of one."""

    name: str | None = None
    value: FiniteFloat | None = None
    adj_per_atom: FiniteFloat | None = None
    adj_per_deg: FiniteFloat | None = None
    n_atoms: FiniteFloat | None = None
    temp: FiniteFloat | None = None

    def energy(self) -> float:
        """The correction in eV per cell.

        Raises:
            ValueError: It has neither a value nor all factors of one.
        """
        if self.value is not None:
            return self.value
        factors = (self.adj_per_atom, self.n_atoms)
        if self.adj_per_deg is not None:
            factors = (self.adj_per_deg * self.temp if self.temp is not None else None, self.n_atoms)
        if factors[0] is None or factors[1] is None:
            raise ValueError("an energy adjustment has no value")
        return factors[0] * factors[1]


class _Parameters(_Strict):
    run_type: str | None = None
    hubbards: dict[str, FiniteFloat] | None = None


class _Data(_Strict):
    oxide_type: str | None = None
    sulfide_type: str | None = None


class _Entry(_Strict):
    type_name: Literal["ComputedEntry", "ComputedStructureEntry"] = Field(alias="@class")
    energy: FiniteFloat
    composition: Composition | None = None
    entry_id: str | int | None = None
    correction: FiniteFloat | None = None
    energy_adjustments: list[Adjustment] | None = None
    parameters: _Parameters | None = None
    data: _Data | None = None
    structure: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ComputedPhase:
    """One computed entry of a file.

    Attributes:
        id: Its ``entry_id``, else the name of the file and its number.
        composition: Atoms per cell by element symbol.
        energy: Uncorrected energy of the cell in eV.
        corrections: (name, eV per cell) of each stored correction.
        run_type: Functional as the file states it, e.g. "GGA+U", "R2SCAN"; None where it states none.
        hubbards: Hubbard U in eV by element symbol.
        classes: pymatgen's ``oxide_type`` and ``sulfide_type`` where the file states them.
        structure: The crystal, None for a ComputedEntry.
    """

    id: str
    composition: dict[str, float]
    energy: float
    corrections: tuple[tuple[str, float], ...]
    run_type: str | None
    hubbards: dict[str, float]
    classes: dict[str, str]
    structure: Structure | None

    @property
    def atoms(self) -> float:
        """Atoms per cell."""
        return math.fsum(self.composition.values())


def read_computed_entries(path: Path, elements: set[str]) -> list[ComputedPhase]:
    """Entries of a JSON file that contain no other than the given elements.

    Every entry is validated, those of other chemical systems too.

    Args:
        path: A JSON list of ComputedEntry or ComputedStructureEntry, or an object with such a list "entries".
        elements: Symbols of the chemical system.

    Raises:
        InputError: The file is not such a list, or an entry has a value that cannot be used; names the entry.
    """
    items = _json_list(path)
    phases = []
    for number, item in enumerate(items, start=1):
        stated = item.get("entry_id") if isinstance(item, dict) else None
        where = f"{path}: entry {number}" + (f" ({stated})" if isinstance(stated, str | int) else "")
        try:
            entry = _Entry.model_validate(item)
        except ValidationError as error:
            raise InputError(f"{where} cannot be used: {validation_problem(error)}.") from error
        try:
            phase = _phase(entry, f"{path.stem}-{number}", elements)
        except (ValueError, InputError) as error:
            raise InputError(f"{where} cannot be used: {str(error).rstrip('.')}.") from error
        if phase is not None:
            phases.append(phase)
    return phases


def _json_list(path: Path) -> Sequence[Any]:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(
                f"{path} is larger than {MAX_BYTES // 2**20} MB: keep the entries of one chemical system."
            )
        document = TypeAdapter(Any).validate_json(content.removeprefix(b"\xef\xbb\xbf"))
    except (OSError, EOFError, zlib.error, ValidationError) as error:
        reason = validation_problem(error) if isinstance(error, ValidationError) else error
        raise InputError(f"{path} could not be read as JSON of pymatgen entries ({reason}).") from error
    items = document.get("entries") if isinstance(document, dict) else document
    if not isinstance(items, list) or not any(isinstance(item, dict) for item in items):
        raise InputError(
            f"{path} is no list of pymatgen ComputedEntry or ComputedStructureEntry: give such a JSON file, "
            "or records in .jsonl."
        )
    return items


def _phase(entry: _Entry, default_id: str, elements: set[str]) -> ComputedPhase | None:
    """The phase of an entry; None where it contains other elements.

    Raises:
        ValueError: Its values contradict each other.
        InputError: Its structure cannot be used.
    """
    composition = entry.composition
    structure = None
    if composition is None:
        if entry.structure is None:
            raise ValueError("it has neither a composition nor a structure")
        structure = structure_from_json(entry.structure, "its structure")
        composition = {str(k): float(v) for k, v in structure.composition.get_el_amt_dict().items()}
    atoms = math.fsum(composition.values())
    if abs(entry.energy) > _MAX_ENERGY * atoms:
        raise ValueError(f"its energy of {entry.energy:.3g} eV is not that of {atoms:g} atoms")
    corrections = _corrections(entry, atoms)
    if not composition.keys() <= elements:
        return None
    if structure is None and entry.structure is not None:
        structure = structure_from_json(entry.structure, "its structure")
        if not _same_composition(composition, structure):
            raise ValueError(
                f"its structure is {structure.composition.reduced_formula}, its composition is not"
            )
    parameters, data = entry.parameters or _Parameters(), entry.data or _Data()
    return ComputedPhase(
        id=default_id if entry.entry_id in (None, "") else str(entry.entry_id),
        composition=composition,
        energy=entry.energy,
        corrections=corrections,
        run_type=(parameters.run_type or "").strip() or None,
        hubbards=dict(parameters.hubbards or {}),
        classes=data.model_dump(exclude_none=True),
        structure=structure,
    )


def _corrections(entry: _Entry, atoms: float) -> tuple[tuple[str, float], ...]:
    parts = tuple((item.name or "", item.energy()) for item in entry.energy_adjustments or [])
    total = entry.correction
    if not parts:
        parts = (("", total),) if total else ()
    elif total is not None and abs(math.fsum(value for _, value in parts) - total) > _SAME_CORRECTION * atoms:
        raise ValueError(
            f"its correction of {total:.4f} eV is not the sum of its energy_adjustments "
            f"({math.fsum(value for _, value in parts):.4f} eV)"
        )
    if any(not math.isfinite(value) or abs(value) > _MAX_ENERGY * atoms for _, value in parts):
        raise ValueError("its correction is not a number that an energy can have")
    return parts


def _same_composition(composition: dict[str, float], structure: Structure) -> bool:
    atoms = math.fsum(composition.values())
    counts = structure.composition.get_el_amt_dict()
    return counts.keys() == composition.keys() and all(
        abs(counts[symbol] / len(structure) - amount / atoms) < 1e-6 for symbol, amount in composition.items()
    )

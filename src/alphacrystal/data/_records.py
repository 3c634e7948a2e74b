"""The record schema, its readers (JSON lines, folders of CIF or POSCAR files), and the leak guard."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, StructureLike, implausible
from alphacrystal.data.structure_files import is_structure_file, read_crystals
from alphacrystal.errors import InputError, validation_problem

if TYPE_CHECKING:
    from pymatgen.core import Structure

_log = logging.getLogger(__name__)

VALIDATION_SHARE = 40  # one formula in 40 validates where a source has no split
#: Longest line of a record file in characters: ten times that of the largest crystal that is read.
MAX_LINE = 16 * 2**20


def _whole(value: object) -> object:
    """225.0 as 225: tables with empty cells write whole numbers so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: eV/atom; no formation energy is larger in size.
Energy = Annotated[float, Field(ge=-100, le=100)]
_FORMULA = re.compile(r"([A-Z][a-z]?)(\d*)")
_GROUP = re.compile(r"\(([A-Za-z0-9]+)\)(\d*)")


def _formula_counts(formula: str) -> Counter[str] | None:
    """Atoms by symbol of a formula such as Ca(NO3)2; None where it cannot be read."""
    if len(formula) > 1000:
        return None
    counts: Counter[str] = Counter()
    rest = formula
    for group, factor in _GROUP.findall(formula) if "(" in formula else ():
        if _FORMULA.sub("", group):
            return None
        for symbol, count in _FORMULA.findall(group):
            counts[ISOTOPES.get(symbol, symbol)] += int(count or 1) * int(factor or 1)
    if "(" in formula:
        rest = _GROUP.sub("", formula)
    if _FORMULA.sub("", rest):
        return None
    for symbol, count in _FORMULA.findall(rest):
        counts[ISOTOPES.get(symbol, symbol)] += int(count or 1)
    return counts


class StructureRecord(BaseModel):
    """One ordered crystal with its provenance; the schema of ``structures.jsonl``.

    Numbers must be finite JSON numbers: NaN, infinities, text and truth values are refused.

    Attributes:
        id: Identifier in its source, e.g. an mp-id.
        reduced_formula: pymatgen's reduced formula.
        lattice: Rows in Å.
        species: Element symbols, one per site.
        frac_coords: Fractional coordinates, one row per site.
        e_form: Formation energy in eV/atom, if known.
        e_above_hull: eV/atom, if known; comparable only within one ``energy_source``.
        functional: Density functional of the geometry, e.g. "PBE", "MP-mixed", "RPBE".
        icsd: True for an experimental entry, False for a hypothetical one, None if unknown.
        split: "train" or "val", decided by the reduced formula.
        source: Address of the entry where it came from, if it came from a database.
        licence: Of the entry, as the database states it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    id: str
    reduced_formula: str
    lattice: list[list[float]]
    species: list[str] = Field(min_length=1)
    frac_coords: list[list[float]]
    spacegroup_number: Annotated[Annotated[int, Field(ge=1, le=230)] | None, BeforeValidator(_whole)] = None
    e_form: Energy | None = None
    e_above_hull: Energy | None = None
    energy_source: str | None = None
    functional: str | None = None
    icsd: bool | None = None
    mp20_split: str | None = None
    split: Literal["train", "val"] | None = None
    source: str | None = None
    licence: str | None = None

    @field_validator("lattice")
    @classmethod
    def _is_a_cell(cls, lattice: list[list[float]]) -> list[list[float]]:
        if [len(row) for row in lattice] != [3, 3, 3]:
            raise ValueError("three rows of three numbers are needed")
        return lattice

    @field_validator("species")
    @classmethod
    def _are_elements(cls, species: list[str]) -> list[str]:
        symbols = [ISOTOPES.get(symbol, symbol) for symbol in species]
        unknown = set(symbols) - set(element_table().symbols[1:])
        if unknown:
            raise ValueError(f"{min(unknown)!r} is not an element from H to Lr")
        return symbols

    @model_validator(mode="after")
    def _has_one_position_per_site(self) -> StructureRecord:
        if [len(row) for row in self.frac_coords] != [3] * len(self.species):
            raise ValueError("frac_coords needs three numbers for each of the species")
        if reason := implausible(self.lattice, self.frac_coords):
            raise ValueError(f"it cannot be a crystal: {reason}")
        stated, counts = _formula_counts(self.reduced_formula), Counter(self.species)
        atoms, sites = sum((stated or {}).values()), len(self.species)
        if stated is None or {s: n * sites for s, n in stated.items()} != {
            s: n * atoms for s, n in counts.items()
        }:
            raise ValueError(f"reduced_formula {self.reduced_formula[:40]!r} is not that of the species")
        return self

    def structure(self) -> Structure:
        """The same crystal as a pymatgen Structure."""
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.species, self.frac_coords)

    def checked_structure(self) -> Structure:
        """The same crystal after the checks that structure files pass.

        Raises:
            InputError: Atoms overlap or lie at one place; names the record.
        """
        try:
            structure = read_structures(self.structure())[0]
            if len(structure) != len(self.species):
                raise InputError(f"{len(self.species) - len(structure)} of its atoms are listed twice")
            return structure
        except InputError as error:
            raise InputError(f"The record {self.id} cannot be used: {str(error).rstrip('.')}.") from error

    def with_fields(self, **fields: object) -> StructureRecord:
        """A copy with other values of some fields, validated.

        Raises:
            InputError: A value breaks the schema.
        """
        try:
            return StructureRecord.model_validate(self.model_dump() | fields)
        except ValidationError as error:
            raise InputError(f"{self.id} cannot be used: {validation_problem(error)}.") from error

    @classmethod
    def from_structure(cls, structure: Structure, identifier: str) -> StructureRecord:
        """Record of an ordered structure.

        Raises:
            InputError: The structure is disordered, flat, or holds something else than the elements H to Lr.
        """
        if not structure.is_ordered:
            raise InputError(f"{identifier} is disordered: give an ordered structure.")
        from pymatgen.core import Composition

        species = [ISOTOPES.get(site.specie.symbol, site.specie.symbol) for site in structure]
        reduced = Composition(Counter(species)).reduced_formula
        try:
            return cls(
                id=identifier,
                reduced_formula=reduced,
                lattice=structure.lattice.matrix.tolist(),
                species=species,
                frac_coords=structure.frac_coords.tolist(),
                split=split_of_formula(reduced),
            )
        except ValidationError as error:
            raise InputError(f"{identifier} cannot be used: {validation_problem(error)}.") from error


def split_of_formula(reduced_formula: str) -> Literal["train", "val"]:
    """The split of a reduced formula: the same on every machine, never two splits for one formula."""
    digest = hashlib.sha256(reduced_formula.encode()).digest()
    return "val" if int.from_bytes(digest[:8], "big") % VALIDATION_SHARE == 0 else "train"


def record_files(folder: Path) -> list[Path]:
    """Files ``structures*.jsonl`` and ``structures*.jsonl.gz`` of a folder, by name.

    If a file exists in both forms, the uncompressed one is listed.
    """
    chosen: dict[str, Path] = {}
    for path in sorted([*folder.glob("structures*.jsonl"), *folder.glob("structures*.jsonl.gz")]):
        chosen.setdefault(path.name.removesuffix(".gz"), path)
    return list(chosen.values())


def read_records(source: Path) -> Iterator[StructureRecord]:
    """Records of a ``.jsonl``/``.jsonl.gz`` file, or of a folder.

    A folder is read from its ``record_files``, or else from all CIF, POSCAR and JSON files below it.

    Raises:
        InputError: The path does not exist, holds nothing readable, or a line breaks the schema (the line is
            named).
    """
    if not source.exists():
        raise InputError(
            f"There is no file or folder {source}: give a .jsonl(.gz) file or a folder of CIFs or POSCARs."
        )
    if source.is_dir():
        files = record_files(source)
        for path in files:
            yield from _read_lines(path)
        if not files:
            yield from _read_folder(source)
    elif source.name.lower().endswith((".jsonl", ".jsonl.gz")):
        yield from _read_lines(source)
    else:
        yield from _read_structure_file(source)


def _read_lines(path: Path) -> Iterator[StructureRecord]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8-sig") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE), ""), start=1):
                if len(line) == MAX_LINE:
                    raise InputError(f"{path.name} line {number} is longer than {MAX_LINE // 2**20} MB.")
                if line.strip():
                    yield _record_of_line(line, f"{path.name} line {number}")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(
            f"{path} could not be read beyond line {number} ({error}): is the file complete?"
        ) from error


def _record_of_line(line: str, where: str) -> StructureRecord:
    try:
        return StructureRecord.model_validate_json(line)
    except ValidationError as error:
        raise InputError(f"{where} is not a structure record: {validation_problem(error)}.") from error


def _read_folder(folder: Path) -> Iterator[StructureRecord]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_structure_file(path)]
    if not paths:
        raise InputError(f"{folder} holds no structures.jsonl, CIF, POSCAR, XYZ or pymatgen JSON file.")
    for path in paths:
        yield from _read_structure_file(path)


def _read_structure_file(path: Path) -> Iterator[StructureRecord]:
    structures = read_structures(path)
    for number, structure in enumerate(structures, start=1):
        name = path.stem if len(structures) == 1 else f"{path.stem}#{number}"
        yield StructureRecord.from_structure(structure, name)


def read_structures(source: Path | StructureLike) -> list[Structure]:
    """All crystals of a file (data blocks, frames), or the one given; notes on the reading go to the log.

    Raises:
        InputError: As `read_crystals`.
    """
    crystals = read_crystals(source)
    for crystal in crystals:
        for note in crystal.notes:
            _log.warning("%s: %s", crystal.name, note)
    return [crystal.structure for crystal in crystals]


@cache
def benchmark_formulas() -> frozenset[str]:
    """Reduced formulas of all benchmark compounds.

    CSPBench-180, the paper's Tables 3 and 4, and the samples of the MP-20 and MPTS-52 test sets.
    """
    text = files("alphacrystal.data").joinpath("tables/benchmark_formulas.json").read_text()
    return frozenset(formula for group in json.loads(text).values() for formula in group)


def without_benchmarks(records: Iterable[StructureRecord]) -> Iterator[StructureRecord]:
    """Records that are safe to train on: none shares its reduced formula with a benchmark compound.

    The formula is recomputed from the sites, so that a wrong label in the file cannot open a leak.
    """
    from pymatgen.core import Composition

    banned = benchmark_formulas()
    for record in records:
        counts: dict[str, int] = {}
        for symbol in record.species:
            counts[symbol] = counts.get(symbol, 0) + 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # He, Ne and Ar have no electronegativity
            reduced = Composition(counts).reduced_formula
        if reduced not in banned:
            yield record

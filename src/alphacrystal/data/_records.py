"""The record schema and its readers: JSON lines, and folders of CIF or POSCAR files."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, StructureLike, as_structure, implausible
from alphacrystal.errors import InputError, validation_problem

if TYPE_CHECKING:
    from pymatgen.core import Structure

LONGEST_COUNT = 12  # digits of a number of atoms; Python refuses to read some thousand
VALIDATION_SHARE = 40  # one formula in 40 validates where a source brings no split of its own


class StructureRecord(BaseModel):
    """One ordered crystal with its provenance; the schema of ``structures.jsonl``.

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

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    reduced_formula: str
    lattice: list[list[float]]
    species: list[str] = Field(min_length=1)
    frac_coords: list[list[float]]
    spacegroup_number: int | None = None
    e_form: float | None = None
    e_above_hull: float | None = None
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
        return self

    def structure(self) -> Structure:
        """The same crystal as a pymatgen Structure."""
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.species, self.frac_coords)

    @classmethod
    def from_structure(cls, structure: Structure, identifier: str) -> StructureRecord:
        """Record of an ordered structure.

        Raises:
            InputError: The structure is disordered, flat, or holds something else than the elements H to Lr.
        """
        if not structure.is_ordered:
            raise InputError(f"{identifier} is disordered: only fully ordered structures can be used.")
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


def read_records(source: Path) -> Iterator[StructureRecord]:
    """Records of a ``.jsonl``/``.jsonl.gz`` file, or of all CIF, POSCAR and JSON files below a folder.

    Raises:
        InputError: The path does not exist, holds nothing readable, or a line breaks the schema (the line is
            named).
    """
    if not source.exists():
        raise InputError(
            f"There is no file or folder {source}: give a .jsonl(.gz) file or a folder of CIFs or POSCARs."
        )
    if source.is_dir():
        lines = sorted(source.glob("structures.jsonl*"))
        yield from _read_lines(lines[0]) if lines else _read_folder(source)
    elif source.name.endswith((".jsonl", ".jsonl.gz")):
        yield from _read_lines(source)
    else:
        yield _read_structure_file(source)


def _read_lines(path: Path) -> Iterator[StructureRecord]:
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
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
    found = False
    for path in sorted(folder.rglob("*")):
        name = path.name.lower()
        if path.is_file() and (
            name.endswith((".cif", ".vasp", ".poscar"))
            or name.startswith(("poscar", "contcar"))
            or (name.endswith(".json") and _is_structure_json(path))
        ):
            found = True
            yield _read_structure_file(path)
    if not found:
        raise InputError(f"{folder} holds no structures.jsonl, CIF, POSCAR or pymatgen JSON file.")


def _is_structure_json(path: Path) -> bool:
    """Whether a JSON file is a pymatgen Structure; others may lie in the same folder."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.keys() >= {"lattice", "sites"}


def _read_structure_file(path: Path) -> StructureRecord:
    return StructureRecord.from_structure(read_structure(path), path.stem)


def read_structure(path: Path) -> Structure:
    """One structure from a CIF, POSCAR or any file pymatgen or ASE reads.

    Raises:
        InputError: The file is missing or cannot be read as a structure.
    """
    import warnings

    from pymatgen.core import Structure

    if not path.is_file():
        raise InputError(f"There is no structure file {path}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rounding notes of the CIF parser
        try:
            return Structure.from_file(path)
        except Exception as error:  # noqa: BLE001 - the parsers raise anything
            reason = str(error)
        try:
            return _read_with_ase(path)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{path} could not be read as a crystal structure: give a CIF, a POSCAR or another file that "
                f"pymatgen or ASE reads ({' '.join(reason.split())})."
            ) from error


def read_structures(path: Path | StructureLike) -> list[Structure]:
    """All structures of a file (each frame of an extxyz, else that of ``read_structure``), or the one given.

    Raises:
        InputError: As ``read_structure``; or a structure is disordered.
    """
    if not isinstance(path, Path):
        structures = [as_structure(path).copy()]
        path = Path(structures[0].composition.reduced_formula)  # its name in messages
    elif path.suffix.lower() in (".xyz", ".extxyz") and path.is_file():
        from ase.io import read
        from pymatgen.core import Structure
        from pymatgen.io.ase import AseAtomsAdaptor

        _check_frame_sizes(path)
        try:
            frames = read(path, index=":", format="extxyz")
            structures = [
                Structure.from_sites(list(AseAtomsAdaptor.get_structure(frame))) for frame in frames
            ]
        except Exception as error:
            raise InputError(f"{path} could not be read as extended XYZ with a cell ({error}).") from error
    else:
        structures = [read_structure(path)]
    if not structures:
        raise InputError(f"{path} holds no structure.")
    for structure in structures:
        if not structure.is_ordered:
            raise InputError(f"{path} is disordered: only fully ordered structures can be used.")
        if reason := implausible(structure.lattice.matrix, structure.frac_coords):
            raise InputError(f"{path} cannot be a crystal: {reason}.")
        structure.remove_oxidation_states()
    return structures


def _check_frame_sizes(path: Path) -> None:
    """Refuse frames that promise more atoms than the file has lines: ASE would count up to any number.

    Raises:
        InputError: A frame is cut short.
    """
    left = 0  # lines of the frame being read
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, start=1):
            if left:
                left -= 1
            elif line.strip() and not line.startswith("VEC"):
                if not line.strip().isdecimal():
                    return  # ASE says what it makes of it
                if len(line.strip()) > LONGEST_COUNT:
                    left, begun = 1, number
                    break  # more atoms than any file has
                left, begun = int(line) + 1, number
    if left:
        raise InputError(
            f"{path} could not be read as extended XYZ: the frame that begins at line {begun} is cut short."
        )


def _read_with_ase(path: Path) -> Structure:
    from ase.io import read
    from pymatgen.core import Structure
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = read(path, index=-1)
    if isinstance(atoms, list) or atoms.cell.rank < 3:
        raise InputError(f"{path} has no three-dimensional cell: only crystals can be used.")
    return Structure.from_sites(list(AseAtomsAdaptor.get_structure(atoms)))

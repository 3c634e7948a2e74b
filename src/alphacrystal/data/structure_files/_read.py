"""The one way from a structure file of any format to checked crystals."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.crystal import StructureLike, as_structure, structure_from_json
from alphacrystal.data.structure_files._checks import CrystalRead, checked_crystal
from alphacrystal.data.structure_files._cif import read_cif
from alphacrystal.data.structure_files._frames import ASE_FORMATS, read_frames
from alphacrystal.data.structure_files._listed import ListedCrystal, ListedSite
from alphacrystal.data.structure_files._poscar import read_poscar
from alphacrystal.errors import InputError
from alphacrystal.runtime.bounded_files import parse_json
from alphacrystal.runtime.foreign_files import read_bytes, read_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Bytes of the largest structure file, decompressed too.
MAX_BYTES = 32 * 2**20
#: Bytes of the largest trajectory (extended XYZ and others with many frames).
MAX_TRAJECTORY_BYTES = 64 * 2**20

_KIND = "structure file"
_VASP_NAMES = ("poscar", "contcar", "xdatcar", "chgcar", "aeccar", "locpot", "parchg", "elfcar")
_VASP_ENDINGS = (".vasp", ".poscar", ".contcar")
_BINARY = frozenset({".traj"})
FORMATS = "CIF, POSCAR, extended XYZ, pymatgen JSON, or one of " + ", ".join(sorted(ASE_FORMATS))


def is_structure_file(path: Path) -> bool:
    """Whether a file's name is that of a crystal's file in a folder; JSON files may be something else."""
    name = path.name.lower().removesuffix(".gz")
    return (
        name.endswith((".cif", ".mcif", ".xyz", ".extxyz", *_VASP_ENDINGS))
        or name.startswith(("poscar", "contcar"))
        or (name.endswith(".json") and is_structure_json(path))
    )


def is_structure_json(path: Path) -> bool:
    """Whether a JSON file is a pymatgen Structure."""
    try:
        document = parse_json(read_text(path, _KIND, MAX_BYTES))
    except (InputError, ValueError):
        return False
    return isinstance(document, dict) and document.keys() >= {"lattice", "sites"}


def read_crystals(source: Path | StructureLike, *, disordered: bool = False) -> list[CrystalRead]:
    """Read all crystals of a file: data blocks of a CIF, frames of a trajectory; or check one that is given.

    Lattice, elements and positions are taken and nothing else. Like atoms closer than 0.05 Å are merged.

    Args:
        source: A file, a pymatgen Structure or ASE Atoms.
        disordered: Accept partly occupied and shared sites: the structure then has occupancies and labels.

    Raises:
        InputError: The file is missing, too large or in no known format; it is disordered (without
            ``disordered``), not periodic in three directions, contradicts itself or cannot be a crystal.
    """
    if not isinstance(source, Path):
        structure = as_structure(source)
        name = structure.composition.reduced_formula
        return [checked_crystal(_listed(structure, name), disordered=disordered)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries; what they warn of is checked here
        return _read_file(source, disordered)


def _read_file(path: Path, disordered: bool) -> list[CrystalRead]:
    name, lower = str(path), path.name.lower().removesuffix(".gz")
    suffix = Path(lower).suffix
    limit = MAX_TRAJECTORY_BYTES if suffix in ASE_FORMATS else MAX_BYTES
    if suffix in _BINARY:
        frames = read_frames(read_bytes(path, _KIND, limit), suffix, name)
        return [checked_crystal(frame, disordered=disordered) for frame in frames]
    text = read_text(path, _KIND, limit)
    if not text.strip():
        raise InputError(f"{name} is empty: give a structure file.")
    if suffix in ASE_FORMATS:
        frames = read_frames(text, suffix, name)
        return [checked_crystal(frame, disordered=disordered) for frame in frames]
    if suffix in (".cif", ".mcif"):
        return read_cif(text, name, disordered=disordered)
    if suffix == ".json":
        return [_read_json(text, name, disordered)]
    if suffix in _VASP_ENDINGS or lower.startswith(_VASP_NAMES):
        return [checked_crystal(frame) for frame in read_poscar(text, name)]
    return _read_by_content(text, name, disordered)


def _read_by_content(text: str, name: str, disordered: bool) -> list[CrystalRead]:
    """Read a file whose name says nothing of its format."""
    begin = text.lstrip()
    if begin.startswith(("data_", "#\\#CIF")):
        return read_cif(text, name, disordered=disordered)
    if begin.startswith("{"):
        return [_read_json(text, name, disordered)]
    try:
        frames = read_poscar(text, name)
    except InputError as error:
        raise InputError(f"{name} is in no known format: give {FORMATS}.") from error
    return [checked_crystal(frame) for frame in frames]


def _read_json(text: str, name: str, disordered: bool) -> CrystalRead:
    try:
        document = parse_json(text)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name} cannot be used as JSON ({reason}): correct the file.") from error
    structure = structure_from_json(document, name, disordered=disordered)
    return checked_crystal(_listed(structure, name), disordered=disordered)


def _listed(structure: Structure, name: str) -> ListedCrystal:
    """A pymatgen Structure as a file would list it."""
    sites = [
        ListedSite(f"{species.symbol}{number}", species.symbol, site.frac_coords, float(amount))
        for number, site in enumerate(structure, start=1)
        for species, amount in site.species.items()
    ]
    return ListedCrystal(name, structure.lattice.matrix, tuple(sites))

"""Crystals of extended XYZ and of the other formats that ASE reads, frame by frame."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import MAX_SITES
from alphacrystal.data.structure_files._listed import ListedCrystal, ListedSite
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

#: Formats of ASE by the ending of the file name. Only readers that parse numbers: others of ASE run Python
#: files, unpickle objects or start programs.
ASE_FORMATS: Mapping[str, str] = {
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".res": "res",
    ".xsf": "xsf",
    ".gen": "gen",
    ".xtl": "xtl",
    ".pwi": "espresso-in",
    ".in": "aims",
    ".traj": "traj",
    ".xml": "vasp-xml",
}
#: Digits of a number of atoms that a frame may announce.
_LONGEST_COUNT = 9


def read_frames(path: Path, text: str | None, name: str) -> list[ListedCrystal]:
    """Read all frames of a file that ASE reads.

    Only cell, elements and positions are taken; calculator results, momenta, moments, constraints and tags
    are left out.

    Args:
        path: Its ending chooses the format.
        text: Of the file; None for binary formats, which ASE reads from the path.
        name: What messages call the file.

    Raises:
        InputError: The format cannot be read, or a frame is not periodic in three directions.
    """
    from ase.io import read

    file_format = ASE_FORMATS[path.suffix.lower()]
    if file_format == "extxyz" and text is not None:
        _check_frame_sizes(text, name)
    try:
        if text is None:
            frames = read(path, index=":", format=file_format)
        else:  # decoded, and in a file, which some of ASE's readers need
            with tempfile.TemporaryDirectory() as folder:
                plain = Path(folder) / f"structure{path.suffix}"
                plain.write_text(text, encoding="utf-8")
                frames = read(plain, index=":", format=file_format)
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{name} could not be read as {file_format} with a cell ({reason}): correct the file."
        ) from error
    if not frames:
        raise InputError(f"{name} holds no structure.")
    several = len(frames) > 1
    return [
        _listed(frame, f"{name} (frame {number})" if several else name)
        for number, frame in enumerate(frames, start=1)
    ]


def _listed(atoms: Atoms, name: str) -> ListedCrystal:
    if atoms.cell.rank < 3 or not atoms.pbc.all():
        raise InputError(
            f"{name} is not periodic in three directions: give a crystal with three lattice vectors and "
            'pbc="T T T".'
        )
    if len(atoms) > MAX_SITES:
        raise InputError(f"{name} has {len(atoms)} sites in its cell; at most {MAX_SITES} can be read.")
    lattice = np.array(atoms.cell.array, dtype=np.float64)
    if not np.isfinite(lattice).all() or abs(np.linalg.det(lattice)) < 1e-9:
        raise InputError(f"{name} cannot be a crystal: its cell is not finite or spans no volume.")
    positions = atoms.get_scaled_positions(wrap=False)
    occupancies = _occupancies(atoms)
    sites = [
        ListedSite(f"{symbol}{number}", symbol, position, occupancies.get(number, 1.0))
        for number, (symbol, position) in enumerate(
            zip(atoms.get_chemical_symbols(), positions, strict=True), start=1
        )
    ]
    return ListedCrystal(name, lattice, tuple(sites))


def _occupancies(atoms: Atoms) -> dict[int, float]:
    """Occupancies by atom number, where the format has them."""
    values = atoms.arrays.get("occupancies", atoms.arrays.get("occupancy"))
    if values is None or np.asarray(values).shape != (len(atoms),):
        return {}
    try:
        return {number: float(value) for number, value in enumerate(values, start=1)}
    except (TypeError, ValueError):
        return {}


def _check_frame_sizes(text: str, name: str) -> None:
    """Refuse frames that announce more atoms than the file has lines: ASE would count up to any number."""
    left, begin = 0, 0  # lines of the frame being read, and its first line
    for number, line in enumerate(text.split("\n"), start=1):
        if left:
            left -= 1
        elif line.strip() and not line.startswith("VEC"):
            if not line.strip().isdecimal():
                return  # ASE reports it
            left, begin = 1, number
            if len(line.strip()) > _LONGEST_COUNT:
                break
            left += int(line)
            if number >= len(text):
                break
    if left > 1 or (left == 1 and not text.endswith("\n")):
        raise InputError(
            f"{name} could not be read as extended XYZ: the frame that begins at line {begin} is cut short."
        )

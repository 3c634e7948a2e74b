"""Crystals of extended XYZ and of the other formats that ASE reads, frame by frame."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import MAX_SITES, OCCUPANCY_TOLERANCE
from alphacrystal.data.structure_files._listed import MAX_CRYSTALS, ListedCrystal, ListedSite
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
#: Names of formats in messages.
_TITLES = {"extxyz": "extended XYZ", "res": "a SHELX file", "aims": "an FHI-aims geometry"}
#: SHELX instructions with numbers, which are no atoms.
_SHELX_NUMERIC = frozenset({"CELL", "ZERR", "UNIT", "TITL", "LATT", "FVAR", "WGHT", "SFAC"})
#: Digits of a number of atoms that a frame may announce.
_LONGEST_COUNT = 9


def read_frames(content: str | bytes, suffix: str, name: str) -> list[ListedCrystal]:
    """Read all frames of a file that ASE reads.

    Only cell, elements and positions are taken; calculator results, momenta, moments, constraints and tags
    are left out.

    Args:
        content: Of the file: text, or bytes for a binary format.
        suffix: A key of `ASE_FORMATS`.
        name: Name of the file in messages.

    Raises:
        InputError: The format cannot be read, or a frame is not periodic in three directions.
    """
    from ase.io import read

    file_format = ASE_FORMATS[suffix]
    if isinstance(content, str):
        if file_format == "extxyz":
            content = re.sub(r"(?m)^(\s*)[DT](?=\s)", r"\1H", content)
            _check_frame_sizes(content, name)
            if re.search(r"(?i)species:S:1.*\bZ:I:1|\bZ:I:1.*species:S:1", content):
                raise InputError(
                    f"{name} gives the elements twice, as species and as Z: remove one of the columns."
                )
        elif file_format == "res":
            _check_shelx(content, name)
        content = content.encode()
    try:
        with tempfile.TemporaryDirectory() as folder:  # some of ASE's readers need a file
            file = Path(folder) / f"structure{suffix}"
            file.write_bytes(content)
            frames = read(file, index=f":{MAX_CRYSTALS + 1}", format=file_format)
    except Exception as error:
        raise InputError(
            f"{name} could not be read as {_TITLES.get(file_format, file_format)} with a cell"
            f"{_faulty_line(error, content)}: correct it or give a CIF."
        ) from error
    if len(frames) > MAX_CRYSTALS:
        raise InputError(f"{name} holds more than {MAX_CRYSTALS} frames, the most that can be read.")
    if not frames:
        raise InputError(f"{name} holds no structure.")
    several = len(frames) > 1
    return [
        _listed(frame, f"{name} (frame {number})" if several else name)
        for number, frame in enumerate(frames, start=1)
    ]


def _faulty_line(error: Exception, content: bytes) -> str:
    """A clause on the line that holds text where a reader expects a number; empty if unknown."""
    match = re.search(r"could not convert string to \w+: '([^']+)'|invalid literal .*: '([^']+)'", str(error))
    if match is None:
        return ""
    word = match[1] or match[2]
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if word in line.split():
            return f" (line {number}: {word[:20]!r} is not a number)"
    return ""


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
    lines = text.rstrip().split("\n")
    place = frames = 0
    while place < len(lines):
        line = lines[place].strip()
        if not line or line.startswith("VEC"):
            place += 1
            continue
        if not line.isdecimal():
            return  # not a frame; ASE reports it
        if len(line) > _LONGEST_COUNT or place + 1 + int(line) >= len(lines) + (int(line) == 0):
            raise InputError(
                f"{name} could not be read as extended XYZ: the frame that begins at line {place + 1} is cut "
                "short."
            )
        place += int(line) + 2
        frames += 1
        if frames > MAX_CRYSTALS:
            raise InputError(f"{name} holds more than {MAX_CRYSTALS} frames, the most that can be read.")


def _check_shelx(text: str, name: str) -> None:
    """Refuse SHELX files with symmetry or partial occupancy, which ASE leaves out."""
    rows = {number: line.split() for number, line in enumerate(text.split("\n"), 1) if line.strip()}
    commands = {row[0].upper(): row[1:] for row in rows.values()}
    if "SYMM" in commands or commands.get("LATT", ["1"])[:1] != ["-1"]:
        raise InputError(
            f"{name} has symmetry (LATT or SYMM), which is not read from SHELX files: convert it to a CIF."
        )
    for number, row in rows.items():
        is_atom = len(row) >= 6 and row[1].isdecimal() and row[0][0].isalpha()
        if not is_atom or row[0].upper() in _SHELX_NUMERIC:
            continue
        for word in row[2:5]:
            if not _is_number(word):
                raise InputError(
                    f"{name} could not be read as a SHELX file (line {number}: {word[:20]!r} is not a "
                    "number): correct it or give a CIF."
                )
        try:
            occupancy = float(row[5])
        except ValueError:
            occupancy = float("nan")
        # 11 is 1, fixed; other tens name a free variable, whose value is elsewhere.
        if min(abs(occupancy - 1), abs(occupancy - 11)) <= OCCUPANCY_TOLERANCE:
            continue
        raise InputError(
            f"{name} is disordered (site {row[0][:30]} has the occupancy {row[5][:20]}): convert it to a "
            "CIF, which alphacrystal relax orders."
        )


def _is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False

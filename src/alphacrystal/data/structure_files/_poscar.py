"""Crystals of VASP files: POSCAR, CONTCAR, XDATCAR, and the headers of CHGCAR and its relatives."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from alphacrystal.composition import element_table
from alphacrystal.crystal import ISOTOPES, MAX_SITES
from alphacrystal.data.structure_files._listed import MAX_CRYSTALS, ListedCrystal, ListedSite
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

_FRAME = re.compile(r"\s*direct\s+configuration", re.IGNORECASE)


def read_poscar(text: str, name: str) -> list[ListedCrystal]:
    """Read the crystal of a POSCAR, or the frames of an XDATCAR.

    Selective dynamics, velocities and everything behind the positions are left out. The scale may be a
    factor, three factors, or a negative number, whose absolute value is the volume (VASP wiki, POSCAR).

    Args:
        text: Of the file.
        name: Name of the file in messages.

    Raises:
        InputError: A line is missing or violates the format, or no line names the elements.
    """
    lines = text.split("\n")
    lattice, scale = _lattice(lines, name)
    place = 5
    words = _line(lines, place, name).split()
    symbols: list[str] | None = None
    if words and not words[0].lstrip("+-").isdigit():
        symbols = [_symbol(word) for word in words]
        place += 1
        words = _line(lines, place, name).split()
    counts = _counts(words, place, name)
    if symbols is not None and len(symbols) != len(counts):
        raise InputError(
            f"{name} names {len(symbols)} elements but gives {len(counts)} numbers of atoms: correct line "
            f"{place + 1}."
        )
    total = sum(counts)
    if not 0 < total <= MAX_SITES:
        raise InputError(f"{name} has {total} sites in its cell; from 1 to {MAX_SITES} can be read.")
    place += 1
    frames: list[ListedCrystal] = []
    while True:
        mode = _line(lines, place, name).strip()
        selective = mode[:1].lower() == "s"
        if selective:
            place += 1
            mode = _line(lines, place, name).strip()
        rows = [_line(lines, place + 1 + k, name).split() for k in range(total)]
        positions = np.array([_position(row, place + 2 + k, name) for k, row in enumerate(rows)])
        if mode[:1].lower() in ("c", "k"):
            positions = (positions * scale) @ np.linalg.inv(lattice)
        elif mode[:1].lower() != "d":
            raise InputError(f"Line {place + 1} of {name} must say Direct or Cartesian, not {mode[:20]!r}.")
        flagged = selective or all(len(row) > 5 and {*row[3:6]} <= {"T", "F"} for row in rows)
        labels = [row[6 if flagged else 3 :] for row in rows]
        elements, note = _elements(symbols, counts, labels, lines[0], name)
        label = name if not frames else f"{name} (frame {len(frames) + 1})"
        sites = [
            ListedSite(f"{element}{k + 1}", element, position)
            for k, (element, position) in enumerate(zip(elements, positions, strict=True))
        ]
        frames.append(ListedCrystal(label, lattice, tuple(sites), notes=note))
        place += 1 + total
        while place < len(lines) and not lines[place].strip():
            place += 1
        if not (place < len(lines) and _FRAME.match(lines[place]) and len(frames) < MAX_CRYSTALS):
            break
    if place < len(lines) and _FRAME.match(lines[place]):
        raise InputError(f"{name} holds more than {MAX_CRYSTALS} frames, the most that can be read.")
    if any(_FRAME.match(line) for line in lines[place:]):
        raise InputError(
            f"{name} gives a new cell for each frame, which is not read from XDATCAR files: give the frames "
            "as POSCARs or extended XYZ."
        )
    return frames


def _lattice(lines: Sequence[str], name: str) -> tuple[FloatArray, FloatArray]:
    """Rows in Å, shape (3, 3), and the factors of Cartesian positions, shape (3,)."""
    factors = _numbers(_line(lines, 1, name).split("!")[0].split(), 2, name)
    if len(factors) not in (1, 3):
        raise InputError(f"Line 2 of {name} must give one or three scale factors.")
    rows = [_numbers(_line(lines, k, name).split()[:3], k + 1, name) for k in (2, 3, 4)]
    if any(len(row) != 3 for row in rows):
        raise InputError(f"Lines 3 to 5 of {name} must give three numbers each: the lattice vectors.")
    vectors = np.array(rows)
    volume = abs(float(np.linalg.det(vectors)))
    if not np.isfinite(volume) or volume < 1e-9:
        raise InputError(f"The lattice vectors of {name} span no volume: correct lines 3 to 5.")
    if len(factors) == 3:
        if min(factors) <= 0:
            raise InputError(f"The three scale factors in line 2 of {name} must be positive.")
        scale = np.array(factors)
    elif factors[0] > 0:
        scale = np.full(3, factors[0])
    elif factors[0] < 0:
        scale = np.full(3, (-factors[0] / volume) ** (1 / 3))
    else:
        raise InputError(f"The scale factor in line 2 of {name} is 0: give a factor or minus the volume.")
    return vectors * scale, scale


def _line(lines: Sequence[str], place: int, name: str) -> str:
    if place >= len(lines) or (place > 0 and not lines[place].strip()):
        raise InputError(f"{name} ends too early or has an empty line {place + 1}: complete the POSCAR.")
    return lines[place]


def _numbers(words: Sequence[str], line: int, name: str) -> list[float]:
    try:
        values = [float(word.replace("d", "e").replace("D", "E")) for word in words]
    except ValueError as error:
        raise InputError(f"Line {line} of {name} must hold numbers, not {' '.join(words)[:40]!r}.") from error
    if not np.isfinite(values).all():
        raise InputError(f"Line {line} of {name} must hold finite numbers, not {' '.join(words)[:40]!r}.")
    return values


def _counts(words: Sequence[str], place: int, name: str) -> list[int]:
    counts = []
    for word in words:
        if not word.isdigit():
            if word[0] in "+-.0123456789":
                raise InputError(f"Line {place + 1} of {name} gives {word[:20]!r} for a number of atoms.")
            break  # a comment
        if len(word) > 9:
            raise InputError(f"{name} has {word[:12]}… sites in its cell; at most {MAX_SITES} can be read.")
        counts.append(int(word))
    if not counts:
        raise InputError(f"Line {place + 1} of {name} must give the numbers of atoms of each element.")
    return counts


def _position(row: Sequence[str], line: int, name: str) -> list[float]:
    values = _numbers(row[:3], line, name)
    if len(values) != 3:
        raise InputError(f"Line {line} of {name} must give three coordinates.")
    return values


def _symbol(word: str) -> str:
    """The element of a species such as "Na_pv", "Ti/3f9a" or "Si.GGA"."""
    return re.split(r"[_/.:]", word)[0]


def _elements(
    symbols: Sequence[str] | None,
    counts: Sequence[int],
    labels: Sequence[Sequence[str]],
    comment: str,
    name: str,
) -> tuple[list[str], tuple[str, ...]]:
    """One symbol per atom, from the species line, the words behind the positions or the comment."""
    known = set(element_table().symbols[1:]) | set(ISOTOPES)
    ends = [words[0] if words else "" for words in labels]
    if symbols is not None:
        elements = [symbol for symbol, count in zip(symbols, counts, strict=True) for _ in range(count)]
        wrong = next(
            (pair for pair in zip(elements, ends, strict=True) if pair[1] in known - {pair[0]}), None
        )
        if wrong and all(end in known for end in ends):
            raise InputError(
                f"{name} contradicts itself: its line of elements gives {wrong[0]} where the line of the "
                f"position says {wrong[1]}; correct one of them."
            )
        return elements, ()
    if all(end in known for end in ends):
        note = "The file has no line of elements (VASP 4): they were taken from the lines of positions."
        return ends, (note,)
    words = comment.split()
    if len(words) == len(counts) and all(word in known for word in words):
        note = "The file has no line of elements (VASP 4): they were taken from its first line."
        return [word for word, count in zip(words, counts, strict=True) for _ in range(count)], (note,)
    raise InputError(
        f"{name} has no line that names the elements (VASP 4 format): add one before the numbers of atoms."
    )

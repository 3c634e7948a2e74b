"""Which structures of two runs are the same crystal."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pydantic import BaseModel

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

DEPTH = 20  # structures of each list that are compared
PATIENCE = 30.0  # s for all pairs
PRESET = "cspbench"

_one_at_a_time = Lock()


class Match(BaseModel):
    """Two structures that are the same crystal.

    Attributes:
        left: Rank in the left list.
        right: Rank in the right list.
        rms: Root mean square displacement over (volume per atom)^(1/3).
    """

    left: int
    right: int
    rms: float


class Matches(BaseModel):
    """The result of a comparison.

    Attributes:
        pairs: Pairs of equal structures, by left and then right rank.
        compared: Structures of each list that were looked at, from its head.
        undecided: Pairs for which there was no time.
    """

    pairs: list[Match]
    compared: int = DEPTH
    undecided: int = 0


def find_matches(left: list[tuple[int, Path]], right: list[tuple[int, Path]]) -> Matches:
    """Compare each (rank, CIF) of one list with each of the other by StructureMatcher (0.2, 0.3, 5°)."""
    with _one_at_a_time:  # one comparison takes a processor; a second visitor waits
        begin = time.monotonic()
        found = Matches(pairs=[])
        for first, one in _structures(left[:DEPTH]):
            for second, other in _structures(right[:DEPTH]):
                if time.monotonic() - begin > PATIENCE:
                    found.undecided += 1
                    continue
                rms = _distance(one, other)
                if rms is not None:
                    found.pairs.append(Match(left=first, right=second, rms=round(rms, 4)))
        return found


def _distance(one: Structure, other: Structure) -> float | None:
    from alphacrystal.evaluate import match_pair

    return match_pair(one, other, PRESET).rms


def _structures(files: list[tuple[int, Path]]) -> list[tuple[int, Structure]]:
    return [(rank, crystal(path)) for rank, path in files]


def crystal(path: Path) -> Structure:
    """The structure of a run's CIF, read once as long as the file stays as it is.

    Raises:
        InputError: It cannot be read.
    """
    return _structure(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=200)
def _structure(path: Path, changed: int) -> Structure:
    from alphacrystal.data import read_structures

    try:
        found = read_structures(path)
    except InputError as error:  # its sentence names a path of this machine
        raise InputError(f"The structure {path.name} cannot be read.") from error
    if len(found) != 1:
        raise InputError(f"{path.name} does not hold one structure.")
    return found[0]

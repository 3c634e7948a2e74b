"""Computations on the structure files of runs; they run in processes with a time limit (see ``_pool``)."""

from __future__ import annotations

import tempfile
import time
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_COMPARED = 20  # structures of each list that are compared
TIME_LIMIT_S = 20.0  # for all pairs; the pairs that are left are counted as undecided
PRESET = "cspbench"
#: Imported before the first task, so that no time limit counts it.
PRELOAD = (
    "alphacrystal.web._compare",
    "alphacrystal.evaluation",
    "alphacrystal.data",
    "pymatgen.io.cif",
    "pymatgen.analysis.structure_matcher",
)

#: Rank, file name and content of a CIF.
RankedFile = tuple[int, str, bytes]


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
        compared: Structures of each list that were compared, from its head.
        undecided: Pairs that were not compared within the time limit.
    """

    pairs: list[Match]
    compared: int = MAX_COMPARED
    undecided: int = 0


def find_matches(left: list[RankedFile], right: list[RankedFile]) -> Matches:
    """Compare each CIF of one list with each of the other by StructureMatcher (0.2, 0.3, 5°).

    The result is that of ``match_pair`` for each pair, but each structure is reduced once.

    Raises:
        InputError: A file cannot be read.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    from alphacrystal.evaluation import match_preset

    preset = match_preset(PRESET)
    matcher = StructureMatcher(ltol=preset.ltol, stol=preset.stol, angle_tol=preset.angle_tol)
    begin = time.monotonic()
    matches = Matches(pairs=[])
    for first, name, content in left[:MAX_COMPARED]:
        for second, other_name, other_content in right[:MAX_COMPARED]:
            if time.monotonic() - begin > TIME_LIMIT_S:
                matches.undecided += 1
                continue
            rms = _rms(matcher, reduced_cell(name, content), reduced_cell(other_name, other_content))
            if rms is not None:
                matches.pairs.append(Match(left=first, right=second, rms=round(rms, 4)))
    return matches


def _rms(matcher: Any, one: Structure, other: Structure) -> float | None:
    """Root mean square displacement of two reduced cells over (volume per atom)^(1/3); None without a match.

    StructureMatcher without ``attempt_supercell`` refuses cells that differ in the sites of an element.
    """
    if len(one) != len(other) or one.composition != other.composition:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not matcher.fit(one, other, skip_structure_reduction=True):
            return None
        # The steps of get_rms_dist, which has no skip_structure_reduction and would reduce both cells again.
        prepared = matcher._preprocess(one, other, skip_structure_reduction=True)  # noqa: SLF001
        match = matcher._match(*prepared, use_rms=True, break_on_match=False)  # noqa: SLF001
    return None if match is None else float(match[0])


def poscar_of(name: str, content: bytes) -> str:
    """A CIF as the text of a POSCAR.

    Raises:
        InputError: The file cannot be read.
    """
    from alphacrystal.report import poscar_text

    return poscar_text(structure_of(name, content))


@lru_cache(maxsize=200)
def reduced_cell(name: str, content: bytes) -> Structure:
    """The primitive cell of the Niggli-reduced structure of a CIF, as StructureMatcher reduces it.

    Raises:
        InputError: As ``structure_of``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        niggli = structure_of(name, content).get_reduced_structure(reduction_algo="niggli")
        return niggli.get_primitive_structure()


def structure_of(name: str, content: bytes) -> Structure:
    """The one structure of a CIF.

    Raises:
        InputError: It cannot be read, or does not hold one structure.
    """
    from alphacrystal.data import read_structures

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structure.cif"
        path.write_bytes(content)
        try:
            structures = read_structures(path)
        except InputError as error:  # its sentence names a path of this machine
            raise InputError(f"The structure {name} cannot be read.") from error
    if len(structures) != 1:
        raise InputError(f"{name} does not hold one structure.")
    return structures[0]

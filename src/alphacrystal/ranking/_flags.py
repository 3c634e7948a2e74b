"""Flags of a structure: reasons to doubt its energy or its shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alphacrystal.crystal import dimensionality, ionic_dimensions, lattice_points
from alphacrystal.ranking._bonds import has_unknown_neighbours
from alphacrystal.ranking._ranked import RankedStructure

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.generate import Candidate

#: Sentences by flag, in the order in which they are shown.
FLAGS = {
    "layered": "layers; without dispersion (--dispersion d3) their distance may be wrong",
    "molecular": "molecules or chains; without dispersion (--dispersion d3) their distances may be wrong",
    "noble_gas": "a noble gas; the potential is not made for it, energies may be far too low",
    "hydrogen_rich": "much hydrogen; zero-point energy, which is left out, may change the order",
    "f_electrons": "f electrons; errors of the energy are larger than for other elements",
    "magnetic": "a magnetic element; no magnetic order is set or compared",
    "unknown": "neighbours that known crystals do not have; the potential may not describe them",
    "volume": "a volume far from the predicted one",
    "disagreement": "the two potentials disagree on its energy",
    "close": "another structure type within the error of the potential; either may be the lower one",
}
NOBLE_GASES = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"})
MAGNETIC = frozenset({"Cr", "Mn", "Fe", "Co", "Ni"})
LANTHANIDES = frozenset({"Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb"})
ACTINIDES = frozenset({"Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No"})
NON_METALS = NOBLE_GASES | {
    *("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I", "At")
}
HYDROGEN_RICH = 0.5  # fraction of the atoms
VOLUME_DEVIATIONS, VOLUME_DIFFERENCE = 3.0, 0.15  # predicted deviations; difference of the logarithms
#: Mean absolute error in eV/atom of the energy difference of two polymorphs against DFT, by potential, at
#: geometries relaxed by CHGNet: `alphacrystal benchmark polymorphs` (docs/benchmarks/polymorphs.md).
POLYMORPH_ERRORS: Mapping[str, float] = {"chgnet": 0.028, "sevennet": 0.023, "sevennet-l3i5": 0.020}
CLOSE = "close"


def flags(
    structure: Structure, candidate: Candidate, *, pressure_gpa: float = 0.0, dispersion: bool = False
) -> tuple[str, ...]:
    """Flags of a structure, in the order of FLAGS, without those that compare rows or two potentials.

    Args:
        structure: The relaxed structure, else the candidate's.
        candidate: Its candidate; the hypothesis has the predicted volume.
        pressure_gpa: Pressure of the relaxation; the predicted volume is that at zero pressure.
        dispersion: Whether the potential includes dispersion.
    """
    counts = structure.composition.get_el_amt_dict()
    elements = set(counts)
    found = {
        "noble_gas": bool(elements & NOBLE_GASES),
        "hydrogen_rich": counts.get("H", 0.0) / len(structure) >= HYDROGEN_RICH,
        "f_electrons": bool(elements & (LANTHANIDES | ACTINIDES)),
        "magnetic": bool(elements & MAGNETIC),
        "unknown": has_unknown_neighbours(structure, any_distance=pressure_gpa != 0),
        "volume": pressure_gpa == 0 and _unexpected_volume(structure, candidate),
    }
    if not dispersion and elements & NON_METALS:
        dimensions = dimensionality(structure)
        found["layered"] = "2" in dimensions and "3" not in dimensions
        # Molecular ions, for example sulphate, are no molecules: their cations hold them together.
        found["molecular"] = not {"2", "3"} & set(dimensions) and 3 not in ionic_dimensions(structure)
    return tuple(name for name in FLAGS if found.get(name))


def is_low_dimensional(structure: Structure) -> bool:
    """Whether a crystal has layers, chains or molecules and no bonded framework; never so for metals."""
    elements = set(structure.composition.get_el_amt_dict())
    return bool(elements & NON_METALS) and "3" not in dimensionality(structure)


def _unexpected_volume(structure: Structure, candidate: Candidate) -> bool:
    hypothesis = candidate.hypothesis
    if hypothesis is None:
        return False
    atoms = len(candidate.structure) * lattice_points(hypothesis.space_group)
    difference = abs(math.log(structure.volume / len(structure) * atoms / hypothesis.lattice.volume))
    return difference > max(VOLUME_DIFFERENCE, VOLUME_DEVIATIONS * hypothesis.shape_scale[0])


def flag_sentences(rows: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
    """Each flag with the ranks that have it, as a sentence.

    Args:
        rows: Rank and flags of each structure.
    """
    sentences = []
    for name, text in FLAGS.items():
        ranks = [rank for rank, names in rows if name in names]
        if ranks:
            where = f"Row{'s' if len(ranks) > 1 else ''} {_ranges(ranks)}"
            where = "All rows" if len(ranks) == len(rows) > 1 else where
            sentences.append(f"{where}: {text}")
    return sentences


def _ranges(ranks: Sequence[int]) -> str:
    """Ranks in ascending order as text, e.g. "1, 3-5"."""
    parts: list[list[int]] = []
    for rank in ranks:
        if parts and rank == parts[-1][-1] + 1:
            parts[-1].append(rank)
        else:
            parts.append([rank])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def with_close_energies(ranked: Sequence[RankedStructure], potential: str) -> list[RankedStructure]:
    """The rows with the flag "close", where several structure types may have the lowest energy.

    These are the rows within the error of the potential above the lowest energy, if they are of two structure
    types at least. Rows with the flag "unknown" do not count, and potentials without a measured error mark
    no row.

    Args:
        ranked: The list at zero pressure.
        potential: Name of the potential.
    """
    error = POLYMORPH_ERRORS.get(potential)
    energies = {
        item.rank: item.relaxation.energy_per_atom
        for item in ranked
        if item.relaxation is not None and item.relaxation.energy_per_atom is not None
    }
    trusted = [item for item in ranked if item.rank in energies and "unknown" not in item.flags]
    if error is None or not trusted:
        return list(ranked)
    lowest = min(energies[item.rank] for item in trusted)
    near = [item for item in trusted if energies[item.rank] - lowest <= error]
    if len({item.structure_type for item in near}) < 2:
        return list(ranked)
    ranks = {item.rank for item in near}
    return [replace(item, flags=_with_close(item.flags)) if item.rank in ranks else item for item in ranked]


def _with_close(flags: Sequence[str]) -> tuple[str, ...]:
    """Flags in their order, with "close"."""
    return tuple(name for name in FLAGS if name == CLOSE or name in flags)

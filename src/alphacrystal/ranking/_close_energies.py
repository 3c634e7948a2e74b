"""Rows whose order by energy the error of the potential leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alphacrystal.ranking._flags import FLAGS
from alphacrystal.ranking._ranked import RankedStructure

#: Mean absolute error in eV/atom of the energy difference of two polymorphs against DFT, by potential, at
#: geometries relaxed by CHGNet: `alphacrystal benchmark polymorphs` (docs/benchmarks/polymorphs.md).
POLYMORPH_ERRORS: Mapping[str, float] = {"chgnet": 0.028, "sevennet": 0.023, "sevennet-l3i5": 0.020}
CLOSE = "close"


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

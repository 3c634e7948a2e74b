"""The unit of work of a campaign, and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unit:
    """One formula to predict; the same unit always has the same key and the same folder.

    Attributes:
        key: Digest of the reduced formula, the cell and the space group.
        formula: As the user wrote it.
        cell: Cell content, None if not given.
        space_group: International number, None if not given.
        folder: Where its result goes, relative to the folder of the campaign.
    """

    key: str
    formula: str
    cell: str | None
    space_group: int | None
    folder: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a unit ended.

    Attributes:
        key: Of the unit.
        failure: One sentence where it failed, else None.
        kind: Of a failure: "input" (the formula or a setting), "internal", "died" (its process) or "time".
        result: File or folder of the result, relative to the folder of the campaign; "" without one.
        structures: Structures in its ranked list.
        space_group_number: Of the best structure, None without one.
        space_group_symbol: Of the best structure, "" without one.
        energy_per_atom_ev: Of the best structure in eV/atom, None without energies.
        formation_energy_ev_per_atom: Of the best structure in eV/atom, None without one.
        e_above_hull_ev_per_atom: Of the best structure in eV/atom, None without a hull.
        seconds: Wall time in s of the unit, None where it did not run.
        processor_seconds: Processor time in s of the process that computed it, None where unknown; more than
            its own where a process computes several at a time.
        timings: Wall time in s by stage.
    """

    key: str
    failure: str | None = None
    kind: str = ""
    result: str = ""
    structures: int = 0
    space_group_number: int | None = None
    space_group_symbol: str = ""
    energy_per_atom_ev: float | None = None
    formation_energy_ev_per_atom: float | None = None
    e_above_hull_ev_per_atom: float | None = None
    seconds: float | None = None
    processor_seconds: float | None = None
    timings: Mapping[str, float] = field(default_factory=dict)


#: What an executor calls with each unit, in another process: pickled by its name.
Work = Callable[[Unit], Outcome]


def no_work(unit: Unit, seconds: float = 0.0) -> Outcome:
    """A unit of work that computes nothing and takes its time, to measure what a campaign itself costs."""
    time.sleep(seconds)
    return Outcome(unit.key, seconds=seconds, processor_seconds=0.0)

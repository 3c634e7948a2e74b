"""The result of a relaxation, and the protocol of everything that relaxes a list of structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from alphacrystal.crystal import StructureLike
from alphacrystal.relaxation._settings import RelaxSettings

if TYPE_CHECKING:
    from pymatgen.core import Structure


class RelaxationStatus(StrEnum):
    """How a relaxation ended."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    TIME_LIMIT = "time limit"
    EXPLODED = "exploded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The end of one relaxation.

    Attributes:
        structure: Last sane structure (the start where nothing better exists), primitive cell.
        status: How it ended.
        reason: One clause for the user where it did not converge, else "".
        energy_per_atom: eV/atom on the potential's scale (enthalpy per atom under pressure); None if never
            evaluated.
        max_force: Largest atomic force in eV/Å; None if never evaluated.
        max_stress: Largest absolute component of (stress + pressure) in GPa; None if never evaluated.
        steps: Optimiser steps taken.
        seconds: Processor seconds spent, as its share of the batches it was in.
    """

    structure: Structure
    status: RelaxationStatus
    reason: str
    energy_per_atom: float | None
    max_force: float | None
    max_stress: float | None
    steps: int
    seconds: float

    @classmethod
    def failed(cls, structure: Structure, reason: str) -> Relaxation:
        """The result for a structure that could not be relaxed."""
        return cls(structure, RelaxationStatus.FAILED, reason, None, None, None, 0, 0.0)

    @property
    def converged(self) -> bool:
        """True where force and stress fell below their limits."""
        return self.status is RelaxationStatus.CONVERGED

    @property
    def usable(self) -> bool:
        """Whether the structure can be part of a ranked list."""
        return self.status not in (RelaxationStatus.EXPLODED, RelaxationStatus.FAILED)


#: Called with the index of a structure and its result.
OnResult = Callable[[int, Relaxation], None]


@runtime_checkable
class Relaxer(Protocol):
    """Relaxes structures, with a result for each."""

    def relax(
        self,
        structures: Sequence[StructureLike],
        settings: RelaxSettings | None = None,
        *,
        finished: Mapping[int, Relaxation] | None = None,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        """One result per structure, in order; arguments and errors as in `alphacrystal.relaxation.relax`."""
        ...

"""The protocol of everything that relaxes a list of structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from alphacrystal.crystal import StructureLike
from alphacrystal.relaxation._relax import OnResult
from alphacrystal.relaxation._relaxation import Relaxation
from alphacrystal.relaxation._settings import RelaxSettings


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

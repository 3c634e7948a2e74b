"""Whatever relaxes a list of structures: a pool of gradient optimisers, or a search without gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from alphacrystal.relax._relax import OnResult
from alphacrystal.relax._relaxation import Relaxation
from alphacrystal.relax._settings import RelaxSettings

if TYPE_CHECKING:
    from pymatgen.core import Structure


@runtime_checkable
class Relaxer(Protocol):
    """Relaxes structures, each with its own result."""

    def relax(
        self,
        structures: Sequence[Structure],
        settings: RelaxSettings | None = None,
        *,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        """One result per structure, in order; arguments and errors as in `alphacrystal.relax.relax`."""
        ...

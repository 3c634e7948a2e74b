"""The program of a relaxation worker: load a potential once, then relax groups of structures with it.

The kernel ends the process with SIGPROF where one evaluation takes more than the processor time of its limit:
that works in a loop of compiled code, too.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.relaxation._bayesian import BayesianRelaxer
from alphacrystal.relaxation._checked import Guard
from alphacrystal.relaxation._dispersion import DISPERSION
from alphacrystal.relaxation._engine import RelaxationEngine
from alphacrystal.relaxation._potential import Potential, PotentialEnergies
from alphacrystal.relaxation._relax import batch_size, single_point
from alphacrystal.relaxation._relaxation import Relaxation
from alphacrystal.relaxation._settings import RelaxationMethod, RelaxSettings
from alphacrystal.relaxation.registry import load_energy_model, load_potential
from alphacrystal.runtime.worker_main import LONGEST_TIMER_S, report

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Relaxes a group; yields positions in it with results, as they finish.
GroupRelaxer = Callable[[Sequence["Structure"], RelaxSettings, Guard], Iterable[tuple[int, Relaxation]]]

#: Seconds between signs of life while nothing finishes.
_BEAT = 5.0

#: Reported as a sign of life.
ALIVE = "alive"

_relax_group: GroupRelaxer | None = None


def load(
    name: str, method: RelaxationMethod, seed: int, device: str
) -> tuple[frozenset[str], int] | AlphaCrystalError:
    """Load the potential of this worker; returns the elements that it knows and its batch size.

    An error of this package is returned, so that the parent can raise it as it is.
    """
    global _relax_group
    try:
        elements, size, _relax_group = _load(name, method, seed, device)
    except AlphaCrystalError as error:
        return error
    return elements, size


def relax_group(settings: RelaxSettings, indices: Sequence[int], structures: Sequence[Structure]) -> None:
    """Relax structures side by side; reports (index, Relaxation) of each as it finishes, and `ALIVE`."""
    assert _relax_group is not None, "no potential is loaded"
    last_sign = time.monotonic()

    @contextmanager
    def limited() -> Iterator[None]:
        nonlocal last_sign
        if time.monotonic() - last_sign > _BEAT:
            report(ALIVE)
            last_sign = time.monotonic()
        limit = settings.evaluation_limit_s
        if limit is not None:
            signal.setitimer(signal.ITIMER_PROF, min(limit, LONGEST_TIMER_S))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)

    for position, result in _relax_group(structures, settings, limited):
        report((indices[position], result))
        last_sign = time.monotonic()


def _load(
    name: str, method: RelaxationMethod, seed: int, device: str
) -> tuple[frozenset[str], int, GroupRelaxer]:
    """Elements and batch size of a potential, and how a group is relaxed with it."""
    if method == "energy":
        return _load_single_points(name, device)
    if method == "bayesian":
        model = load_energy_model(name, device)
        corrected = cache(lambda: load_energy_model(name + DISPERSION, device))

        def search(
            structures: Sequence[Structure], settings: RelaxSettings, guard: Guard
        ) -> Iterator[tuple[int, Relaxation]]:
            relaxer = BayesianRelaxer(corrected() if settings.dispersion else model, seed, guard)
            for position, structure in enumerate(structures):
                yield position, relaxer.relax([structure], settings)[0]

        return model.supported_elements, 1, search
    potential = load_potential(name, device)
    return potential.supported_elements, batch_size(potential), partial(_descend, potential)


def _descend(
    potential: Potential, structures: Sequence[Structure], settings: RelaxSettings, guard: Guard
) -> Iterator[tuple[int, Relaxation]]:
    engine = RelaxationEngine(potential, settings, guard)
    for position, structure in enumerate(structures):
        engine.add(position, structure)
    while engine.active:
        yield from engine.step()


def _load_single_points(name: str, device: str) -> tuple[frozenset[str], int, GroupRelaxer]:
    """As `_load`, for energies of the structures as they are, with forces where the model has them."""
    model = load_energy_model(name, device)

    def evaluate(
        structures: Sequence[Structure], settings: RelaxSettings, guard: Guard
    ) -> Iterable[tuple[int, Relaxation]]:
        settings = settings.model_copy(update={"max_steps": 0})
        if isinstance(model, PotentialEnergies):
            return _descend(model.potential, structures, settings, guard)
        return ((place, single_point(model, one, settings, guard)) for place, one in enumerate(structures))

    size = batch_size(model.potential) if isinstance(model, PotentialEnergies) else 1
    return model.supported_elements, size, evaluate

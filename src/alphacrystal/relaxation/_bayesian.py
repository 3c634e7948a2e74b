"""Relaxation without gradients: a Gaussian process searches the parameters that symmetry leaves free.

The idea of BOWSR (Zuo et al., Materials Today 51, 126 (2021), doi:10.1016/j.mattod.2021.08.012), which the
AlphaCrystal papers relax with: the lattice and the free Wyckoff coordinates are varied within bounds around
the start, and an energy model without forces suffices. The proposals come from optuna's GPSampler (Gaussian
process, log expected improvement); its first trial is the start itself.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Crystal, StructureLike, as_structures
from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._checked import Guard, enthalpy_checked, sanity_problem, starting_crystal
from alphacrystal.relaxation._potential import EnergyModel, check_known, element_symbols
from alphacrystal.relaxation._relax import one_thread, single_point
from alphacrystal.relaxation._relaxation import OnResult, Relaxation, RelaxationStatus
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.relaxation._variables import SymmetricVariables
from alphacrystal.relaxation.registry import load_energy_model
from alphacrystal.runtime.registry import require_package
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


#: Bounds around the start: displacement of a mode per square root of the atoms (Å), strain exponent.
_REACH = 0.25
_STRAIN_REACH = 0.12

#: Evaluations for each free parameter, and at least; BOWSR takes 100 for a crystal.
_PER_PARAMETER = 20
_LEAST = 40

#: Bounds of each round of the search, as shares of the reach.
_ROUNDS = (1.0, 0.4, 0.15)

#: eV/atom a crystal that cannot exist counts above its start.
_PENALTY = 5.0

#: Energies are told linearly up to about here and by their logarithm beyond (eV/atom).
_SOFT = 0.1

#: The search counts as converged when its last third gained less than this (eV/atom).
_GAIN = 0.002


def require_optuna() -> None:
    """Refuse a Bayesian relaxation that could not run.

    Raises:
        PotentialError: optuna is not installed.
    """
    require_package("optuna", "bayesian", "Bayesian relaxation", PotentialError)


class BayesianRelaxer:
    """Implements `Relaxer` with a potential or a formation-energy model, in this process.

    A model that hangs cannot be stopped here; ``RelaxPool(name, method="bayesian")`` can stop it.
    """

    def __init__(
        self, model: str | EnergyModel = "chgnet", seed: int = 0, guard: Guard = nullcontext
    ) -> None:
        """Prepare a search.

        Args:
            model: An energy model, or the name of one (see `load_energy_model`).
            seed: Same seed, same proposals.
            guard: Entered around each evaluation of the model.

        Raises:
            PotentialError: The model cannot be loaded.
        """
        self._model = load_energy_model(model) if isinstance(model, str) else model
        self._seed = seed
        self._guard = guard

    def relax(
        self,
        structures: Sequence[StructureLike],
        settings: RelaxSettings | None = None,
        *,
        finished: Mapping[int, Relaxation] | None = None,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        """See `Relaxer.relax`; ``max_steps`` limits the evaluations, forces and stresses are not known.

        Raises:
            InputError: A structure holds an element the model does not know.
            PotentialError: optuna is not installed; no evaluations (``max_steps`` 0) do without it.
        """
        crystals = as_structures(structures)
        check_known(element_symbols(crystals), self._model.supported_elements, self._model.name)
        settings = settings or RelaxSettings()
        if settings.max_steps:
            require_optuna()
        results = dict(finished or {})
        with one_thread():
            for index, structure in enumerate(crystals):
                if index in results:
                    continue
                results[index] = (
                    self._relax_one(structure, settings)
                    if settings.max_steps
                    else single_point(self._model, structure, settings, self._guard)
                )
                if on_result is not None:
                    on_result(index, results[index])
        return [results[index] for index in range(len(crystals))]

    def _relax_one(self, structure: Structure, settings: RelaxSettings) -> Relaxation:
        begin = time.thread_time()
        start = starting_crystal(structure, settings)
        if isinstance(start, str):
            return Relaxation.failed(structure, start)
        first, reason = enthalpy_checked(self._model, start, settings, self._guard)
        if not np.isfinite(first):
            return Relaxation.failed(structure, reason or f"{self._model.name} gives it no energy")
        variables = SymmetricVariables(start, settings)
        if variables.size == 0:
            return _end(start, first, RelaxationStatus.CONVERGED, "", 0, begin)
        reach = np.full(variables.size, _STRAIN_REACH)
        reach[: variables.atom_modes] = _REACH * np.sqrt(len(start))
        volume = start.volume

        def enthalpy(x: FloatArray) -> float:
            variables.place(x)
            if sanity_problem(variables.crystal, volume) is not None:
                return np.inf
            energy, _ = enthalpy_checked(self._model, variables.crystal, settings, self._guard)
            return energy if np.isfinite(energy) else np.inf

        wanted = min(max(_LEAST, _PER_PARAMETER * variables.size), settings.max_steps)
        limit = np.inf if settings.time_limit_s is None else begin + settings.time_limit_s
        points, energies = _search(enthalpy, first, reach, wanted, limit, self._seed)
        best = int(np.argmin(energies))
        variables.place(points[best])
        gained = min(energies[: -(-2 * len(energies) // 3)]) - energies[best]
        done = len(energies) > wanted and gained < _GAIN
        reason = "" if done else f"still falling by {1000 * gained:.0f} meV/atom in its last evaluations"
        status = RelaxationStatus.CONVERGED if done else RelaxationStatus.STEP_LIMIT
        if len(energies) <= wanted and settings.time_limit_s is not None:
            status = RelaxationStatus.TIME_LIMIT
            reason = f"not converged in {settings.time_limit_s:g} s of processor time"
        return _end(variables.crystal, energies[best], status, reason, len(energies) - 1, begin)


def _search(
    enthalpy: Callable[[FloatArray], float],
    first: float,
    reach: FloatArray,
    wanted: int,
    time_limit: float,
    seed: int,
) -> tuple[list[FloatArray], list[float]]:
    """All points and their energies (eV/atom), the start at the origin first.

    The bounds shrink around the best point from round to round. Each round starts with the earlier
    evaluations within its bounds.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = [f"x{i:03d}" for i in range(len(reach))]
    points, energies = [np.zeros(len(reach))], [first]
    for turn, shrink in enumerate(_ROUNDS, start=1):
        centre = points[int(np.argmin(energies))]
        low, high = centre - shrink * reach, centre + shrink * reach
        spaces: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.FloatDistribution(a, b)
            for name, a, b in zip(names, low.tolist(), high.tolist(), strict=True)
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the sampler is declared experimental
            sampler = optuna.samplers.GPSampler(seed=seed + turn, n_startup_trials=2 * len(reach))
            study = optuna.create_study(sampler=sampler)
            for x, energy in zip(points, energies, strict=True):
                if (x >= low).all() and (x <= high).all():
                    values = dict(zip(names, x.tolist(), strict=True))
                    study.add_trial(
                        optuna.trial.create_trial(
                            params=values, distributions=spaces, value=_told(energy - first)
                        )
                    )
            for _ in range(wanted * turn // len(_ROUNDS) + 1 - len(energies)):
                trial = study.ask(spaces)
                points.append(np.array([trial.params[name] for name in names]))
                energies.append(enthalpy(points[-1]))
                study.tell(trial, _told(energies[-1] - first))
                if time.thread_time() > time_limit:
                    return points, energies
    return points, energies


def _told(above: float) -> float:
    """Energy above the start (eV/atom) as the process sees it: a clash must not flatten the valleys."""
    return float(np.arcsinh(min(above, _PENALTY) / _SOFT))


def _end(
    crystal: Crystal, energy: float, status: RelaxationStatus, reason: str, steps: int, begin: float
) -> Relaxation:
    return Relaxation(
        structure=crystal.to_structure(),
        status=status,
        reason=reason,
        energy_per_atom=energy,
        max_force=None,
        max_stress=None,
        steps=steps,
        seconds=time.thread_time() - begin,
    )

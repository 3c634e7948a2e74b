"""Relaxation without gradients: a Gaussian process searches the parameters that symmetry leaves free.

The idea of BOWSR (Zuo et al., Materials Today 51, 126 (2021), doi:10.1016/j.mattod.2021.08.012), which the
AlphaCrystal papers relax with: the lattice and the free Wyckoff coordinates are varied within bounds around
the start, and an energy model without forces suffices. The proposals come from optuna's GPSampler (Gaussian
process, log expected improvement); its first trial is the start itself.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.errors import PotentialError
from alphacrystal.relax._crystal import Crystal
from alphacrystal.relax._energy_model import EnergyModel
from alphacrystal.relax._potential import EV_PER_A3_IN_GPA, check_known, element_symbols
from alphacrystal.relax._registry import load_energy_model
from alphacrystal.relax._relax import OnResult
from alphacrystal.relax._relaxation import Relaxation, RelaxationStatus
from alphacrystal.relax._sanity import sanity_problem
from alphacrystal.relax._settings import RelaxSettings
from alphacrystal.relax._symmetry import identity_symmetry, symmetrise_crystal
from alphacrystal.relax._variables import SymmetricVariables

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Bounds around the start: displacement of a mode per square root of the atoms (Å), strain exponent.
_REACH = 0.25
_STRAIN_REACH = 0.12

#: Evaluations for each free parameter, and at least; BOWSR takes 100 for a crystal.
_PER_PARAMETER = 20
_LEAST = 40

#: eV/atom a crystal that cannot exist counts above its start.
_PENALTY = 5.0

#: The search counts as converged when its last third gained less than this (eV/atom).
_GAIN = 0.002


def require_optuna() -> None:
    """Refuse a Bayesian relaxation that could not run.

    Raises:
        PotentialError: optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise PotentialError(
            "Bayesian relaxation needs the package optuna: pip install 'alphacrystal[bayesian]'."
        )


class BayesianRelaxer:
    """Implements `Relaxer` with a potential or a formation-energy model, in this process."""

    def __init__(self, model: str | EnergyModel = "chgnet", seed: int = 0) -> None:
        """Prepare a search.

        Args:
            model: An energy model, or the name of one (see `load_energy_model`).
            seed: Same seed, same proposals.

        Raises:
            PotentialError: The model cannot be loaded.
        """
        self._model = load_energy_model(model) if isinstance(model, str) else model
        self._seed = seed

    def relax(
        self,
        structures: Sequence[Structure],
        settings: RelaxSettings | None = None,
        *,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        """See `Relaxer.relax`; ``max_steps`` limits the evaluations, forces and stresses are not known.

        Raises:
            InputError: A structure holds an element the model does not know.
            PotentialError: optuna is not installed; no evaluations (``max_steps`` 0) do without it.
        """
        check_known(element_symbols(structures), self._model.supported_elements, self._model.name)
        settings = settings or RelaxSettings()
        if settings.max_steps:
            require_optuna()
        results = []
        for index, structure in enumerate(structures):
            results.append(self._relax_one(structure, settings))
            if on_result is not None:
                on_result(index, results[-1])
        return results

    def _relax_one(self, structure: Structure, settings: RelaxSettings) -> Relaxation:
        begin = time.perf_counter()
        start = Crystal.from_structure(structure)
        problem = None if structure.is_ordered else "its sites are partly occupied"
        problem = problem or sanity_problem(start, start.volume)
        if problem is None:
            start = (
                symmetrise_crystal(start, settings.symprec)
                if settings.keep_symmetry
                else _without_symmetry(start)
            )
            first = self._enthalpy(start, settings)
            problem = None if np.isfinite(first) else f"{self._model.name} gives it no energy"
        if problem is not None:
            return Relaxation(structure, RelaxationStatus.FAILED, problem, None, None, None, 0, 0.0)
        variables = SymmetricVariables(start, settings)
        if variables.size == 0:
            return _end(start, first, RelaxationStatus.CONVERGED, "", 0, begin)
        if settings.max_steps == 0:
            return _end(start, first, RelaxationStatus.STEP_LIMIT, "not converged in 0 steps", 0, begin)
        import optuna

        names = [f"x{i:03d}" for i in range(variables.size)]
        reach = np.full(variables.size, _STRAIN_REACH)
        reach[: variables.atom_modes] = _REACH * np.sqrt(len(start))
        trials = min(max(_LEAST, _PER_PARAMETER * variables.size), settings.max_steps)
        volume = start.volume
        best = (first, np.zeros(variables.size))
        history = [first]
        spaces: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.FloatDistribution(-limit, limit)
            for name, limit in zip(names, reach.tolist(), strict=True)
        }
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the sampler is declared experimental
            study = optuna.create_study(
                sampler=optuna.samplers.GPSampler(seed=self._seed, n_startup_trials=2 * variables.size)
            )
            study.add_trial(
                optuna.trial.create_trial(params=dict.fromkeys(names, 0.0), distributions=spaces, value=first)
            )
            for _ in range(trials):
                trial = study.ask(spaces)
                x = np.array([trial.params[name] for name in names])
                variables.place(x)
                energy = np.inf
                if sanity_problem(variables.crystal, volume) is None:
                    energy = self._enthalpy(variables.crystal, settings)
                study.tell(trial, energy if np.isfinite(energy) else first + _PENALTY)
                if energy < best[0]:
                    best = (energy, x)
                history.append(best[0])
                limit_s = settings.time_limit_s
                if limit_s is not None and time.perf_counter() - begin > limit_s:
                    break
        variables.place(best[1])
        gained = history[2 * len(history) // 3] - history[-1]
        done = len(history) > trials and gained < _GAIN
        reason = "" if done else f"still falling by {1000 * gained:.0f} meV/atom in its last evaluations"
        status = RelaxationStatus.CONVERGED if done else RelaxationStatus.STEP_LIMIT
        return _end(variables.crystal, best[0], status, reason, len(history) - 1, begin)

    def _enthalpy(self, crystal: Crystal, settings: RelaxSettings) -> float:
        """eV/atom, or NaN."""
        energy = float(self._model.energies_per_atom([crystal.to_structure()])[0])
        return energy + settings.pressure_gpa / EV_PER_A3_IN_GPA * crystal.volume / len(crystal)


def _without_symmetry(crystal: Crystal) -> Crystal:
    crystal.symmetry = identity_symmetry(crystal)
    return crystal


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
        seconds=time.perf_counter() - begin,
    )

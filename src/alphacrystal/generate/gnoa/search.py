"""GNOA's three ways to search: random, tree-structured Parzen estimators, particle swarm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from alphacrystal.runtime.registry import require_package
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from alphacrystal.generate.gnoa.space import GnoaSpace

SearchName = Literal["random", "tpe", "pso"]

RANDOM_BATCH = 64  # points drawn together
INERTIA, PERSONAL_PULL, COMMON_PULL = 0.8, 0.5, 0.5  # of the swarm; GNOA's values of scikit-opt


class Search(Protocol):
    """Proposes points and learns from their losses."""

    def ask(self) -> FloatArray:
        """Points between 0 and 1, shape (points, size)."""
        ...

    def tell(self, losses: Sequence[float]) -> None:
        """Losses of the points of the last call, in order."""
        ...


class RandomSearch:
    """Uniform points."""

    def __init__(self, space: GnoaSpace, rng: np.random.Generator) -> None:
        self._size, self._rng = space.size, rng

    def ask(self) -> FloatArray:
        """See `Search`."""
        return self._rng.random((RANDOM_BATCH, self._size))

    def tell(self, losses: Sequence[float]) -> None:
        """Nothing is learned."""


class SwarmSearch:
    """Particle swarm (Kennedy & Eberhart 1995, doi:10.1109/ICNN.1995.488968) between walls that hold it."""

    def __init__(self, space: GnoaSpace, rng: np.random.Generator, population: int) -> None:
        self._rng = rng
        self._points = rng.random((population, space.size))
        self._velocities = rng.uniform(-1, 1, self._points.shape)
        self._best, self._best_loss = self._points.copy(), np.full(population, np.inf)
        self._begun = False

    def ask(self) -> FloatArray:
        """See `Search`."""
        if self._begun:
            common = self._best[self._best_loss.argmin()]
            personal, shared = self._rng.random((2, *self._points.shape))
            self._velocities = (
                INERTIA * self._velocities
                + PERSONAL_PULL * personal * (self._best - self._points)
                + COMMON_PULL * shared * (common - self._points)
            )
            self._points = np.clip(self._points + self._velocities, 0, 1)
        self._begun = True
        return self._points

    def tell(self, losses: Sequence[float]) -> None:
        """See `Search`."""
        loss = np.asarray(losses)
        better = loss < self._best_loss
        self._best[better], self._best_loss[better] = self._points[better], loss[better]


class ParzenSearch:
    """Tree-structured Parzen estimators (Bergstra et al. 2011), optuna's; one point at a time.

    Space group and Z are categories, all else is continuous.
    """

    def __init__(self, space: GnoaSpace, rng: np.random.Generator, startup: int) -> None:
        """Open a study.

        Raises:
            InputError: optuna is not installed.
        """
        require_parzen()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(n_startup_trials=startup, seed=int(rng.integers(2**31)))
        self._study = optuna.create_study(sampler=sampler)
        self._categories = {6: len(space.groups), 8: len(space.formula_units)}
        self._spaces: dict[str, optuna.distributions.BaseDistribution] = {
            str(k): optuna.distributions.CategoricalDistribution(list(range(self._categories[k])))
            if k in self._categories
            else optuna.distributions.FloatDistribution(0, 1)
            for k in range(space.size)
        }
        self._trial: optuna.Trial | None = None

    def ask(self) -> FloatArray:
        """See `Search`."""
        self._trial = self._study.ask(self._spaces)
        values = [float(self._trial.params[name]) for name in self._spaces]
        for place, number in self._categories.items():
            values[place] = (values[place] + 0.5) / number
        return np.array([values])

    def tell(self, losses: Sequence[float]) -> None:
        """See `Search`."""
        assert self._trial is not None
        self._study.tell(self._trial, losses[0])


def require_parzen() -> None:
    """Refuse a TPE search that could not run.

    Raises:
        InputError: optuna is not installed.
    """
    require_package("optuna", "bayesian", "The generator gnoa-tpe")

"""FIRE: damped dynamics that builds up speed downhill and stops when it goes uphill.

Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), doi:10.1103/PhysRevLett.97.170201, with ASE's parameters
and ASE's scaling of the cell (strain exponent times the number of atoms), so that it takes ASE's steps. It
needs several times the steps of the quasi-Newton method but coasts over the small bumps of a rough landscape:
from random starts it more often ends in the deeper basin.
"""

from __future__ import annotations

import numpy as np

from alphacrystal.crystal import Crystal
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.relaxation._variables import SymmetricVariables
from alphacrystal.typing import FloatArray

_FIRST_TIME_STEP, _LARGEST_TIME_STEP = 0.1, 1.0
_SPEED_UP, _SLOW_DOWN = 1.1, 0.5
_FIRST_MIXING, _MIXING_DECAY = 0.1, 0.99
_STEPS_BEFORE_SPEED_UP = 5


class Fire:
    """Implements `Minimiser`; see the module's docstring."""

    def __init__(self, crystal: Crystal, settings: RelaxSettings) -> None:
        self.crystal = crystal
        self._longest_step = settings.max_displacement
        self._variables = SymmetricVariables(crystal, settings)
        self._x = np.zeros(self._variables.size)
        # In these coordinates strain exponents are multiplied by the number of atoms.
        self._scale = np.ones(self._variables.size)
        self._scale[self._variables.atom_modes :] = len(crystal)
        self._velocity = np.zeros(self._variables.size)
        self._time_step = _FIRST_TIME_STEP
        self._mixing = _FIRST_MIXING
        self._downhill = 0
        self._started = False
        self._step = np.zeros(self._variables.size)

    def tell(self, energy: float, forces: FloatArray, stress: FloatArray) -> None:
        """See `Minimiser.tell`."""
        force = -self._variables.gradient(self._x, forces, stress) / self._scale
        if self._started:
            self._steer(force)
        self._started = True
        self._velocity += self._time_step * force
        step = self._time_step * self._velocity
        length = float(np.linalg.norm(step))
        if length > self._longest_step:
            step *= self._longest_step / length
        self._move(step)

    def reject(self) -> None:
        """See `Minimiser.reject`."""
        last = self._step
        self._x -= last / self._scale
        self._velocity[:] = 0.0
        self._time_step *= _SLOW_DOWN
        self._longest_step *= _SLOW_DOWN
        self._move(_SLOW_DOWN * last)

    def stalled(self) -> bool:
        """See `Minimiser.stalled`."""
        return self._longest_step < 1e-4

    def _steer(self, force: FloatArray) -> None:
        power = float(force @ self._velocity)
        if power > 0:
            self._velocity *= 1 - self._mixing
            speed = float(np.linalg.norm(self._velocity)) / (1 - self._mixing)
            self._velocity += self._mixing * speed * force / float(np.linalg.norm(force))
            if self._downhill > _STEPS_BEFORE_SPEED_UP:
                self._time_step = min(self._time_step * _SPEED_UP, _LARGEST_TIME_STEP)
                self._mixing *= _MIXING_DECAY
            self._downhill += 1
        else:
            self._velocity[:] = 0.0
            self._mixing = _FIRST_MIXING
            self._time_step *= _SLOW_DOWN
            self._downhill = 0

    def _move(self, step: FloatArray) -> None:
        self._step = step
        self._x = self._x + step / self._scale
        self._variables.place(self._x)

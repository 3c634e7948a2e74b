"""The optimisers by themselves: gradients, ASE's steps, and fewer evaluations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from alphacrystal.crystal import Crystal, symmetrise_crystal
from alphacrystal.relaxation import AsePotential, RelaxSettings, relax
from alphacrystal.relaxation._variables import SymmetricVariables

Textbook = dict[str, Callable[..., Structure]]


def soft() -> LennardJones:
    return LennardJones(sigma=2.0, epsilon=0.2, rc=8.0, ro=6.0, smooth=True)


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), pressure=st.sampled_from([0.0, 20.0]))
def test_gradient_is_the_slope_of_the_enthalpy_far_from_the_start(
    textbook: Textbook, seed: int, pressure: float
) -> None:
    rng = np.random.default_rng(seed)
    crystal = symmetrise_crystal(Crystal.from_structure(textbook["quartz"]()), 0.01)
    variables = SymmetricVariables(crystal, RelaxSettings(pressure_gpa=pressure))
    potential = AsePotential("soft", soft())

    def enthalpy(x: np.ndarray) -> float:
        variables.place(x)
        return variables.enthalpy(float(potential.evaluate_crystals([crystal]).energies[0]))

    x = rng.normal(scale=0.1, size=variables.size)
    direction = rng.normal(size=variables.size)
    slope = (enthalpy(x + 1e-4 * direction) - enthalpy(x - 1e-4 * direction)) / 2e-4
    variables.place(x)
    evaluation = potential.evaluate_crystals([crystal])
    gradient = variables.gradient(x, evaluation.forces[0], evaluation.stresses[0])
    assert slope == pytest.approx(float(gradient @ direction), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", ["rutile", "wurtzite"])
def test_fire_takes_the_steps_of_ase(textbook: Textbook, name: str) -> None:
    start = textbook[name]()
    atoms = AseAtomsAdaptor.get_atoms(start)
    atoms.calc = soft()
    reference = FIRE(FrechetCellFilter(atoms), logfile=None)
    reference.run(fmax=0.02, steps=300)
    (end,) = relax([start], AsePotential("soft", soft()), RelaxSettings(fmax=0.02, optimizer="fire"))
    assert end.converged
    assert end.steps == pytest.approx(reference.nsteps, abs=1)
    assert end.structure.volume == pytest.approx(atoms.get_volume(), rel=1e-3)


@pytest.mark.parametrize("name", ["rutile", "wurtzite", "quartz"])
def test_quasi_newton_needs_fewer_evaluations_for_the_same_minimum(textbook: Textbook, name: str) -> None:
    potential = AsePotential("soft", soft())
    start = textbook[name]()
    (fire,) = relax([start], potential, RelaxSettings(fmax=0.005, optimizer="fire", max_steps=500))
    (newton,) = relax([start], potential, RelaxSettings(fmax=0.005))
    assert newton.converged
    assert newton.steps < fire.steps
    assert newton.energy_per_atom == pytest.approx(fire.energy_per_atom, abs=1e-3)

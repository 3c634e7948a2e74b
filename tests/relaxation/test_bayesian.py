"""Relaxation without gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from pymatgen.core import Structure

from alphacrystal.errors import PotentialError
from alphacrystal.relaxation import (
    AsePotential,
    BayesianRelaxer,
    PotentialEnergies,
    Relaxation,
    RelaxationStatus,
    Relaxer,
    RelaxPool,
    RelaxSettings,
    relax,
)

Textbook = dict[str, Callable[..., Structure]]
WITH_OPTUNA = pytest.mark.skipif(find_spec("optuna") is None, reason="the extra bayesian is not installed")


def soft() -> AsePotential:
    return AsePotential("soft", LennardJones(sigma=2.0, epsilon=0.2, rc=8.0, ro=6.0, smooth=True))


class Volume:
    """A formation-energy model without forces: a parabola in the volume per atom."""

    name = "parabola"
    supported_elements = frozenset({"Na", "Cl", "Ti", "O"})

    def energies_per_atom(self, structures: Sequence[Structure]) -> np.ndarray:
        return np.array([0.1 * (s.volume / len(s) - 20.0) ** 2 - 3.0 for s in structures])


def test_both_ways_to_relax_have_one_interface() -> None:
    assert isinstance(BayesianRelaxer(Volume()), Relaxer)
    assert issubclass(RelaxPool, Relaxer)


def test_without_evaluations_the_start_is_judged(textbook: Textbook) -> None:
    (end,) = BayesianRelaxer(Volume()).relax([textbook["rock salt"](5.69)], RelaxSettings(max_steps=0))
    assert end.status is RelaxationStatus.STEP_LIMIT
    assert end.energy_per_atom == pytest.approx(Volume().energies_per_atom([textbook["rock salt"](5.69)])[0])


@pytest.mark.skipif(find_spec("optuna") is not None, reason="the extra bayesian is installed")
def test_missing_package_is_named(textbook: Textbook) -> None:
    with pytest.raises(
        PotentialError, match=r"needs the package optuna: pip install 'alphacrystal\[bayesian\]'"
    ):
        BayesianRelaxer(Volume()).relax([textbook["rock salt"]()])


@WITH_OPTUNA
def test_energy_model_without_forces_reaches_its_minimum(textbook: Textbook) -> None:
    seen: list[tuple[int, Relaxation]] = []
    settings = RelaxSettings(max_steps=40)
    starts = [textbook["rock salt"](5.6), textbook["rock salt"](5.3)]
    ends = BayesianRelaxer(Volume()).relax(starts, settings, on_result=lambda *item: seen.append(item))
    assert [index for index, _ in seen] == [0, 1]
    for end in ends:
        assert end.status is RelaxationStatus.CONVERGED
        assert end.energy_per_atom == pytest.approx(-3.0, abs=2e-3)
        assert end.structure.volume / len(end.structure) == pytest.approx(20.0, abs=0.3)
        assert (end.max_force, end.max_stress) == (None, None)


@pytest.mark.slow
@WITH_OPTUNA
def test_search_ends_where_gradients_end_and_keeps_the_space_group(textbook: Textbook) -> None:
    (downhill,) = relax([textbook["rutile"]()], soft(), RelaxSettings(fmax=0.01))
    start = downhill.structure.copy()
    start.apply_strain([0.03, 0.03, -0.04])
    (found,) = BayesianRelaxer(PotentialEnergies(soft())).relax([start])
    assert downhill.energy_per_atom is not None
    assert found.energy_per_atom == pytest.approx(downhill.energy_per_atom, abs=0.02)
    assert found.structure.get_space_group_info(symprec=0.01)[1] == 136
    (again,) = BayesianRelaxer(PotentialEnergies(soft())).relax([start])
    assert again.energy_per_atom == found.energy_per_atom


@WITH_OPTUNA
def test_fused_atoms_are_refused(textbook: Textbook) -> None:
    broken = textbook["rock salt"](0.6)
    (end,) = BayesianRelaxer(Volume()).relax([broken])
    assert end.status is RelaxationStatus.FAILED

"""Relaxation of layers: the cell changes in their plane only."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import Crystal, symmetrise_crystal
from alphacrystal.relaxation import AsePotential, Potential, RelaxSettings, relax
from alphacrystal.relaxation._variables import SymmetricVariables

IN_PLANE = RelaxSettings(in_plane=True, fmax=0.01)
#: Cell angle γ and lengths of slabs in Å, and how many strains in their plane the symmetry leaves.
SLABS = {"hexagonal": (3.6, 3.6, 120, 1), "rectangular": (3.6, 4.1, 90, 2), "oblique": (3.6, 4.1, 105, 3)}


def lennard_jones() -> Potential:
    calculator = LennardJones(sigma=3.4, epsilon=0.01, rc=12.0, ro=10.0, smooth=True)
    return AsePotential("lj", calculator, frozenset({"Ar"}))


def slab(name: str, elements: tuple[str, ...] = ("Ar",)) -> Structure:
    a, b, gamma, _ = SLABS[name]
    lattice = Lattice.from_parameters(a, b, 22.0, 90, 90, gamma)
    sites = [[0, 0, 0.5], [0.3, 0.25, 0.6]][: len(elements)]
    return Structure(lattice, elements, sites)


@pytest.mark.parametrize("name", SLABS)
def test_free_strains_are_those_of_the_plane(name: str) -> None:
    crystal = symmetrise_crystal(Crystal.from_structure(slab(name)), 0.01)
    variables = SymmetricVariables(crystal, IN_PLANE)
    assert variables.size - variables.atom_modes == SLABS[name][3]
    for mode in np.eye(variables.size)[variables.atom_modes :]:
        strain = variables.strain(mode)
        assert np.abs(strain[2]).max() == pytest.approx(0, abs=1e-9)
        assert np.linalg.norm(strain) == pytest.approx(1)


def test_layer_at_any_angle_to_the_axes_has_the_same_strains() -> None:
    crystal = Crystal.from_structure(slab("oblique"))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    crystal.lattice = crystal.lattice @ turn
    variables = SymmetricVariables(crystal, RelaxSettings(in_plane=True, keep_symmetry=False))
    assert variables.size == 3
    for mode in np.eye(3):
        assert np.abs(variables.strain(mode) @ crystal.lattice[2]).max() < 1e-9


@pytest.mark.parametrize("optimizer", ["quasi-newton", "fire"])
@pytest.mark.parametrize("name", SLABS)
def test_vacuum_stays_and_the_plane_relaxes(name: str, optimizer: Literal["quasi-newton", "fire"]) -> None:
    start = slab(name)
    settings = IN_PLANE.model_copy(update={"optimizer": optimizer})
    (end,) = relax([start], lennard_jones(), settings)
    assert end.converged, end.reason
    vectors = end.structure.lattice.matrix
    assert vectors[2] == pytest.approx(start.lattice.matrix[2], abs=1e-9)
    assert vectors[:2] @ vectors[2] == pytest.approx(0, abs=1e-6)
    assert end.structure.lattice.a > start.lattice.a + 0.05  # 3.6 Å is short for argon
    (evaluation,) = [lennard_jones().evaluate([end.structure])]
    assert np.abs(evaluation.stresses[0, :2, :2]).max() * end.structure.volume < 0.01


def test_atoms_relax_along_the_normal() -> None:
    """A step of a buckled layer, whose out-of-plane stress does not hinder convergence."""
    start = slab("oblique", ("Ar", "Ar"))
    (end,) = relax([start], lennard_jones(), IN_PLANE)
    assert end.converged, end.reason
    heights = end.structure.frac_coords[:, 2]
    assert abs(np.ptp(heights) * 22.0 - 2.2) > 0.2
    assert end.structure.lattice.c == pytest.approx(22.0)


def test_layer_has_the_energy_of_other_vacuums(chgnet: Potential) -> None:
    """Hexagonal boron nitride with 12 and 24 Å of vacuum."""
    sites = [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]]
    starts = [Structure(Lattice.hexagonal(2.45, c), ["B", "N"], sites) for c in (12.0, 24.0)]
    ends = relax(starts, chgnet, IN_PLANE)
    assert all(end.converged for end in ends)
    assert ends[0].energy_per_atom == pytest.approx(ends[1].energy_per_atom, abs=1e-4)
    assert [end.structure.lattice.c for end in ends] == pytest.approx([12.0, 24.0])
    # Experiment (bulk): 2.504 Å, R. W. Lynch and H. G. Drickamer, doi:10.1063/1.1726442.
    assert [end.structure.lattice.a for end in ends] == pytest.approx([2.504] * 2, abs=0.02)

"""Models of torch-sim as potentials: the results of their ASE calculators."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import PotentialError
from alphacrystal.relaxation import TorchSimPotential

torch = pytest.importorskip("torch")
pytest.importorskip("torch_sim", reason="needs the package torch-sim-atomistic")

ARGON = {"sigma": 3.4, "epsilon": 0.0104}
CUTOFF = 8.5  # Å


def model(**options: Any) -> Any:
    """Lennard-Jones of torch-sim over nearest images.

    Version 0.3.0 counts the forces and stresses of its pair models twice; this is undone.
    """
    from torch_sim.models.lennard_jones import LennardJonesModel

    twice = version("torch-sim-atomistic").startswith("0.3.")

    class Argon(LennardJonesModel):  # type: ignore[misc, no-any-unimported]
        def forward(self, state: Any) -> dict[str, Any]:
            answer = super().forward(state)
            return {
                name: value / 2 if twice and name in ("forces", "stress") else value
                for name, value in answer.items()
            }

    return Argon(
        **ARGON,
        cutoff=CUTOFF,
        dtype=torch.float64,
        device=torch.device("cpu"),
        use_neighbor_list=False,
        **options,
    )


@pytest.fixture(scope="module")
def potential() -> TorchSimPotential:
    return TorchSimPotential("argon", model(compute_forces=True, compute_stress=True), frozenset({"Ar"}))


def crystals() -> list[Structure]:
    """Shaken argon in cells of unequal axes wider than two cutoffs."""
    rng = np.random.default_rng(0)
    made = []
    for count, a in ((108, 5.75), (107, 5.8), (96, 5.9)):
        cell = Structure.from_spacegroup(225, Lattice.cubic(a), ["Ar"], [[0, 0, 0]]) * (3, 3, 3)
        cell.remove_sites(rng.permutation(len(cell))[count:].tolist())
        cell.apply_strain([0.0, 0.01, 0.02])
        cell.perturb(0.2)
        made.append(cell)
    return made


def test_energies_forces_and_stresses_are_those_of_ase(potential: TorchSimPotential) -> None:
    structures = crystals()
    evaluation = potential.evaluate(structures)
    shift = 4 * ARGON["epsilon"] * ((ARGON["sigma"] / CUTOFF) ** 12 - (ARGON["sigma"] / CUTOFF) ** 6)
    for index, structure in enumerate(structures):
        atoms = structure.to_ase_atoms()
        atoms.calc = LennardJones(**ARGON, rc=CUTOFF)
        pairs = structure.get_neighbor_list(CUTOFF)[0].size / 2  # ASE shifts the energy of each pair
        energy = atoms.get_potential_energy() + pairs * shift
        assert evaluation.energies[index] == pytest.approx(energy, abs=1e-6)
        assert np.allclose(evaluation.forces[index], atoms.get_forces(), atol=1e-6)
        assert np.allclose(evaluation.stresses[index], atoms.get_stress(voigt=False), atol=1e-7)
        assert np.abs(evaluation.forces[index]).max() > 1e-3  # not all zero
    assert evaluation.failures == (None, None, None)


def test_a_batch_gives_what_each_structure_gives_alone(potential: TorchSimPotential) -> None:
    structures = crystals()
    together = potential.evaluate(structures).energies
    alone = [potential.evaluate([structure]).energies[0] for structure in structures]
    assert together == pytest.approx(alone, abs=1e-9)
    assert potential.evaluate([]).energies.shape == (0,)


def test_a_model_without_stress_is_refused() -> None:
    with pytest.raises(PotentialError, match="computes no stress; create it with compute_stress=True"):
        TorchSimPotential("argon", model(compute_forces=True, compute_stress=False))

"""D3(BJ) dispersion on top of a potential."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.config import make_config
from alphacrystal.errors import PotentialError
from alphacrystal.relaxation import (
    DispersionPotential,
    EnergyScale,
    Evaluation,
    RelaxSettings,
    check_potential,
    energy_scale,
    load_potential,
    relax,
)

pytest.importorskip("dftd3", reason="needs the extra dispersion")


def graphite(c: float = 6.711) -> Structure:
    return Structure.from_spacegroup(
        194, Lattice.hexagonal(2.464, c), ["C", "C"], [[0, 0, 0.25], [1 / 3, 2 / 3, 0.25]]
    )


def test_layers_of_graphite_attract_each_other() -> None:
    """Binding of the layers: 52 meV/atom in experiment (Zacharia et al., doi:10.1103/PhysRevB.69.155406)."""
    energies = load_potential("chgnet+d3").evaluate([graphite(), graphite(14.0)]).energies / 4
    assert 0.02 < energies[1] - energies[0] < 0.09
    (end,) = relax([graphite(7.2)], load_potential("chgnet+d3"), RelaxSettings(fmax=5e-4, max_steps=200))
    assert end.structure.lattice.c == pytest.approx(6.711, rel=0.05)


class Nothing:
    """A potential without any interaction."""

    name = "nothing"
    supported_elements = frozenset({"C"})

    def evaluate(self, structures: Any) -> Evaluation:
        count = len(structures)
        forces = [np.zeros((len(structure), 3)) for structure in structures]
        return Evaluation(np.zeros(count), forces, np.zeros((count, 3, 3)), (None,) * count)

    def calculator(self) -> Any:
        raise NotImplementedError


def test_forces_and_stresses_are_derivatives_of_the_energy() -> None:
    potential = DispersionPotential(Nothing())
    crystal = graphite()
    crystal.translate_sites([0], [0.01, 0.02, 0.03])
    found = potential.evaluate([crystal])
    assert found.energies[0] < 0
    step = 1e-3
    for axis in range(3):
        vector = np.zeros(3)
        vector[axis] = step
        moved = [crystal.copy(), crystal.copy()]
        moved[0].translate_sites([0], vector, frac_coords=False)
        moved[1].translate_sites([0], -vector, frac_coords=False)
        plus, minus = potential.evaluate(moved).energies
        assert found.forces[0][0, axis] == pytest.approx(-(plus - minus) / (2 * step), abs=2e-4)
    strained = []
    for sign in (1, -1):
        matrix = crystal.lattice.matrix @ np.diag([1, 1, 1 + sign * step])
        strained.append(Structure(Lattice(matrix), crystal.species, crystal.frac_coords))
    plus, minus = potential.evaluate(strained).energies
    # The cutoff of pairs makes small steps in the energy of a strained cell.
    assert found.stresses[0][2, 2] * crystal.volume == pytest.approx((plus - minus) / (2 * step), rel=0.05)


def test_names_with_dispersion() -> None:
    check_potential("chgnet+d3", ["C"])
    assert energy_scale("chgnet+d3") is EnergyScale.OTHER
    with pytest.raises(PotentialError, match="nothing"):
        check_potential("nothing+d3")
    with pytest.raises(PotentialError, match="no forces"):
        check_potential("megnet:x+d3", forces=False)
    assert make_config(dispersion="d3").full_potential == "chgnet+d3"
    assert make_config().full_potential == "chgnet"


def test_prediction_with_dispersion_names_it(run: Callable[..., Any], tmp_path: Path) -> None:
    quick = ("--max-atoms", "4", "--candidates", "4", "--workers", "1")
    folder = tmp_path / "run"
    outcome = run("predict", "BN", *quick, "--dispersion", "d3", "--out", folder)
    assert outcome.code == 0, outcome.err
    assert '"potential": "chgnet+d3"' in (folder / "run.json").read_text()
    assert "E hull" in outcome.out  # of energies without dispersion, as the references

"""Our evaluation of CHGNet against chgnet's own, and on crystals that have no usable graph."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.relaxation import CHGNetPotential, Potential

Textbook = dict[str, Callable[..., Structure]]


@pytest.mark.parametrize(("name", "version"), [("chgnet", "0.3.0"), ("chgnet-r2scan", "r2scan")])
def test_agrees_with_chgnet_itself(textbook: Textbook, name: str, version: str) -> None:
    rng = np.random.default_rng(3)
    crystals = []
    for builder in [textbook[name] for name in ("rutile", "wurtzite", "Zr4Al3", "perovskite", "quartz")]:
        crystal = builder().make_supercell([1, 1, 2], in_place=False)
        for site in range(len(crystal)):
            crystal.translate_sites(site, rng.normal(scale=0.02, size=3), frac_coords=False)
        crystals.append(crystal)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from chgnet.model import CHGNet

        model = CHGNet.load(model_name=version, use_device="cpu", verbose=False)
        expected = model.predict_structure(crystals, task="efs")
    evaluation = CHGNetPotential.load(name).evaluate(crystals)
    for i, crystal in enumerate(crystals):
        assert evaluation.energies[i] / len(crystal) == pytest.approx(float(expected[i]["e"]), abs=1e-5)
        # Single precision leaves about 1e-5 eV/Å in both, and more on atoms with nearly straight angles.
        scale = max(1.0, float(np.abs(expected[i]["f"]).max()))
        assert np.median(np.abs(evaluation.forces[i] - expected[i]["f"])) < 2e-5 * scale
        assert evaluation.forces[i] == pytest.approx(expected[i]["f"], abs=2e-3)
        scale = max(1.0, float(np.abs(expected[i]["s"]).max()))
        assert np.median(np.abs(evaluation.stresses[i] * 160.21766208 - expected[i]["s"])) < 1e-4 * scale
        assert evaluation.stresses[i] * 160.21766208 == pytest.approx(expected[i]["s"], abs=2e-3)


def test_isolated_atom_fails_alone(chgnet: Potential, textbook: Textbook) -> None:
    lonely = Structure(Lattice.cubic(15), ["Na"], [[0, 0, 0]])
    pair = Structure(Lattice.cubic(20), ["Na", "Cl", "Na"], [[0, 0, 0], [0.1, 0, 0], [0.5, 0.5, 0.5]])
    evaluation = chgnet.evaluate([lonely, textbook["rock salt"](), pair])
    assert evaluation.failures == (
        "an atom has no neighbour within 6 Å",
        None,
        "an atom has no neighbour within 6 Å",
    )
    assert np.isnan(evaluation.energies[[0, 2]]).all()
    assert evaluation.energies[1] / 2 == pytest.approx(-3.668, abs=0.01)


def test_crystal_without_angles_is_evaluated(chgnet: Potential) -> None:
    caesium = Structure(Lattice.cubic(5.5), ["Cs"], [[0, 0, 0]])
    evaluation = chgnet.evaluate([caesium])
    assert evaluation.failures == (None,)
    assert evaluation.energies[0] == pytest.approx(-0.7, abs=0.3)


def test_collapsed_cell_fails_alone(chgnet: Potential, textbook: Textbook) -> None:
    collapsed = textbook["rock salt"]()
    collapsed.scale_lattice(0.2)
    evaluation = chgnet.evaluate([collapsed, textbook["rutile"]()])
    assert evaluation.failures == ("the cell has collapsed", None)

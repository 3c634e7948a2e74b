"""Potentials by name, plug-ins through real entry points, and the energy check at load."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from alphacrystal.errors import InputError, PotentialError
from alphacrystal.relaxation import (
    AsePotential,
    EnergyRange,
    EnergyScale,
    Potential,
    check_potential,
    energy_scale,
    load_energy_model,
    load_potential,
    potential_names,
)
from alphacrystal.relaxation.registry import check_reference_energies

PLUGIN = """
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones

from alphacrystal.relaxation import AsePotential, EnergyRange


def bare():
    return LennardJones(sigma=3.4, epsilon=0.0104, rc=12.0, ro=11.0, smooth=True)


def argon_only():
    return AsePotential("argon", bare(), frozenset({"Ar"}))


def checked():
    potential = AsePotential("checked", bare())
    potential.expected_energies = EnergyRange(mgo=(-7.0, -5.0), nacl=(-4.0, -3.0))
    return potential


def broken():
    raise OSError("the weights file is gone")


def nonsense():
    return 42


def raw():
    return bare()


raw.energy_scale = "PBE/PBE+U without corrections"


class Formation:
    name = "formation"
    supported_elements = frozenset({"Mg", "O", "Na", "Cl"})

    def energies_per_atom(self, structures):
        return -3.0 + 0.0 * __import__("numpy").arange(len(structures))


class EnergyOnly(Calculator):
    implemented_properties = ["energy"]
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution that offers potentials."""
    (tmp_path / "lj_potentials.py").write_text(PLUGIN)
    metadata = tmp_path / "lj_potentials-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lj-potentials\nVersion: 1.0\n")
    names = ["bare", "argon_only", "checked", "broken", "nonsense", "EnergyOnly", "raw", "Formation"]
    lines = ["[alphacrystal.potentials]", *(f"{name} = lj_potentials:{name}" for name in names)]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("name", ["chgnet", "chgnet-r2scan"])
def test_shipped_potentials_load_and_know_89_elements(name: str) -> None:
    potential = load_potential(name)
    assert potential.name == name
    assert len(potential.supported_elements) == 89
    assert "Po" not in potential.supported_elements


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        PotentialError, match=r"no potential named 'm4gnet'; known here: chgnet, chgnet-r2scan"
    ):
        load_potential("m4gnet")


def test_loading_says_nothing_and_does_not_import_chgnet() -> None:
    code = (
        "import sys; from alphacrystal.relaxation import load_potential; load_potential();"
        "assert 'chgnet' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.usefixtures("plugins")
def test_plugins_are_listed_and_calculators_are_wrapped() -> None:
    assert {"bare", "argon_only", "chgnet"} <= set(potential_names())
    assert isinstance(load_potential("bare"), AsePotential)
    assert load_potential("argon_only").supported_elements == {"Ar"}


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("checked", r"The potential checked gives .* eV/atom for MgO instead of -7.00 to -5.00"),
        ("broken", r"The potential broken cannot be loaded: OSError: the weights file is gone"),
        ("nonsense", r"The entry point nonsense returned a int"),
        ("EnergyOnly", r"cannot relax crystals: its ASE calculator gives no forces, stress"),
    ],
)
def test_unusable_plugins_are_refused_with_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(PotentialError, match=sentence):
        load_potential(name)


def test_energy_check_refuses_another_energy_scale(chgnet: Potential) -> None:
    # What M3GNet checkpoints give when a later matgl loads them with the message direction turned.
    wrong = EnergyRange(mgo=(-2.05, -1.95), nacl=(-1.35, -1.25))
    with pytest.raises(PotentialError, match=r"gives -6\.31 eV/atom for MgO"):
        check_reference_energies(chgnet, wrong)


def test_energy_check_refuses_what_cannot_evaluate_the_crystals() -> None:
    nan = AsePotential("nan", LennardJones(sigma=float("nan"), epsilon=1.0))
    with pytest.raises(PotentialError, match="nan eV/atom for MgO"):
        check_reference_energies(nan, EnergyRange(mgo=(-7.0, -5.0), nacl=(-4.0, -3.0)))


def test_calculator_error_fails_one_structure_only() -> None:
    import numpy as np
    from pymatgen.core import Lattice, Structure

    metals = AsePotential("emt", EMT())  # knows Cu, but no Na
    copper = Structure(Lattice(3.61 / 2 * (np.ones((3, 3)) - np.eye(3))), ["Cu"], [[0, 0, 0]])
    sodium = Structure(Lattice.cubic(4.0), ["Na"], [[0, 0, 0]])
    evaluation = metals.evaluate([sodium, copper])
    assert evaluation.failures[0] is not None
    assert "the calculator of emt failed" in evaluation.failures[0]
    assert evaluation.failures[1] is None
    assert np.isfinite(evaluation.energies[1])


def test_early_check_needs_no_model() -> None:
    check_potential("chgnet", ["Na", "Cl"])
    with pytest.raises(PotentialError, match="no potential named 'm4gnet'"):
        check_potential("m4gnet", ["Na"])
    with pytest.raises(InputError, match="chgnet-r2scan does not know the elements At, Lr;"):
        check_potential("chgnet-r2scan", ["Na", "Lr", "At"])


@pytest.mark.usefixtures("plugins")
def test_plugins_declare_their_scale_and_may_give_formation_energies_only() -> None:
    assert energy_scale("raw") is EnergyScale.MP_RAW
    assert energy_scale("bare") is EnergyScale.OTHER
    assert load_energy_model("Formation").name == "formation"
    assert load_energy_model("bare").name == "bare"
    with pytest.raises(PotentialError, match="gives formation energies but no forces"):
        load_potential("Formation")


@pytest.mark.parametrize(
    ("name", "package"),
    [("sevennet", "sevenn"), ("m3gnet:models/mine", "matgl"), ("megnet:models/mine", "matgl")],
)
def test_missing_extra_is_named_in_one_line(name: str, package: str) -> None:
    if find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    with pytest.raises(PotentialError, match=rf"needs the package {package}: pip install 'alphacrystal\["):
        load_energy_model(name)


def test_model_after_the_colon_is_needed() -> None:
    with pytest.raises(PotentialError, match=r"m3gnet needs a model: .* m3gnet:DIRECTORY"):
        load_potential("m3gnet:")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of matgl and what it stands on
@pytest.mark.skipif(find_spec("matgl") is None, reason="the extra matgl is not installed")
def test_guard_refuses_an_untrained_matgl_model(tmp_path: Path) -> None:
    from matgl.apps.pes import Potential as MatglPotential
    from matgl.models import M3GNet, MEGNet

    MatglPotential(model=M3GNet(element_types=("Mg", "O", "Na", "Cl"))).save(tmp_path / "m3gnet")
    MEGNet(element_types=("Mg", "O", "Na", "Cl")).save(tmp_path / "megnet")
    for family in ("m3gnet", "megnet"):
        with pytest.raises(PotentialError, match="eV/atom for MgO instead of"):
            load_energy_model(f"{family}:{tmp_path / family}")
    with pytest.raises(PotentialError, match="gives no forces"):
        load_energy_model(f"m3gnet:{tmp_path / 'megnet'}")
    with pytest.raises(PotentialError, match="predicts no formation energy"):
        load_energy_model(f"megnet:{tmp_path / 'm3gnet'}")

"""Registered files as potentials: added and removed by command, imported only under their name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from pymatgen.core import Structure

from alphacrystal.config import PredictConfig
from alphacrystal.errors import InputError, PotentialError
from alphacrystal.relaxation import (
    DispersionPotential,
    EnergyScale,
    RelaxPool,
    check_potential,
    energy_scale,
    load_potential,
    potential_names,
    register_file,
    registered_files,
    unregister_file,
)
from alphacrystal.runtime.torch_device import torch_device

EMT = """
from ase.calculators.emt import EMT


def make_potential():
    return EMT()


make_potential.supported_elements = {"Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt"}
"""
MODEL = """
import torch
from torch_sim.models.lennard_jones import LennardJonesModel


def make_potential():
    return LennardJonesModel(sigma=3.4, epsilon=0.0104, cutoff=8.5, compute_forces=True, compute_stress=True)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "registered"
    monkeypatch.setenv("ALPHACRYSTAL_POTENTIALS", str(path))
    return path


def written(tmp_path: Path, text: str, name: str = "metals.py") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_an_ase_calculator_of_a_file_relaxes_on_workers(tmp_path: Path, folder: Path) -> None:
    assert register_file(written(tmp_path, EMT)) == "metals"
    assert "metals" in potential_names()
    assert energy_scale("metals") is EnergyScale.OTHER
    copper = Structure.from_spacegroup(225, [[3.7, 0, 0], [0, 3.7, 0], [0, 0, 3.7]], ["Cu"], [[0, 0, 0]])
    with RelaxPool("metals", workers=1) as pool:
        (end,) = pool.relax([copper.get_primitive_structure()])
    assert end.converged
    assert end.structure.lattice.a * 2**0.5 == pytest.approx(3.59, abs=0.01)  # EMT's lattice constant


def test_declared_elements_are_checked_without_loading(tmp_path: Path, folder: Path) -> None:
    register_file(written(tmp_path, EMT.replace("return EMT()", "raise SystemExit")))
    check_potential("metals", ["Cu"])
    with pytest.raises(InputError, match="metals does not know the element O"):
        check_potential("metals", ["Cu", "O"])


@pytest.mark.skipif(find_spec("torch_sim") is None, reason="needs the package torch-sim-atomistic")
def test_a_torch_sim_model_of_a_file_is_a_potential(tmp_path: Path, folder: Path) -> None:
    register_file(written(tmp_path, MODEL, "argon.py"), "argon")
    argon = Structure.from_spacegroup(225, [[5.3, 0, 0], [0, 5.3, 0], [0, 0, 5.3]], ["Ar"], [[0, 0, 0]])
    assert -0.1 < load_potential("argon").evaluate([argon]).energies[0] / 4 < 0


@pytest.mark.parametrize(
    "name",
    [
        "ase:os:getcwd",
        "os:system",
        "../metals",
        "metals/../metals",
        "/etc/metals",
        "registered.metals",
        "os",
    ],
)
def test_a_name_selects_a_registered_file_and_nothing_else(tmp_path: Path, folder: Path, name: str) -> None:
    marker = tmp_path / "imported"
    code = f"open({str(marker)!r}, 'w')\n"
    register_file(written(tmp_path, EMT))
    written(tmp_path, code, "getcwd.py")
    written(folder, code, "other.py")
    with pytest.raises(PotentialError, match="no potential"):
        check_potential(name)
    assert PredictConfig(rerank=name).rerank == name  # settings of a file never import anything
    assert not marker.exists()


def test_names_of_files_are_bounded(tmp_path: Path, folder: Path) -> None:
    for name in ("../evil", "a/b", "", "x" * 80, "a b", "emt+d3"):
        with pytest.raises(InputError, match="cannot name a potential"):
            register_file(written(tmp_path, EMT), name)
    assert registered_files() == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def broken(:\n", "is not a Python file"),
        ("x = '" + "a" * 200_000 + "'\n", "larger than 100 kB"),
    ],
)
def test_files_that_are_no_python_are_refused(tmp_path: Path, folder: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        register_file(written(tmp_path, text))
    assert registered_files() == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\n", "has no function make_potential"),
        ("import no_such_package\n", "cannot be imported: ModuleNotFoundError"),
        ("def make_potential():\n    return 42\n", "no potential, ASE calculator or torch-sim model"),
        ("def make_potential():\n    raise OSError('gone')\n", "cannot be loaded: OSError: gone"),
    ],
)
def test_a_file_that_gives_no_potential_is_one_sentence(
    tmp_path: Path, folder: Path, text: str, sentence: str
) -> None:
    register_file(written(tmp_path, text))
    with pytest.raises(PotentialError, match=sentence):
        load_potential("metals")


def test_a_file_that_others_may_write_is_not_imported(tmp_path: Path, folder: Path) -> None:
    register_file(written(tmp_path, EMT))
    (folder / "metals.py").chmod(0o666)
    with pytest.raises(PotentialError, match="Other users may write"):
        load_potential("metals")


ON_DEVICE = """
from ase.calculators.emt import EMT


class Placed(EMT):
    def __init__(self, device):
        super().__init__()
        self.device = device


def make_potential(device):
    return Placed(device)
"""


def test_a_factory_with_a_parameter_gets_the_device(tmp_path: Path, folder: Path) -> None:
    register_file(written(tmp_path, ON_DEVICE))
    check_potential("metals", device="cuda:1")  # whether PyTorch has it is another check
    assert load_potential("metals", "cpu").calculator().device == "cpu"
    assert load_potential("metals").calculator().device == torch_device("auto")
    assert isinstance(load_potential("metals+d3", "cpu"), DispersionPotential)
    with pytest.raises(PotentialError, match="has no device cuda:999 here"):
        load_potential("metals", "cuda:999")


def test_a_factory_without_the_parameter_refuses_a_device(tmp_path: Path, folder: Path) -> None:
    register_file(written(tmp_path, EMT))
    sentence = "metals chooses its device itself: leave out --device cpu, or give the function"
    for refuse in (check_potential, RelaxPool, load_potential):
        with pytest.raises(PotentialError, match=sentence):
            refuse("metals", device="cpu")
    assert load_potential("metals", "auto").name == "metals"


def test_removed_names_are_unknown(tmp_path: Path, folder: Path) -> None:
    register_file(written(tmp_path, EMT))
    unregister_file("metals")
    with pytest.raises(PotentialError, match="no potential"):
        check_potential("metals")
    with pytest.raises(InputError, match="No registered file"):
        unregister_file("metals")

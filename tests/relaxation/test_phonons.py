"""Phonons of textbook crystals with CHGNet, against experiment and symmetry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError, PotentialError
from alphacrystal.plots import phonon_bands
from alphacrystal.relaxation import Evaluation, Phonons, compute_phonons, load_potential, require_phonopy
from alphacrystal.relaxation.phonons import MAX_SUPERCELL_ATOMS, supercell_repeats

pytest.importorskip("phonopy", reason="needs the extra phonons")
pytest.importorskip("seekpath", reason="needs the extra phonons")


def salt() -> Structure:
    cell = Structure.from_spacegroup(225, Lattice.cubic(5.70), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return cell.get_primitive_structure()


@pytest.fixture(scope="module")
def halite() -> Phonons:
    return compute_phonons(salt(), load_potential("chgnet"), temperature=300.0)


def test_rock_salt_is_stable_with_the_frequencies_of_an_ionic_crystal(halite: Phonons) -> None:
    assert halite.stable
    highest = max(max(map(max, segment.frequencies)) for segment in halite.bands)
    # Neutron scattering has 4 to 8 THz for the optical modes (Raunio et al., doi:10.1103/PhysRev.178.1496).
    assert 3.5 < highest < 9
    # Zero-point energy: half the mean of hν over 6 modes of 1 to 8 THz, 2 atoms.
    assert 0.01 < halite.zero_point_energy_per_atom_ev < 0.04
    assert halite.free_energy_per_atom_ev < halite.zero_point_energy_per_atom_ev


def test_band_path_is_connected_and_starts_at_gamma(halite: Phonons) -> None:
    assert halite.bands[0].begin == "Γ"
    first = halite.bands[0].frequencies[0]
    assert np.abs(first[:3]).max() < 0.05  # acoustic modes
    for before, after in zip(halite.bands, halite.bands[1:], strict=False):
        assert after.distances[0] == pytest.approx(before.distances[-1])


def test_cubic_strontium_titanate_is_unstable_at_the_zone_boundary() -> None:
    cubic = Structure.from_spacegroup(
        221, Lattice.cubic(3.94), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]
    )
    result = compute_phonons(cubic, load_potential("chgnet"))
    assert not result.stable
    ends = [s.frequencies[-1] for s in result.bands if s.end in ("R", "M")]
    # Rotations of the octahedra (Fleury et al., doi:10.1103/PhysRevLett.21.16).
    assert min(map(min, ends)) < -0.5


class Springs:
    """Forces on displaced atoms towards ideal sites, as an Einstein crystal."""

    name = "springs"
    supported_elements = frozenset({"Na"})

    def __init__(self, failures: bool = False) -> None:
        self.failures = failures

    def evaluate(self, structures: Any) -> Evaluation:
        forces = []
        for structure in structures:
            positions = structure.frac_coords * np.array(structure.lattice.abc)
            ideal = np.round(positions / 4.0) * 4.0
            displacement = positions - ideal
            forces.append(-2.0 * (displacement - displacement.mean(0)))
        count = len(structures)
        reasons = tuple("broken" if self.failures else None for _ in structures)
        return Evaluation(np.zeros(count), forces, np.zeros((count, 3, 3)), reasons)


def test_springs_give_the_frequency_of_an_oscillator() -> None:
    crystal = Structure(Lattice.cubic(4.0), ["Na"], [[0, 0, 0]])
    result = compute_phonons(crystal, Springs())  # type: ignore[arg-type]
    at_x = result.bands[0].frequencies[-1]
    expected = np.sqrt(2.0 * 1.602176634e-19 * 1e20 / (22.98976928 * 1.66053907e-27)) / (2 * np.pi) / 1e12
    assert at_x == pytest.approx([expected] * 3, rel=1e-3)


def test_forces_that_fail_are_named() -> None:
    crystal = Structure(Lattice.cubic(4.0), ["Na"], [[0, 0, 0]])
    with pytest.raises(PotentialError, match="springs gives no forces of a supercell: broken"):
        compute_phonons(crystal, Springs(failures=True))  # type: ignore[arg-type]


def test_supercells_have_limits() -> None:
    assert supercell_repeats(salt()) == (4, 4, 4)
    wide = Structure(Lattice.cubic(2.0), ["Cu"], [[0, 0, 0]])
    a, b, c = supercell_repeats(wide)
    assert a == b == c
    assert a * b * c <= MAX_SUPERCELL_ATOMS
    with pytest.raises(InputError, match="too many for phonons"):
        supercell_repeats(wide * (8, 8, 8))


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphacrystal.runtime.registry.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"alphacrystal\[phonons\]"):
        require_phonopy()


def test_phonons_without_relaxation_are_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    outcome = run("predict", "NaCl", "--no-relax", "--phonons", "1", "--out", tmp_path / "run")
    assert outcome.code == 2
    assert "leave out --no-relax or --phonons" in outcome.sentence
    assert not (tmp_path / "run").exists()


def test_prediction_with_phonons(run: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ("NaCl", "--max-atoms", "2", "--candidates", "2", "--workers", "1", "--phonons", "1")
    outcome = run("predict", *arguments, "--out", folder)
    assert outcome.code == 0, outcome.err
    assert "Row 1: dynamically stable" in outcome.out
    first = json.loads((folder / "results.json").read_text())["structures"][0]
    assert Phonons.model_validate(first["phonons"]).stable
    assert first["lowest_frequency_thz"] == first["phonons"]["lowest_frequency_thz"]
    lines = (folder / "checkpoint" / "phonons.jsonl").read_text()
    (folder / "run.json").unlink()
    assert run("predict", "--resume", "--out", folder).code == 0
    assert (folder / "checkpoint" / "phonons.jsonl").read_text() == lines  # not computed again
    assert run("view", folder, "--figures").code == 0
    assert list((folder / "figures").glob("*_phonons.png"))


def test_figure_of_bands(tmp_path: Path) -> None:
    distances = np.linspace(0, 1, 11)
    bands = np.stack([distances - 0.2, distances + 1], -1)
    _, svg = phonon_bands([("Γ", "X", distances, bands)], tmp_path / "x", title="NaCl")
    for words in ("wave vector", "frequency (THz)", "NaCl"):
        assert f"<!-- {words} -->" in svg.read_text()
    with pytest.raises(ValueError, match="no bands"):
        phonon_bands([], tmp_path / "x")

"""Missing atoms in a known framework: the positions of real compounds are found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal.composition import parse_formula
from alphacrystal.errors import InputError
from alphacrystal.generate import Candidate
from alphacrystal.generate.generators.sublattice import (
    FRAMEWORK_ATOMS,
    SublatticeGenerator,
    read_framework,
    shortest_contacts,
)


def candidates(path: Path, formula: str, count: int = 50) -> list[Candidate]:
    parsed = parse_formula(formula)
    framework = read_framework(path, parsed)
    return list(SublatticeGenerator(framework).generate(parsed, count, np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("name", "formula", "missing"),
    [
        ("layered oxide", "LiCoO2", "Li"),
        ("spinel", "MgAl2O4", "Mg"),
        ("perovskite", "SrTiO3", "Sr"),
        ("fluorite", "CaF2", "F"),
        ("corundum", "Al2O3", "Al"),
    ],
)
def test_the_missing_atoms_of_known_crystals_are_found(
    textbook: Callable[[str], Structure], tmp_path: Path, name: str, formula: str, missing: str
) -> None:
    crystal = textbook(name)
    framework = crystal.copy()
    framework.remove_species([missing])
    framework.to(str(tmp_path / "framework.json"))
    found = candidates(tmp_path / "framework.json", formula)
    matcher = StructureMatcher()
    assert any(matcher.fit(item.structure, crystal) for item in found)
    for item in found:
        known = item.provenance[FRAMEWORK_ATOMS]
        assert isinstance(known, int)
        kept = Structure.from_sites(item.structure.sites[:known])
        assert StructureMatcher(scale=False).fit(kept, framework)
        assert item.structure.composition.reduced_composition == crystal.composition.reduced_composition


def test_half_of_a_position_is_filled_in_orders_of_lower_symmetry(
    textbook: Callable[[str], Structure], tmp_path: Path
) -> None:
    framework = textbook("layered oxide")
    framework.remove_species(["Li"])
    framework.to(str(tmp_path / "framework.json"))
    found = candidates(tmp_path / "framework.json", "LiCo2O4")
    counts = {tuple(sorted(item.structure.composition.as_dict().items())) for item in found}
    assert counts == {(("Co", 2.0), ("Li", 1.0), ("O", 4.0))}
    # The row order of Li0.5CoO2, P2/m: Reimers & Dahn, doi:10.1149/1.2221184.
    groups = {item.structure.get_space_group_info(symprec=0.01)[1] for item in found}
    assert 10 in groups


def test_relative_distances_are_those_of_all_images(textbook: Callable[[str], Structure]) -> None:
    crystal = textbook("quartz")
    numbers = np.array([site.specie.Z for site in crystal])
    rng = np.random.default_rng(1)
    trial = rng.random((3, 2, 3))
    values = shortest_contacts(crystal.lattice.matrix, crystal.frac_coords, numbers, trial, np.array([3, 3]))
    from ase.data import covalent_radii

    for value, positions in zip(values, trial, strict=True):
        full = crystal.copy()
        for position in positions:
            full.append("Li", position)
        expected = min(
            neighbour.nn_distance / (covalent_radii[3] + covalent_radii[neighbour.specie.Z])
            for index in (-2, -1)
            for neighbour in full.get_neighbors(full[index], 8.0)
        )
        assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("LiNiO2", "contains Co, which LiNiO2 does not"),
        ("CoO2", "has all atoms of CoO2"),
        ("LiCo41O82", "No cell of up to 80 atoms holds the framework"),
    ],
)
def test_frameworks_of_other_compounds_are_refused(
    textbook: Callable[[str], Structure], tmp_path: Path, formula: str, sentence: str
) -> None:
    framework = textbook("layered oxide")
    framework.remove_species(["Li"])
    framework.to(str(tmp_path / "framework.json"))
    with pytest.raises(InputError, match=sentence):
        read_framework(tmp_path / "framework.json", parse_formula(formula))


def test_a_framework_without_room_is_named(textbook: Callable[[str], Structure], tmp_path: Path) -> None:
    textbook("copper").to(str(tmp_path / "copper.cif"))
    with pytest.raises(InputError, match=r"\(1 Cs\) find no place in the framework copper.cif"):
        candidates(tmp_path / "copper.cif", "CsCu")

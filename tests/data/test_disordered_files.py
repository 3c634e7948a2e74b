"""Structure files with partial occupancies, where the caller accepts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ase.io import read
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import as_structure
from alphacrystal.data import read_crystals
from alphacrystal.errors import InputError

CIF = (
    "data_x\n_cell_length_a 3.77\n_cell_length_b 3.77\n_cell_length_c 3.77\n_cell_angle_alpha 90\n"
    "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt '{group}'\n{header}"
    "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n"
    "_atom_site_fract_z\n_atom_site_occupancy\n{sites}"
)


def written(tmp_path: Path, sites: str, group: str = "F m -3 m", header: str = "") -> Path:
    path = tmp_path / "x.cif"
    path.write_text(CIF.format(group=group, sites=sites, header=header))
    return path


def test_shared_sites_keep_their_occupancies_and_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "M1 Cu 0 0 0 0.75\nM2 Au 0 0 0 0.25\n")
    (read_back,) = read_crystals(path, disordered=True)
    assert len(read_back.structure) == 4
    assert {site.species_string for site in read_back.structure} == {"Cu:0.75, Au:0.25"}
    assert set(read_back.structure.labels) == {"M1"}
    assert read_back.atoms == pytest.approx(4)


def test_without_permission_they_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "M1 Cu 0 0 0 0.75\nM2 Au 0 0 0 0.25\n")
    with pytest.raises(InputError, match=r"disordered \(site M1 holds 0.75 Cu, 0.25 Au\)"):
        read_crystals(path)


def test_partly_occupied_sites_hold_fewer_atoms(tmp_path: Path) -> None:
    path = written(tmp_path, "Ni1 Ni 0 0 0 0.9\nO1 O .5 .5 .5 1\n")
    (read_back,) = read_crystals(path, disordered=True)
    assert read_back.atoms == pytest.approx(7.6)
    assert read_back.structure.composition["Ni"] == pytest.approx(3.6)


def test_an_ordered_file_is_read_as_before(tmp_path: Path) -> None:
    path = written(tmp_path, "Ni1 Ni 0 0 0 0.995\nO1 O .5 .5 .5 1\n")
    (accepting,) = read_crystals(path, disordered=True)
    (strict,) = read_crystals(path)
    assert accepting.structure == strict.structure
    assert accepting.structure.is_ordered
    assert accepting.notes == strict.notes


def test_sites_of_a_split_position_stay_apart(tmp_path: Path) -> None:
    path = written(tmp_path, "Ti1 Ti 0 0 0.05 0.5\nO1 O .5 .5 .5 1\n", group="P 4/m m m")
    (read_back,) = read_crystals(path, disordered=True)
    assert sorted(site.species_string for site in read_back.structure) == ["O", "Ti:0.5", "Ti:0.5"]


@pytest.mark.parametrize(
    ("sites", "sentence"),
    [
        ("Cu1 Cu 0 0 0 0.8\nAu1 Au 0 0 0 0.4\n", "occupancies sum to 1.2"),
        ("Cu1 Cu 0 0 0 0.8\nCu2 Cu 0 0 0 0.4\n", "occupancies sum to 1.2"),
        ("Cu1 Cu 0 0 0 1.3\n", "has the occupancy 1.3, which is not between 0 and 1"),
        ("Cu1 Cu 0 0 0 -0.1\n", "has the occupancy -0.1, which is not between 0 and 1"),
        ("Cu1 Cu 0 0 0 nan\n", "has the occupancy 'nan', which is no number"),
        ("Cu1 Cu 0 0 0 0\nAu1 Au 0 0 0 0\n", "lists no occupied site"),
        ("Cu1 Cu 0 0 0.06 0.7\n", "overlapping atoms"),
        ("M1 Cu/Au 0 0 0 1\n", "disordered"),
    ],
)
def test_impossible_occupancies_are_refused(tmp_path: Path, sites: str, sentence: str) -> None:
    path = written(tmp_path, sites, group="P 4/m m m" if "0.06" in sites else "F m -3 m")
    with pytest.raises(InputError, match=r"x\.cif") as refusal:
        read_crystals(path, disordered=True)
    assert sentence in str(refusal.value)


def test_the_formula_of_the_header_is_compared_within_two_per_cent(tmp_path: Path) -> None:
    sites = "Cu1 Cu 0 0 0 0.745\nAu1 Au 0 0 0 0.255\n"
    (read_back,) = read_crystals(
        written(tmp_path, sites, header="_chemical_formula_sum 'Cu0.75 Au0.25'\n"), disordered=True
    )
    assert read_back.structure.composition["Cu"] == pytest.approx(2.98)
    wrong = written(tmp_path, sites, header="_chemical_formula_sum 'Cu0.6 Au0.4'\n")
    with pytest.raises(InputError, match=r"gives the formula Cu0\.6 Au0\.4"):
        read_crystals(wrong, disordered=True)


def test_json_and_structures_may_be_disordered(tmp_path: Path) -> None:
    crystal = Structure(Lattice.cubic(3.0), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    path = tmp_path / "x.json"
    path.write_text(json.dumps(crystal.as_dict()))
    for source in (path, crystal):
        (read_back,) = read_crystals(source, disordered=True)
        assert read_back.structure.composition == crystal.composition
        with pytest.raises(InputError, match="disordered"):
            read_crystals(source)
    document = crystal.as_dict()
    document["sites"][0]["species"][0]["occu"] = 0.8
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="holds more than one atom"):
        read_crystals(path, disordered=True)


def test_disorder_groups_are_refused_without_permission(tmp_path: Path) -> None:
    text = CIF.replace("_atom_site_occupancy\n", "_atom_site_occupancy\n_atom_site_disorder_group\n")
    path = tmp_path / "x.cif"
    path.write_text(text.format(group="P 1", header="", sites="C1 C 0 0 0 .5 1\nC2 C .5 .5 .5 .5 2\n"))
    with pytest.raises(InputError, match="give the atoms of one group; alphacrystal relax lists"):
        read_crystals(path)
    assert read_crystals(path, disordered=True)[0].assemblies


@pytest.mark.filterwarnings("ignore:crystal system")
def test_atoms_that_lost_their_occupancies_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "M1 Cu 0 0 0 0.75\nM2 Au 0 0 0 0.25\n")
    with pytest.raises(InputError, match=r"disordered \(info\['occupancy'\]\)"):
        as_structure(read(path))

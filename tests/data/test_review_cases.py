"""Structure files that a review read wrongly: each says what it is, or is refused."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from ase.build import bulk

from alphacrystal.data import read_crystals
from alphacrystal.errors import InputError

CELL = (
    "data_x\n_cell_length_a {a}\n_cell_length_b {b}\n_cell_length_c {c}\n_cell_angle_alpha 90\n"
    "_cell_angle_beta {beta}\n_cell_angle_gamma 90\n"
)
SITES = (
    "loop_\n_atom_site_label\n_atom_site_type_symbol\n"
    "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
)
CUBE = CELL.format(a=5.64, b=5.64, c=5.64, beta=90)
FM3M = "_space_group_name_H-M_alt 'F m -3 m'\n"
SALT = "Na1 Na 0 0 0\nCl1 Cl .5 .5 .5\n"
FRAME = "NaCl\n1\n{a} 0 0\n0 {a} 0\n0 0 {a}\nNa Cl\n1 1\nDirect configuration=     {n}\n0 0 0\n.5 .5 .5\n"
VASP4 = "some system\n1.0\n5.64 0 0\n0 5.64 0\n0 0 5.64\n1 1\n"

SHELX = (
    "TITL a\nCELL 1.5418 5 5 5 90 90 90\nLATT -1\nSFAC Na Cl\nFVAR 1.0 0.5\n"
    "Na 1 0 0 0 21.0\nCl 2 .5 .5 .5 1.0\nEND\n"
)

REFUSED = {
    "flags are no elements": (
        "POSCAR",
        VASP4 + "Selective dynamics\nDirect\n0 0 0 F F F\n.5 .5 .5 F F F\n",
        "elements",
    ),
    "flags without their line": ("POSCAR", VASP4 + "Direct\n0 0 0 T T T\n.5 .5 .5 T T T\n", "elements"),
    "two sets of elements": (
        "POSCAR",
        "x\n1\n5 0 0\n0 5 0\n0 0 5\nNa Cl\n1 1\nDirect\n0 0 0 Mg\n.5 .5 .5 O\n",
        "contradicts itself",
    ),
    "a cell for each frame": (
        "XDATCAR",
        FRAME.format(a=5, n=1) + FRAME.format(a=6, n=2),
        "new cell for each frame",
    ),
    "label of a tetrahedral site": (
        "zeolite.cif",
        CUBE + SITES.replace("_atom_site_type_symbol\n", "") + "T1 0.47 0 0\nO1 0.6 0.3 0.2\n",
        "tetrahedral",
    ),
    "atoms missing by the density": (
        "density.cif",
        CUBE + "_exptl_crystal_density_diffrn 2.164\n_symmetry_Int_Tables_number 1\n" + SITES + SALT,
        r"density of 2.164 g/cm³, but its atoms give 0.5409",
    ),
    "atoms missing by the formula weight": (
        "weight.cif",
        CUBE + FM3M + "_chemical_formula_weight 58.44\n_cell_formula_units_Z 4\n" + SITES + "Na1 Na 0 0 0\n",
        r"formula weight of 58.44 u, but its atoms give 22.99",
    ),
    "an element missing by the moieties": (
        "moiety.cif",
        CUBE + FM3M + "_chemical_formula_moiety 'Na 1+, Cl 1-'\n" + SITES + "Na1 Na 0 0 0\n",
        r"formula Na1 Cl1, but its sites give Na4 \(Cl is missing\)",
    ),
    "a word for a number in FHI-aims": (
        "geometry.in",
        "lattice_vector 5 0 0\nlattice_vector 0 5 0\nlattice_vector 0 0 x\natom 0 0 0 Na\n",
        r"line 3: 'x' is not a number",
    ),
    "a word for a number in SHELX": (
        "a.res",
        "TITL a\nCELL 1.5 5 5 5 90 90 90\nLATT -1\nSFAC Na Cl\nNa 1 0 0 zz 11.0\nEND\n",
        r"line 5: 'zz' is not a number",
    ),
    "operations against the Hall symbol": (
        "hall.cif",
        CUBE
        + "_space_group_name_Hall '-P 4 2 3'\nloop_\n_space_group_symop_operation_xyz\n'x,y,z'\n'-x,-y,z'\n"
        "'-x,y,-z'\n"
        "'z,x,y'\n'y,x,z'\n'-x,-y,-z'\n'x+1/2,y+1/2,z'\n" + SITES + SALT,
        "contradicts itself",
    ),
    "multiplicity": (
        "multiplicity.cif",
        CUBE
        + "_space_group_name_H-M_alt 'P m -3 m'\n"
        + SITES
        + "_atom_site_symmetry_multiplicity\nNa1 Na 0 0 0 4\nCl1 Cl .5 .5 .5 4\n",
        "multiplicity",
    ),
    "a tag in two spellings": ("twice.cif", CUBE + "_cell.length_a 9\n" + FM3M + SITES + SALT, "twice"),
    "a group of atoms": ("NO.cif", CUBE + FM3M + SITES + "N1 NO 0 0 0\nNa1 Na .5 .5 .5\n", "label"),
    "free variable": (
        "a.res",
        SHELX,
        "disordered",
    ),
    "species and Z": (
        "both.extxyz",
        '2\nLattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:Z:I:1:pos:R:3\nNa 3 0 0 0\nCl 9 2.5 2.5 2.5\n',
        "twice",
    ),
    "occupancies that cancel": (
        "negative.json",
        (
            '{"lattice": {"matrix": [[5, 0, 0], [0, 5, 0], [0, 0, 5]]}, "sites": [{"abc": [0, 0, 0], '
            '"species": '
            '[{"element": "Na", "occu": 2}, {"element": "Na", "occu": -1}]}]}'
        ),
        "between 0 and 1",
    ),
}


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_contradicts_itself_is_refused(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=reason):
        read_crystals(path)


@pytest.mark.parametrize("name", ["salt.traj", "salt.traj.gz", "salt.xyz.gz", "salt.cif.gz"])
def test_compressed_and_binary_files_are_read(tmp_path: Path, name: str) -> None:
    atoms = bulk("NaCl", "rocksalt", a=5.64)
    plain = tmp_path / name.removesuffix(".gz")
    atoms.write(plain)
    content = plain.read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (crystal,) = read_crystals(path)
    assert crystal.structure.composition.reduced_formula == "NaCl"
    assert crystal.structure.volume == pytest.approx(5.64**3 / 4)


@pytest.mark.parametrize("name", ["a.xyz", "a.cif", "a.json", "a.res", "a.traj"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(InputError, match=r"is empty|could not be read"):
        read_crystals(path)


def test_the_coordinate_system_code_chooses_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "code.cif"
    cell = CELL.format(a=5, b=6, c=7, beta=100) + "_space_group_IT_number 14\n"
    path.write_text(cell + "_space_group_IT_coordinate_system_code b2\n" + SITES + "Na1 Na .1 .2 .3\n")
    (coded,) = read_crystals(path)
    path.write_text(cell.replace("IT_number 14", "name_H-M_alt 'P 1 21/n 1'") + SITES + "Na1 Na .1 .2 .3\n")
    (named,) = read_crystals(path)
    assert coded.structure == named.structure
    assert coded.notes == ()


def test_the_code_chooses_the_origin(tmp_path: Path) -> None:
    path = tmp_path / "origin.cif"
    cell = CELL.format(a=8.1, b=8.1, c=8.1, beta=90) + "_space_group_name_H-M_alt 'F d -3 m'\n"
    for code, atoms in (("1", {"Al": 16, "O": 32}), ("2", {"Al": 16, "O": 32})):
        position = "0.625 0.625 0.625" if code == "1" else "0.5 0.5 0.5"
        oxygen = "0.3874 0.3874 0.3874" if code == "1" else "0.2624 0.2624 0.2624"
        path.write_text(
            f"{cell}_space_group_IT_coordinate_system_code {code}\n{SITES}Al1 Al {position}\nO1 O {oxygen}\n"
        )
        (crystal,) = read_crystals(path)
        assert Counter(site.specie.symbol for site in crystal.structure) == atoms
        assert crystal.notes == ()


def test_a_number_with_several_settings_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "number.cif"
    cell = CELL.format(a=5, b=6, c=7, beta=100)
    path.write_text(cell + "_space_group_IT_number 14\n" + SITES + "Na1 Na .1 .2 .3\n")
    (crystal,) = read_crystals(path)
    assert any("standard setting" in note for note in crystal.notes)


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("_exptl_crystal_density_diffrn 2.164", None),
        ("_exptl_crystal_density_diffrn 2164", None),  # in kg/m³
        ("_exptl_crystal_density_diffrn 2.07", "density of 2.07 g/cm³; the atoms give 2.164 g/cm³"),
        ("_chemical_formula_sum 'Na Cl'\n_exptl_crystal_density_diffrn 1.0", "density of 1 g/cm³"),
        ("_chemical_formula_weight 58.44\n_cell_formula_units_Z 4", None),
        ("_chemical_formula_moiety '2(Na 1+), Cl2 2-'", None),
        ("_chemical_formula_moiety 'sodium chloride'", None),
        ("_chemical_formula_sum 'Na. Cl'", "formula 'Na. Cl' of the header could not be read"),
        (f"_chemical_formula_sum 'Na{'9' * 400} Cl'", "could not be read"),
    ],
)
def test_statements_on_the_mass_are_compared(tmp_path: Path, header: str, note: str | None) -> None:
    path = tmp_path / "salt.cif"
    path.write_text(CUBE + FM3M + header + "\n" + SITES + SALT)
    (crystal,) = read_crystals(path)
    assert len(crystal.structure) == 8
    assert len(crystal.notes) == (note is not None)
    assert note is None or note in crystal.notes[0]

"""Disorder groups and assemblies of CIF files: clusters with symmetry applied, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphacrystal.crystal import Assembly
from alphacrystal.data import read_crystals
from alphacrystal.errors import InputError

CIF = """data_x
_cell_length_a 5
_cell_length_b {b}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_disorder_assembly
_atom_site_disorder_group
Na1 Na 0 0 0 1 . .
{sites}
"""


def read(tmp_path: Path, sites: str, group: str = "P 1", b: float = 6, c: float = 7) -> tuple[Assembly, ...]:
    path = tmp_path / "x.cif"
    path.write_text(CIF.format(sites=sites, group=group, b=b, c=c))
    (crystal,) = read_crystals(path, disordered=True)
    return crystal.assemblies


def summary(assemblies: tuple[Assembly, ...]) -> list[tuple[str, list[tuple[str, float, int]]]]:
    """Name of each assembly, and name, occupancy and number of atoms of its groups."""
    return [
        (
            assembly.name,
            [(group.name, round(group.occupancy, 3), len(group.atoms)) for group in assembly.groups],
        )
        for assembly in assemblies
    ]


def test_groups_of_a_listed_cell_are_one_cluster_for_each_assembly(tmp_path: Path) -> None:
    sites = (
        "F1 F .5 .5 .4 .6 A 1\nO1 O .5 .2 .33 .6 A 1\nF2 F .47 .55 .62 .4 A 2\n"
        "F3 F .1 .5 .1 .3 B 1\nF4 F .1 .45 .85 .7 B 2\n"
    )
    assert summary(read(tmp_path, sites)) == [
        ("A", [("1", 0.6, 2), ("2", 0.4, 1)]),
        ("B", [("1", 0.3, 1), ("2", 0.7, 1)]),
    ]


def test_symmetry_makes_a_cluster_for_each_image(tmp_path: Path) -> None:
    sites = "F1 F .2 .3 .1 .5 . 1\nO1 O .3 .4 .2 .5 . 1\nF2 F .2 .3 .3 .5 . 2\nO2 O .4 .1 .3 .5 . 2\n"
    found = read(tmp_path, sites, "P 2 2 2")
    assert summary(found) == [("", [("1", 0.5, 2), ("2", 0.5, 2)])] * 4
    held = [atom.site for assembly in found for group in assembly.groups for atom in group.atoms]
    assert len(held) == len(set(held)) == 16


def test_atoms_of_a_group_may_lie_in_different_cells(tmp_path: Path) -> None:
    (assembly,) = read(tmp_path, "F1 F .9 .5 .5 .5 . 1\nO1 O 1.1 .5 .5 .5 . 1\n")
    cells = {atom.symbol: atom.cell for atom in assembly.groups[0].atoms}
    difference = [first - second for first, second in zip(cells["O"], cells["F"], strict=True)]
    assert difference == [1, 0, 0]


def test_images_with_a_common_atom_are_one_group(tmp_path: Path) -> None:
    """A group at a mirror: the atom on it, and two off it."""
    sites = "O1 O .45 .5 .5 .5 A 1\nH1 H .3 .5 .55 .5 A 1\nO2 O .5 .5 .3 .5 A 2\nH2 H .5 .6 .25 .5 A 2\n"
    assert summary(read(tmp_path, sites, "P m")) == [("A", [("1", 0.5, 2), ("2", 0.5, 3)])]


def test_images_off_a_mirror_exclude_each_other_where_the_occupancies_say_so(tmp_path: Path) -> None:
    sites = "O1 O .45 .5 .5 .5 A 1\nH1 H .3 .5 .55 .5 A 1\nO2 O .5 .44 .3 {x} A 2\nH2 H .5 .56 .25 {x} A 2\n"
    apart = read(tmp_path, sites.format(x=0.25), "P m")
    assert summary(apart) == [("A", [("1", 0.5, 2), ("2", 0.25, 2), ("2", 0.25, 2)])]
    together = read(tmp_path, sites.format(x=0.5), "P m")
    assert summary(together) == [("A", [("1", 0.5, 2), ("2", 0.5, 4)])]


def test_images_of_a_negative_group_exclude_one_another(tmp_path: Path) -> None:
    sites = "O1 O .45 .5 .5 .5 . -1\nH1 H .3 .5 .55 .5 . -1\n"
    assert summary(read(tmp_path, sites, "P -1")) == [("", [("-1", 0.5, 2), ("-1", 0.5, 2)])]
    four = "O1 O .42 .45 .5 .25 . -1\nH1 H .25 .4 .55 .25 . -1\n"
    assert summary(read(tmp_path, four, "P 2 2 2", b=5.5)) == [("", [("-1", 0.25, 2)] * 4)]


def test_distant_images_of_a_negative_group_are_independent(tmp_path: Path) -> None:
    sites = "O1 O .2 .2 .2 .5 . -1\nH1 H .3 .2 .25 .5 . -1\n"
    assert summary(read(tmp_path, sites, "P -1", b=12, c=13)) == [("", [("-1", 0.5, 2)])] * 2


def test_atoms_that_all_groups_hold_and_single_sites_need_no_group(tmp_path: Path) -> None:
    sites = "C1 C .5 .5 .5 .5 A 1\nC2 C .5 .5 .5 .5 A 2\nF1 F .3 .3 .3 .5 B 1\n"
    assert read(tmp_path, sites) == ()


def test_two_elements_on_one_position_belong_to_different_groups(tmp_path: Path) -> None:
    sites = "F1 F .5 .5 .5 .5 A 1\nO1 O .6 .7 .5 .5 A 1\nCl1 Cl .5 .5 .5 .5 A 2\nO2 O .4 .7 .5 .5 A 2\n"
    (assembly,) = read(tmp_path, sites)
    first, second = ({atom.symbol: atom.site for atom in group.atoms} for group in assembly.groups)
    assert first["F"] == second["Cl"]
    assert first["O"] != second["O"]


@pytest.mark.parametrize(
    ("sites", "group", "sentence"),
    [
        ("F1 F .5 .5 .4 .5 A 1\nO1 O .5 .2 .33 .3 A 1", "P 1", "of its disorder group 1 have the"),
        ("F1 F .5 .5 .4 .5 A 1\nO1 O .5 .2 .33 .7 A 2", "P 1", "groups 1, 2 of the assembly A exclude"),
        ("F1 F .5 .5 .4 1 . 1\nO1 O .5 .2 .33 .5 . 2", "P 1", "groups 1, 2 exclude one another"),
        ("O1 O .42 .5 .5 .6 . -1\nH1 H .3 .5 .55 .6 . -1", "P -1", "groups -1 exclude one another"),
        ("F1 F .5 .5 .5 .4 A 1\nF2 F .5 .5 .5 .3 . .\nO1 O .2 .2 .2 .4 A 1", "P 1", "F1 belongs only partly"),
        ("F1 F .5 .5 .5 .4 A 1\nO1 O .5 .5 .5 .4 A 1", "P 1", "holds several elements in the"),
        ("F1 F .5 .5 .5 .5 A 1\nH1 H .7 .5 .5 .5 A 1\nO1 O .5 .5 .5 .5 B 1\nH2 H .7 .75 .5 .5 B 1", "P 1",
         "belongs to several clusters of disorder groups"),
        ("F1 F 0 .5 .5 .5 A 1\nF2 F .5 .5 0 .5 A 1", "P m m m", "by symmetry through the whole"),
    ],
)  # fmt: skip
def test_contradictory_groups_are_refused(tmp_path: Path, sites: str, group: str, sentence: str) -> None:
    with pytest.raises(InputError, match=r"x\.cif is disordered, and") as refusal:
        read(tmp_path, sites, group)
    assert sentence in str(refusal.value)
    assert str(refusal.value).count(". ") == 0

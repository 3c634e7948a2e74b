"""Orderings of crystals with disorder groups: counts, contents and degree of disorder."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from alphacrystal.data import read_crystals
from alphacrystal.disorder import Approximants, disorder_facts, ordered_approximants

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
#: Two groups that no operation exchanges.
LOW = (
    "S1 S .3 .2 .7 1 . .\nF1 F .5 .5 .4 .5 A 1\nO1 O .5 .2 .33 .5 A 1\n"
    "F2 F .47 .55 .62 .5 A 2\nO2 O .6 .9 .6 .5 A 2\n"
)
SECOND = "F3 F .1 .5 .1 .5 B 1\nO3 O .15 .6 .2 .5 B 1\nF4 F .1 .45 .85 .5 B 2\nO4 O .1 .75 .6 .5 B 2\n"
#: Numbers of sublattices of index 2 and 4.
HALVES, QUARTERS = 7, 35


def ordered(
    tmp_path: Path,
    sites: str,
    max_atoms: int,
    group: str = "P 1",
    count: int = 5000,
    b: float = 6,
    c: float = 7,
) -> Approximants:
    path = tmp_path / "x.cif"
    path.write_text(CIF.format(sites=sites, group=group, b=b, c=c))
    (crystal,) = read_crystals(path, disordered=True)
    return ordered_approximants(
        crystal.structure, "x.cif", max_atoms=max_atoms, count=count, assemblies=crystal.assemblies
    )


def arrangements(found: Approximants, cells: int) -> int:
    return sum(ordering.arrangements for ordering in found.orderings if ordering.cells == cells)


def test_the_atoms_of_a_group_are_present_together(tmp_path: Path) -> None:
    found = ordered(tmp_path, LOW, max_atoms=8)
    # In each doubled cell, one of the two clusters holds the first group; a translation exchanges them.
    assert (found.distinct, arrangements(found, 2)) == (HALVES, 2 * HALVES)
    (assembly,) = found.assemblies
    names = [(group.name, group.labels, group.occupancy, group.approximated) for group in assembly.groups]
    assert names == [("1", ("F1", "O1"), 0.5, 0.5), ("2", ("F2", "O2"), 0.5, 0.5)]
    for ordering in found.orderings:
        crystal = ordering.structure
        assert crystal.composition.reduced_formula == "NaSOF"
        fluorine = [site for site in crystal if site.specie.symbol == "F"]
        near = sorted(
            min(site.distance(other) for other in crystal if other.specie.symbol == "O") for site in fluorine
        )
        first = math.hypot(0.3 * 6, 0.07 * 7)  # F1 to O1, in Å
        second = math.hypot(0.13 * 5, 0.35 * 6, 0.02 * 7)
        assert near == pytest.approx(sorted([first, second]), abs=1e-6)


def test_nothing_is_implied_between_assemblies(tmp_path: Path) -> None:
    found = ordered(tmp_path, LOW + SECOND, max_atoms=12)
    assert (found.distinct, arrangements(found, 2)) == (2 * HALVES, 4 * HALVES)


def test_without_a_name_all_groups_are_one_assembly(tmp_path: Path) -> None:
    found = ordered(tmp_path, LOW.replace(" A ", " . "), max_atoms=8)
    assert found.distinct == HALVES


def test_groups_that_symmetry_exchanges_share_their_occupancy(tmp_path: Path) -> None:
    sites = "Cl1 Cl .5 .5 .4 .5 A 1\nO1 O .5 .1 .4 .5 A 1\nCl2 Cl .5 .5 .6 .5 A 2\nO2 O .5 .9 .6 .5 A 2"
    found = ordered(tmp_path, sites, max_atoms=6)
    # All clusters alike; or, in each doubled cell, one of each group.
    assert found.distinct == 1 + HALVES
    assert (arrangements(found, 1), arrangements(found, 2)) == (2, 2 * HALVES)
    (group,) = found.assemblies[0].groups
    assert (group.name, group.images, group.occupancy, group.approximated) == ("1, 2", 2, 1.0, 1.0)


def test_images_of_a_negative_group_are_orientations(tmp_path: Path) -> None:
    found = ordered(tmp_path, "O1 O .45 .5 .5 .5 . -1\nH1 H .3 .5 .55 .5 . -1", 6, "P -1")
    assert found.distinct == 1 + HALVES
    assert found.entropy == pytest.approx(math.log(2) / 3)
    for ordering in found.orderings:
        bonds = [
            site.distance(other)
            for site in ordering.structure
            for other in ordering.structure
            if (site.specie.symbol, other.specie.symbol) == ("H", "O")
        ]
        assert sum(bond < 1 for bond in bonds) == ordering.cells


def test_groups_on_a_mirror_and_off_it(tmp_path: Path) -> None:
    """One group on the mirror, and one on either side of it."""
    sites = "O1 O .45 .5 .5 .5 A 1\nH1 H .3 .5 .55 .5 A 1\nO2 O .5 .44 .3 .25 A 2\nH2 H .5 .56 .25 .25 A 2"
    found = ordered(tmp_path, sites, 12, "P m")
    assert found.complete
    # One of two clusters is off the mirror, on one of two sides.
    assert arrangements(found, 2) == 4 * HALVES
    # Two of four, without the arrangements that a half of the cell repeats: each doubled cell has seven
    # doubles.
    assert arrangements(found, 4) == QUARTERS * 6 * 4 - HALVES * 4 * 7
    assert found.entropy == pytest.approx((0.5 * math.log(2) + 0.5 * math.log(4)) / 3)


def test_a_cluster_may_be_empty(tmp_path: Path) -> None:
    found = ordered(tmp_path, "Cl1 Cl .3 .5 .4 .5 A 1\nK1 K .7 .1 .4 .5 A 1", max_atoms=4)
    assert (found.distinct, arrangements(found, 2)) == (HALVES, 2 * HALVES)
    assert {len(ordering.structure) for ordering in found.orderings} == {4}
    assert found.entropy == pytest.approx(math.log(2) / 2)


def test_a_rare_third_group_leaves_the_sites_of_the_others_vacant(tmp_path: Path) -> None:
    sites = "F1 F .5 .5 .5 .5 A 1\nO1 O .6 .7 .5 .5 A 1\nCl1 Cl .5 .5 .5 .49 A 2\nO2 O .4 .7 .5 .49 A 2\n"
    found = ordered(tmp_path, sites + "H1 H .2 .3 .8 .01 A 3", max_atoms=12, count=20)
    (assembly,) = found.assemblies
    assert [group.name for group in assembly.groups] == ["1", "2", "3"]
    assert all(len(ordering.structure) <= 12 for ordering in found.orderings)


def test_clusters_with_a_larger_cell_than_the_occupancies_keep_their_cell(tmp_path: Path) -> None:
    """The groups are shifted by half of the cell, and so are the occupancies."""
    sites = "Na2 Na 0 0 .5 1 . .\nF1 F .3 .4 .1 .5 A 1\nO1 O .3 .2 .1 .5 A 1\n"
    sites += "F2 F .3 .4 .6 .5 A 2\nO2 O .3 .2 .6 .5 A 2"
    found = ordered(tmp_path, sites, max_atoms=8)
    assert {len(ordering.structure) for ordering in found.orderings} == {8}
    assert (found.distinct, arrangements(found, 2)) == (HALVES, 2 * HALVES)


def test_many_clusters_are_sampled(tmp_path: Path) -> None:
    """Three of ten clusters, four in the cell: 20 clusters in 31 sublattices."""
    sites = "F1 F .2 .2 .1 .3 . 1\nO1 O .3 .3 .15 .3 . 1\nCl1 Cl .2 .2 .3 .7 . 2"
    found = ordered(tmp_path, sites, 40, "P 2 2 2", count=20, b=9, c=10)
    assert not found.complete
    assert len(found.orderings) == 20
    assert {ordering.cells for ordering in found.orderings} == {5}
    for ordering in found.orderings:
        content = ordering.structure.composition.get_el_amt_dict()
        assert content == {"Na": 5, "F": 6, "O": 6, "Cl": 14}


def test_the_sentences_name_the_groups(tmp_path: Path) -> None:
    sentences = disorder_facts(ordered(tmp_path, LOW, 8), "x.cif").sentences
    assert sentences[0].startswith(
        "x.cif is disordered (assembly A holds 0.5 of group 1 (F1, O1), or 0.5 of group 2 (F2, O2)): its "
    )
    negative = ordered(tmp_path, "O1 O .45 .5 .5 .5 . -1\nH1 H .3 .5 .55 .5 . -1", 3, "P -1")
    first, second = disorder_facts(negative, "x.cif").sentences
    assert "holds 0.5 of each of 2 images of group -1 (O1, H1)" in first
    assert second == "x.cif has one ordering, with 3 atoms in the primitive cell."

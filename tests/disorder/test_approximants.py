"""Ordered approximants: counts, completeness, occupancies, electrostatics and refusals."""

import math
import warnings
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.ewald import EwaldSummation
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import SameCrystal, group_duplicates
from alphacrystal.disorder import Approximants, alloy_structure, ordered_approximants
from alphacrystal.errors import InputError

Cell = list[list[float]]
MANY = 5000


def alloy(lattice: str, **amounts: float) -> Structure:
    return alloy_structure(lattice, amounts, 14.0)  # type: ignore[arg-type]


def rock_salt(first: dict[str, float], second: dict[str, float], a: float = 5.9) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [first, second], [[0, 0, 0], [0.5, 0.5, 0.5]])


def ordered(structure: Structure, max_atoms: int = 40, count: int = MANY, seed: int = 0) -> Approximants:
    return ordered_approximants(structure, "the crystal", max_atoms=max_atoms, count=count, seed=seed)


# Binary superstructures of fcc and bcc with n atoms: Hart and Forcade, doi:10.1103/PhysRevB.77.224115. They
# count a crystal and the one with its species exchanged once; for odd n these are the compositions up to n/2.
@pytest.mark.parametrize("lattice", ["fcc", "bcc"])
@pytest.mark.parametrize(("atoms", "expected"), [(3, 3), (5, 14), (7, 52)])
def test_superstructures_of_cubic_lattices_are_counted(lattice: str, atoms: int, expected: int) -> None:
    found = [
        ordered(alloy(lattice, Cu=k, Au=atoms - k), max_atoms=atoms).distinct
        for k in range(1, atoms // 2 + 1)
    ]
    assert sum(found) == expected


def test_superstructures_with_two_and_four_atoms_are_counted() -> None:
    assert ordered(alloy("fcc", Cu=1, Au=1), max_atoms=2).distinct == 2
    # Hart and Forcade list 12 with four atoms: A3B and, beyond the two of the smaller cell, A2B2.
    quarter = ordered(alloy("fcc", Cu=3, Au=1), max_atoms=4).distinct
    half = ordered(alloy("fcc", Cu=1, Au=1), max_atoms=4)
    assert quarter + half.distinct - 2 == 12
    assert {ordering.cells for ordering in half.orderings} == {2, 4}


# Of hcp, Hart and Forcade, doi:10.1103/PhysRevB.80.014120: 1 with two atoms, 30 with six.
def test_superstructures_of_hcp_are_counted() -> None:
    assert ordered(alloy("hcp", Cu=1, Au=1), max_atoms=2).distinct == 1
    sixth = ordered(alloy("hcp", Cu=1, Au=5), max_atoms=6).distinct
    third = ordered(alloy("hcp", Cu=1, Au=2), max_atoms=6).distinct
    half = ordered(alloy("hcp", Cu=1, Au=1), max_atoms=6)
    three_cells = sum(ordering.cells == 3 for ordering in half.orderings)
    assert sixth + third + three_cells == 30


@pytest.mark.parametrize(("cells", "sublattices"), [(3, 13), (5, 31), (7, 57)])
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_the_orderings_stand_for_all_arrangements(cells: int, sublattices: int, data: st.DataObject) -> None:
    """Numbers of sublattices of index n: sum over its divisors d of d times the divisor sum of d."""
    first = data.draw(st.integers(1, cells - 1))
    found = ordered(alloy(data.draw(st.sampled_from(["fcc", "bcc"])), Cu=first, Au=cells - first), cells)
    assert found.complete
    assert sum(ordering.arrangements for ordering in found.orderings) == sublattices * comb(cells, first)


@pytest.mark.parametrize(
    "structure",
    [
        alloy("fcc", Cu=0.75, Au=0.25),
        rock_salt({"Na": 0.5, "K": 0.5}, {"Cl": 1.0}),
        rock_salt({"Ni": 0.75}, {"O": 0.75}),
    ],
)
def test_the_orderings_are_different_crystals(structure: Structure) -> None:
    found = ordered(structure, max_atoms=8)
    crystals = [ordering.structure for ordering in found.orderings]
    assert len(crystals) == found.distinct > 3
    assert all(crystal.is_ordered for crystal in crystals)
    assert len(group_duplicates(crystals, SameCrystal())) == len(crystals)


def test_the_cell_choice_has_no_influence() -> None:
    primitive = rock_salt({"Na": 0.5, "K": 0.5}, {"Cl": 1.0}).get_primitive_structure()
    skewed = primitive.copy()
    skewed.make_supercell([[1, 1, 0], [0, 1, 2], [1, 0, 1]])
    skewed.translate_sites(range(len(skewed)), [0.11, 0.23, 0.31])
    found = [ordered(structure, max_atoms=8) for structure in (primitive, skewed)]
    assert found[0].distinct == found[1].distinct
    assert found[0].entropy == pytest.approx(found[1].entropy)
    sizes = [sorted(ordering.arrangements for ordering in item.orderings) for item in found]
    assert sizes[0] == sizes[1]


def test_atoms_stay_on_their_sites_and_in_their_volume() -> None:
    parent = rock_salt({"Na": 0.5, "K": 0.5}, {"Cl": 1.0})
    for ordering in ordered(parent, max_atoms=8).orderings:
        crystal = ordering.structure
        assert crystal.volume / len(crystal) == pytest.approx(parent.volume / len(parent))
        assert crystal.composition.reduced_formula == "KNaCl2"
        distances = crystal.distance_matrix[~np.eye(len(crystal), dtype=bool)]
        assert distances.min() == pytest.approx(5.9 / 2)


@given(
    share=st.floats(0.05, 0.95),
    max_atoms=st.integers(20, 40),
)
@settings(max_examples=8, deadline=None)
def test_the_occupancies_are_those_stated_or_as_close_as_said(share: float, max_atoms: int) -> None:
    found = ordered(alloy("fcc", Cu=share, Au=1 - share), max_atoms=max_atoms, count=3)
    site = found.sites[0]
    assert abs(site.approximated["Cu"] - site.occupancies["Cu"]) == pytest.approx(found.error, abs=1e-9)
    assert found.error <= 1 / max_atoms
    for ordering in found.orderings:
        composition = ordering.structure.composition
        assert composition["Cu"] / len(ordering.structure) == pytest.approx(site.approximated["Cu"])
        assert len(ordering.structure) <= max_atoms


def test_rounded_thirds_are_thirds() -> None:
    found = ordered(alloy("fcc", Cu=0.333, Au=0.667), max_atoms=3)
    assert found.sites[0].approximated == {"Au": 2 / 3, "Cu": 1 / 3}


def test_a_rare_element_is_kept_where_a_cell_can_hold_it() -> None:
    found = ordered(alloy("fcc", Cu=0.97, Au=0.03), max_atoms=33, count=2)
    assert found.sites[0].approximated["Au"] == pytest.approx(0.03, abs=0.01)


def test_charge_balance_decides_between_roundings() -> None:
    """Yttria-stabilised zirconia: a vacancy for every two Y."""
    sites: list[dict[str, float]] = [{"Zr": 0.82, "Y": 0.18}, {"O": 0.955}]
    parent = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.14), sites, [[0, 0, 0], [0.25, 0.25, 0.25]])
    crystal = ordered(parent, max_atoms=40, count=2).orderings[0].structure
    counts = crystal.composition.get_el_amt_dict()
    assert 4 * counts["Zr"] + 3 * counts["Y"] == 2 * counts["O"]


def test_electrostatic_energies_are_those_of_pymatgen_and_order_the_candidates() -> None:
    """Layers of Li with vacancies in LiCoO2."""
    sites: list[dict[str, float] | str] = [{"Li": 0.5}, "Co", "O"]
    parent = Structure.from_spacegroup(
        "R-3m", Lattice.hexagonal(2.82, 14.05), sites, [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.2395]]
    )
    found = ordered(parent, max_atoms=14, count=4)
    assert found.selection == "electrostatic"
    energies = [ordering.electrostatic_energy for ordering in found.orderings]
    assert energies == sorted(energies, key=lambda energy: energy or 0.0)
    for ordering in found.orderings:
        charged = ordering.structure.copy()
        charged.add_oxidation_state_by_element({"Li": 1, "Co": 3.5, "O": -2})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = EwaldSummation(charged).total_energy / len(charged)
        assert ordering.electrostatic_energy == pytest.approx(reference, abs=1e-4)


def test_a_large_number_of_orderings_is_sampled_by_the_seed() -> None:
    parent = rock_salt({"Co": 0.2, "Cu": 0.2, "Mg": 0.2, "Ni": 0.2, "Zn": 0.2}, {"O": 0.9, "F": 0.1})
    first, again, other = (ordered(parent, count=20, seed=seed) for seed in (1, 1, 2))
    assert not first.complete
    assert len(first.orderings) == 20 < first.distinct
    same = [a.structure == b.structure for a, b in zip(first.orderings, again.orderings, strict=True)]
    assert all(same)
    assert any(a.structure != b.structure for a, b in zip(first.orderings, other.orderings, strict=True))


SPLIT = Structure.from_spacegroup(
    "P4/mmm",
    Lattice.tetragonal(4.0, 4.2),
    ["Pb", {"Ti": 0.5}, "O", "O"],
    [[0, 0, 0], [0.5, 0.5, 0.54], [0.5, 0.5, 0], [0.5, 0, 0.5]],
)


def test_only_one_site_of_a_split_position_is_occupied() -> None:
    found = ordered(SPLIT, max_atoms=10)
    assert found.distinct > 2
    for ordering in found.orderings:
        distances = ordering.structure.distance_matrix[~np.eye(len(ordering.structure), dtype=bool)]
        assert distances.min() > 1.5
    assert found.entropy == pytest.approx(math.log(2) / 5)


REFUSED = [
    (Structure(Lattice.cubic(9), [{"Na": 0.5, "K": 0.5}] * 60, np.random.default_rng(0).random((60, 3))),
     40, "60 atoms, more than --order-max-atoms 40"),
    (Structure(Lattice.tetragonal(4.0, 5.0), [{"Na": 0.4, "K": 0.6}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.47]]),
     2, "can only approximate this by"),
    (Structure(Lattice.cubic(6), [{"Li": 0.6}, {"Li": 0.6}, "Cl"], [[0, 0, 0.47], [0, 0, 0.53], [0.5] * 3]),
     40, "hold 1.2 atoms together; correct"),
]  # fmt: skip


@pytest.mark.parametrize(("structure", "max_atoms", "sentence"), REFUSED)
def test_crystals_without_approximant_are_refused(
    structure: Structure, max_atoms: int, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        ordered(structure, max_atoms=max_atoms)
    assert str(refusal.value).startswith("the crystal ")


def test_neighbours_along_a_chain_of_close_sites_are_not_both_occupied() -> None:
    """Sites 1.2 Å apart, half of them occupied: groups of exclusive sites do not describe them."""
    sites: list[dict[str, float] | str] = [{"Li": 0.5}] * 3 + ["Cl"]
    chain = Structure(
        Lattice.tetragonal(6.0, 3.6), sites, [[0, 0, 0], [0, 0, 1 / 3], [0, 0, 2 / 3], [0.5, 0.5, 0.1]]
    )
    found = ordered(chain, max_atoms=10, count=5)
    assert not found.entropy_exact
    for ordering in found.orderings:
        lithium = [site for site in ordering.structure if site.specie.symbol == "Li"]
        assert all(a.distance(b) > 1.8 for a in lithium for b in lithium if a is not b)

"""Layers cut from crystals: their cell, orientation and layer group, for any cell of the crystal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import cut_layers, describe_layer, group_layers, is_single_layer

THIRD, TWO_THIRDS = (1 / 3, 2 / 3), (2 / 3, 1 / 3)
VACUUM = 15.0

#: Space group, cell, sites: R. W. G. Wyckoff, Crystal Structures (1963-1971). Then layer group, a, b, γ and
#: thickness.
CRYSTALS = {
    "MoS2, 2H": (
        (194, Lattice.hexagonal(3.16, 12.3), ["Mo", "S"], [[*THIRD, 0.25], [*THIRD, 0.621]]),
        (78, "p-6m2", 3.16, 3.16, 120, 2 * 0.129 * 12.3),
    ),
    "MoS2, 3R": (
        (160, Lattice.hexagonal(3.16, 18.37), ["Mo", "S", "S"], [[0, 0, z] for z in (0, 0.2478, 0.4189)]),
        (78, "p-6m2", 3.16, 3.16, 120, (0.4189 - 0.2478) * 18.37),
    ),
    "graphite": (
        (194, Lattice.hexagonal(2.464, 6.711), ["C", "C"], [[0, 0, 0.25], [*THIRD, 0.25]]),
        (80, "p6/mmm", 2.464, 2.464, 120, 0),
    ),
    "black phosphorus": (
        (64, Lattice.orthorhombic(3.3133, 10.473, 4.374), ["P"], [[0, 0.10168, 0.08056]]),
        (42, "pman", 3.3133, 4.374, 90, 2 * 0.10168 * 10.473),
    ),
    "SnO": (
        (129, Lattice.tetragonal(3.80, 4.84), ["Sn", "O"], [[0, 0.5, 0.238], [0, 0, 0]]),
        (64, "p4/nmm", 3.80, 3.80, 90, 2 * 0.238 * 4.84),
    ),
}
#: Cells of the same lattice: skewed axes, other orders of the axes, a supercell.
CELLS = {
    "as given": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "skewed": [[1, 1, 0], [0, 1, 0], [2, -1, 1]],
    "layer normal to no axis": [[0, 1, 1], [1, 0, 1], [1, 1, 1]],
    "supercell": [[2, 0, 0], [0, 1, 0], [0, 0, 1]],
}


def crystal(name: str) -> Structure:
    return Structure.from_spacegroup(*CRYSTALS[name][0])


def bonds(structure: Structure, longest: float = 2.6) -> list[float]:
    """Distances up to a length, in order."""
    return sorted(structure.get_neighbor_list(longest)[3])


def hetero() -> Structure:
    """Boron nitride and graphene in turn."""
    sites = [[*THIRD, 0.25], [*TWO_THIRDS, 0.25], [*THIRD, 0.75], [*TWO_THIRDS, 0.75]]
    return Structure(Lattice.hexagonal(2.48, 6.7), ["B", "N", "C", "C"], sites)


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("cell", CELLS)
def test_layer_does_not_depend_on_the_cell_of_the_crystal(name: str, cell: str) -> None:
    structure = crystal(name)
    structure.translate_sites(range(len(structure)), [0.13, 0.37, 0.29])  # layers cross the boundary
    bulk = bonds(structure)
    structure.make_supercell(CELLS[cell])
    (slab,) = cut_layers(structure, VACUUM)
    layer = describe_layer(slab)
    number, symbol, a, b, gamma, thickness = CRYSTALS[name][1]
    assert (layer.number, layer.symbol) == (number, symbol)
    assert layer.in_plane == pytest.approx((a, b, gamma), abs=1e-3)
    assert layer.thickness == pytest.approx(thickness, abs=1e-3)
    assert slab.lattice.c == pytest.approx(thickness + VACUUM, abs=1e-3)
    assert np.unique(np.round(bonds(slab), 2)) == pytest.approx(np.unique(np.round(bulk, 2)), abs=0.011)


@pytest.mark.parametrize("name", CRYSTALS)
def test_third_axis_is_normal_and_the_layer_is_in_the_middle(name: str) -> None:
    (slab,) = cut_layers(crystal(name), VACUUM)
    layer = describe_layer(slab)
    for cell in (slab, layer.primitive, layer.structure):
        vectors = cell.lattice.matrix
        assert np.abs(vectors[2, :2]).max() == 0
        assert np.abs(vectors[:2, 2]).max() == 0
        assert np.linalg.det(vectors) > 0
        heights = cell.frac_coords[:, 2]
        assert (heights.min() + heights.max()) / 2 == pytest.approx(0.5)
        assert np.ptp(heights) * cell.lattice.c == pytest.approx(layer.thickness, abs=1e-6)
    assert layer.area == pytest.approx(slab.volume / slab.lattice.c)
    assert layer.primitive.composition.reduced_formula == crystal(name).composition.reduced_formula


def test_centred_rectangle_has_a_conventional_and_a_primitive_cell() -> None:
    sites = [[0, 0, 0.5], [0.5, 0.5, 0.5], [0.3, 0, 0.5], [0.8, 0.5, 0.5]]
    slab = Structure(Lattice.orthorhombic(4.0, 5.0, 18.0), ["B", "B", "N", "N"], sites)
    layer = describe_layer(slab)
    assert layer.symbol.startswith("c")
    assert (len(layer.structure), len(layer.primitive)) == (4, 2)
    assert layer.area == pytest.approx(10.0)


def test_distinct_layers_of_a_crystal_are_all_cut() -> None:
    formulas = {slab.composition.reduced_formula for slab in cut_layers(hetero(), VACUUM)}
    assert formulas == {"BN", "C"}


def test_two_polymorphs_of_a_layer_in_one_crystal_are_two_layers() -> None:
    """Prismatic and octahedral TaS2 in turn, as in the polytype 4Hb."""
    height, gap = 1.55, 6.0
    prismatic = [("Ta", *THIRD, 0), ("S", *TWO_THIRDS, height), ("S", *TWO_THIRDS, -height)]
    octahedral = [("Ta", 0, 0, gap), ("S", *THIRD, gap + height), ("S", *TWO_THIRDS, gap - height)]
    atoms = prismatic + octahedral
    lattice = Lattice.hexagonal(3.33, 2 * gap)
    structure = Structure(lattice, [a[0] for a in atoms], [[x, y, z / (2 * gap)] for _, x, y, z in atoms])
    groups = sorted(describe_layer(slab).number for slab in cut_layers(structure, VACUUM))
    assert groups == [72, 78]


def test_equal_layers_are_cut_once_also_upside_down() -> None:
    janus = [("S", *TWO_THIRDS, -1.5), ("Mo", *THIRD, 0.0), ("Se", *TWO_THIRDS, 1.7)]
    turned = [(symbol, x, y, 6.5 - z) for symbol, x, y, z in janus]
    atoms = janus + turned
    lattice = Lattice.hexagonal(3.25, 13.0)
    structure = Structure(lattice, [a[0] for a in atoms], [[x, y, z / 13.0] for _, x, y, z in atoms])
    (slab,) = cut_layers(structure, VACUUM)
    assert describe_layer(slab).symbol == "p3m1"


@pytest.mark.parametrize(
    "structure",
    [
        Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0] * 3, [0.5] * 3]),
        Structure.from_spacegroup(205, Lattice.cubic(5.62), ["C", "O"], [[0] * 3, [0.118] * 3]),
    ],
    ids=["framework", "molecules"],
)
def test_other_crystals_have_no_layers(structure: Structure) -> None:
    assert cut_layers(structure, VACUUM) == []


@settings(max_examples=4)
@given(shift=st.tuples(*[st.floats(0, 1)] * 3), turned=st.booleans())
def test_origin_and_side_of_a_layer_do_not_matter(shift: tuple[float, float, float], turned: bool) -> None:
    (slab,) = cut_layers(crystal("black phosphorus"), VACUUM)
    positions = slab.frac_coords * ([1, -1, -1] if turned else [1, 1, 1]) + shift
    moved = Structure(slab.lattice, slab.species, positions % 1.0)
    assert group_layers([slab, moved]) == [[0, 1]]
    layer = describe_layer(moved)
    assert layer.number == 42
    assert layer.thickness == pytest.approx(2 * 0.10168 * 10.473, abs=1e-3)


def test_buckled_and_planar_layers_are_two() -> None:
    cells = []
    for height in (0.0, 0.45):
        sites = [[*THIRD, 0.5 - height / 40], [*TWO_THIRDS, 0.5 + height / 40]]
        cells.append(Structure(Lattice.hexagonal(3.85, 20.0), ["Si", "Si"], sites))
    assert group_layers(cells) == [[0], [1]]


def test_layer_in_pieces_is_recognised() -> None:
    (slab,) = cut_layers(crystal("MoS2, 2H"), VACUUM)
    assert is_single_layer(slab)
    apart = slab.copy()
    apart.apply_strain([1.0, 0, 0])
    assert not is_single_layer(apart)

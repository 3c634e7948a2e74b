"""The Wyckoff tables of all 230 space groups, against the International Tables and against themselves."""

import numpy as np
import pytest

from alphacrystal.crystal import (
    WyckoffPosition,
    letter_index,
    multiplicities,
    raw_wyckoff_table,
    sorted_letters,
    space_group,
    wyckoff_positions,
)
from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray, IntArray

ALL_GROUPS = range(1, 231)
# Multiplicities in the order of the letters, from the International Tables for Crystallography, volume A.
INTERNATIONAL_TABLES = {
    2: "1a 1b 1c 1d 1e 1f 1g 1h 2i",
    12: "2a 2b 2c 2d 4e 4f 4g 4h 4i 8j",
    14: "2a 2b 2c 2d 4e",
    47: "1a 1b 1c 1d 1e 1f 1g 1h 2i 2j 2k 2l 2m 2n 2o 2p 2q 2r 2s 2t 4u 4v 4w 4x 4y 4z 8A",
    62: "4a 4b 4c 8d",
    136: "2a 2b 4c 4d 4e 4f 4g 8h 8i 8j 16k",
    141: "4a 4b 8c 8d 8e 16f 16g 16h 32i",
    166: "3a 3b 6c 9d 9e 18f 18g 18h 36i",
    186: "2a 2b 6c 12d",
    191: "1a 1b 2c 2d 2e 3f 3g 4h 6i 6j 6k 6l 6m 12n 12o 12p 12q 24r",
    194: "2a 2b 2c 2d 4e 4f 6g 6h 12i 12j 12k 24l",
    205: "4a 4b 8c 24d",
    221: "1a 1b 3c 3d 6e 6f 8g 12h 12i 12j 24k 24l 24m 48n",
    225: "4a 4b 8c 24d 24e 32f 48g 48h 48i 96j 96k 192l",
    227: "8a 8b 16c 16d 32e 48f 96g 96h 192i",
    230: "16a 16b 24c 24d 32e 48f 48g 96h",
}
# Fixed positions: one site of each, origin choice 2 where there is a choice.
KNOWN_SITES = {
    (225, "a"): (0, 0, 0),
    (225, "b"): (0.5, 0.5, 0.5),
    (225, "c"): (0.25, 0.25, 0.25),
    (225, "d"): (0, 0.25, 0.25),
    (227, "a"): (1 / 8, 1 / 8, 1 / 8),
    (227, "b"): (3 / 8, 3 / 8, 3 / 8),
    (227, "c"): (0, 0, 0),
    (227, "d"): (0.5, 0.5, 0.5),
    (194, "a"): (0, 0, 0),
    (194, "b"): (0, 0, 0.25),
    (194, "c"): (1 / 3, 2 / 3, 0.25),
    (194, "d"): (1 / 3, 2 / 3, 0.75),
    (166, "b"): (0, 0, 0.5),
    (166, "d"): (0.5, 0, 0.5),
    (166, "e"): (0.5, 0, 0),
    (141, "a"): (0, 0.75, 1 / 8),
    (141, "b"): (0, 0.25, 3 / 8),
    (62, "b"): (0, 0, 0.5),
    (224, "a"): (0.25, 0.25, 0.25),
    (14, "c"): (0, 0, 0.5),
}
# Lines and planes: a site with the given parameter(s).
KNOWN_LINES = {
    (136, "f"): lambda x: (x, x, 0),
    (186, "b"): lambda z: (1 / 3, 2 / 3, z),
    (194, "f"): lambda z: (1 / 3, 2 / 3, z),
    (194, "h"): lambda x: (x, 2 * x, 0.25),
    (205, "c"): lambda x: (x, x, x),
    (141, "e"): lambda z: (0, 0.25, z),
    (166, "c"): lambda z: (0, 0, z),
    (227, "e"): lambda x: (x, x, x),
    (152, "a"): lambda x: (x, 0, 1 / 3),
    (122, "d"): lambda x: (x, 0.25, 1 / 8),
}


def orbit(position: WyckoffPosition, parameters: FloatArray) -> FloatArray:
    return np.asarray(position.linear @ parameters + position.constant)


def grid_points(fractional: FloatArray, grid: int) -> IntArray:
    """Each site as one number; sites must lie on a grid of the unit cell."""
    steps = fractional * grid
    assert np.abs(steps - np.rint(steps)).max() < 1e-4
    return np.asarray(np.rint(steps).astype(np.int64) % grid @ [grid**2, grid, 1])


def test_there_are_1731_positions() -> None:
    rows = list(raw_wyckoff_table())
    assert len(rows) == 1731
    assert {number for number, *_ in rows} == set(ALL_GROUPS)


def test_positions_agree_with_the_international_tables() -> None:
    for number, expected in INTERNATIONAL_TABLES.items():
        found = " ".join(f"{p.multiplicity}{letter}" for letter, p in wyckoff_positions(number).items())
        assert found == expected, number


def test_fixed_positions_stand_where_the_international_tables_put_them() -> None:
    for (number, letter), site in KNOWN_SITES.items():
        position = wyckoff_positions(number)[letter]
        assert position.free == 0, (number, letter)
        assert grid_points(np.array(site, dtype=float), 24) in grid_points(orbit(position, np.zeros(0)), 24)


def test_free_positions_contain_the_lines_of_the_international_tables() -> None:
    for (number, letter), line in KNOWN_LINES.items():
        position = wyckoff_positions(number)[letter]
        assert position.free == 1, (number, letter)
        # Our parameter is that of the tables up to its sign and a multiple of 1/24.
        site = np.array(line(1 / 7))
        parameters = [sign / 7 + shift / 24 for sign in (1, -1) for shift in range(24)]
        orbits = np.concatenate([orbit(position, np.array([parameter])) for parameter in parameters])
        assert grid_points(site, 24 * 7) in grid_points(orbits, 24 * 7), (number, letter)


def test_coupled_coordinates_stay_coupled() -> None:
    position = wyckoff_positions(194)["h"]  # 6h: x, 2x, 1/4
    assert position.free == 1
    for parameter in (0.11, 0.83, 0.4567):
        sites = orbit(position, np.array([parameter])) % 1
        assert any(np.allclose(site, [parameter, 2 * parameter % 1, 0.25]) for site in sites)
        x, y, z = sites.T
        on_mirrors = [(y - 2 * x) % 1, (x - 2 * y) % 1, (x + y) % 1]
        distance_to_integer = np.abs(on_mirrors - np.rint(on_mirrors)).min(0)
        assert distance_to_integer == pytest.approx(0, abs=1e-9)
        assert np.isin(np.round(z, 9), [0.25, 0.75]).all()


@pytest.mark.parametrize("system_start", [1, 16, 75, 143, 195], ids=lambda number: f"from {number}")
def test_orbits_are_closed_and_have_their_multiplicity(system_start: int) -> None:
    ends = {1: 16, 16: 75, 75: 143, 143: 195, 195: 231}
    # Generic parameters on a fine grid, so that equal sites become equal integers.
    grid = 24 * 4999
    parameters = np.array([1234 * 24, 1811 * 24 + 5, 617 * 24 + 11]) / grid
    for number in range(system_start, ends[system_start]):
        group = space_group(number)
        for letter, position in group.positions.items():
            sites = orbit(position, parameters[: position.free])
            own = np.sort(grid_points(sites, grid))
            assert len(own) == position.multiplicity == len(np.unique(own)), (number, letter)
            images = np.einsum("oij,mj->omi", group.rotations, sites) + group.translations[:, None]
            points = np.sort(grid_points(images.reshape(-1, 3), grid).reshape(len(images), -1), axis=1)
            assert (points == own).all(), (number, letter)


def test_table_agrees_with_the_positions() -> None:
    for number, letter, multiplicity, site_symmetry, free in raw_wyckoff_table():
        group = space_group(number)
        position = group.positions[letter]
        assert multiplicity == multiplicities(number)[letter]
        assert position.multiplicity == multiplicity * len(group.centring)
        assert (position.site_symmetry, position.free) == (site_symmetry, free)


def test_the_last_position_is_the_general_one() -> None:
    for number in ALL_GROUPS:
        group = space_group(number)
        *special, general = group.positions.values()
        assert general.free == 3
        assert general.multiplicity == len(group.rotations)
        assert all(position.multiplicity < general.multiplicity for position in special)
        assert sorted_letters(group.positions) == "".join(group.positions)


def test_operations_form_a_group_with_the_centring() -> None:
    for number in ALL_GROUPS:
        group = space_group(number)
        sites = orbit(list(group.positions.values())[-1], np.array([0.1234, 0.2718, 0.4142]))
        assert len(sites) % len(group.centring) == 0
        assert np.linalg.det(group.to_primitive) == pytest.approx(len(group.centring))
        lattice_points = group.centring @ group.to_primitive.T
        assert lattice_points == pytest.approx(np.rint(lattice_points), abs=1e-9)


def test_letters_beyond_z() -> None:
    assert letter_index("A") == letter_index("z") + 1 == 26
    assert sorted_letters("Azba") == "abzA"
    assert list(wyckoff_positions(47))[-1] == "A"


@pytest.mark.parametrize("number", [0, -1, 231])
def test_unknown_space_group_is_named(number: int) -> None:
    with pytest.raises(InputError, match=f"Space group {number} does not exist"):
        space_group(number)

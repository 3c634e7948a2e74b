"""Crystals with known patterns."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure


@pytest.fixture(scope="session")
def halite() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture(scope="session")
def rutile() -> Structure:
    return Structure.from_spacegroup(
        "P4_2/mnm", Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )


@pytest.fixture(scope="session")
def anatase() -> Structure:
    return Structure.from_spacegroup(
        "I4_1/amd", Lattice.tetragonal(3.785, 9.514), ["Ti", "O"], [[0, 0.75, 0.125], [0, 0.25, 0.0816]]
    )


@pytest.fixture(scope="session")
def garnet() -> Structure:
    conventional = Structure.from_spacegroup(
        "Ia-3d",
        Lattice.cubic(12.006),
        ["Y", "Al", "Al", "O"],
        [[0.125, 0, 0.25], [0, 0, 0], [0.375, 0, 0.25], [-0.0306, 0.0512, 0.15]],
    )
    return conventional.get_primitive_structure()


@pytest.fixture(scope="session")
def baddeleyite() -> Structure:
    return Structure.from_spacegroup(
        "P2_1/c",
        Lattice.monoclinic(5.15, 5.21, 5.32, 99.2),
        ["Zr", "O", "O"],
        [[0.275, 0.04, 0.209], [0.07, 0.33, 0.345], [0.45, 0.757, 0.479]],
    )

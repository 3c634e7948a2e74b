"""Potentials loaded once, and textbook crystals to try them on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pymatgen.core import Lattice, Structure

from alphacrystal.relaxation import Potential, load_potential

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def chgnet() -> Potential:
    return load_potential("chgnet")


def rock_salt(a: float = 5.69, species: tuple[str, str] = ("Na", "Cl")) -> Structure:
    cell = Lattice([[0, a / 2, a / 2], [a / 2, 0, a / 2], [a / 2, a / 2, 0]])
    return Structure(cell, species, [[0, 0, 0], [0.5, 0.5, 0.5]])


def argon(a: float = 5.3) -> Structure:
    """Face-centred cubic."""
    return Structure(Lattice([[0, a / 2, a / 2], [a / 2, 0, a / 2], [a / 2, a / 2, 0]]), ["Ar"], [[0, 0, 0]])


def rutile(a: float = 4.6, c: float = 2.96, u: float = 0.305) -> Structure:
    lattice = Lattice.tetragonal(a, c)
    return Structure.from_spacegroup("P4_2/mnm", lattice, ["Ti", "O"], [[0, 0, 0], [u, u, 0]])


def zr4al3(a: float = 5.433, c: float = 5.39, z: float = 0.25) -> Structure:
    """Wilson, Thomas & Spooner, Acta Cryst. 13, 56 (1960)."""
    sites = [[1 / 3, 2 / 3, 0.5], [0, 0, z], [0.5, 0, 0]]
    return Structure.from_spacegroup("P6/mmm", Lattice.hexagonal(a, c), ["Zr", "Zr", "Al"], sites)


def wurtzite(a: float = 3.25, c: float = 5.2, u: float = 0.38) -> Structure:
    sites = [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, u]]
    return Structure.from_spacegroup("P6_3mc", Lattice.hexagonal(a, c), ["Zn", "O"], sites)


def perovskite(a: float = 3.94) -> Structure:
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0]]
    return Structure.from_spacegroup("Pm-3m", Lattice.cubic(a), ["Sr", "Ti", "O"], sites)


def quartz(a: float = 4.92, c: float = 5.41) -> Structure:
    """Trigonal and chiral, with no mirror; Levien, Prewitt & Weidner, Am. Mineral. 65, 920 (1980)."""
    sites = [[0.4697, 0, 1 / 3], [0.4135, 0.2669, 1 / 3 - 0.1191]]
    return Structure.from_spacegroup("P3_121", Lattice.hexagonal(a, c), ["Si", "O"], sites)


@pytest.fixture(scope="session")
def textbook() -> dict[str, Callable[..., Structure]]:
    """Builders of textbook crystals by name; parameters are lattice constants in Å and free coordinates."""
    return {
        "rock salt": rock_salt,
        "rutile": rutile,
        "Zr4Al3": zr4al3,
        "wurtzite": wurtzite,
        "perovskite": perovskite,
        "quartz": quartz,
        "argon": argon,
    }

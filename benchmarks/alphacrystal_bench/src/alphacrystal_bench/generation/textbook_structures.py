"""Sixty textbook compounds with their structures at ambient conditions.

Cells and coordinates rounded from R. W. G. Wyckoff, Crystal Structures (Interscience 1963-1971). Fd-3m and
Pn-3m in origin choice 1, rhombohedral groups in hexagonal axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.symmetry.groups import SpaceGroup

Site = tuple[str, float, float, float]
_T = 1 / 3


@dataclass(frozen=True, slots=True)
class TextbookCompound:
    """A compound with its structure.

    Attributes:
        formula: Of the compound.
        name: Of the structure type or the mineral; names of other polymorphs follow in brackets.
        space_group: Hermann-Mauguin symbol.
        cell: Lengths in Å that the crystal system leaves free: a; a, c; or a, b, c.
        sites: Element and fractional coordinates of one atom of each orbit.
    """

    formula: str
    name: str
    space_group: str
    cell: tuple[float, ...]
    sites: Sequence[Site]

    def structure(self) -> Structure:
        """The conventional cell."""
        from pymatgen.core import Lattice, Structure

        symbols = [site[0] for site in self.sites]
        positions = [site[1:] for site in self.sites]
        if len(self.cell) == 1:
            lattice = Lattice.cubic(self.cell[0])
        elif len(self.cell) == 3:
            lattice = Lattice.orthorhombic(self.cell[0], self.cell[1], self.cell[2])
        elif self.space_group[1] in "36" or self.space_group.startswith(("R", "P-3", "P-6")):
            lattice = Lattice.hexagonal(self.cell[0], self.cell[1])
        else:
            lattice = Lattice.tetragonal(self.cell[0], self.cell[1])
        _space_group(self.space_group)
        return Structure.from_spacegroup(self.space_group, lattice, symbols, positions)


@cache
def _space_group(symbol: str) -> SpaceGroup:
    """A space group; it is kept because pymatgen forgets it after each crystal and needs half a second."""
    from pymatgen.symmetry.groups import SpaceGroup

    return SpaceGroup(symbol)


def _rock_salt(formula: str, a: float, first: str, second: str, name: str = "rock salt") -> TextbookCompound:
    return TextbookCompound(formula, name, "Fm-3m", (a,), [(first, 0, 0, 0), (second, 0.5, 0.5, 0.5)])


def _caesium_chloride(formula: str, a: float, first: str, second: str) -> TextbookCompound:
    sites = [(first, 0, 0, 0), (second, 0.5, 0.5, 0.5)]
    return TextbookCompound(formula, "CsCl type", "Pm-3m", (a,), sites)


def _zinc_blende(formula: str, a: float, first: str, second: str, name: str) -> TextbookCompound:
    return TextbookCompound(formula, name, "F-43m", (a,), [(first, 0, 0, 0), (second, 0.25, 0.25, 0.25)])


def _wurtzite(formula: str, a: float, c: float, u: float, first: str, second: str) -> TextbookCompound:
    sites = [(first, _T, 2 * _T, 0), (second, _T, 2 * _T, u)]
    return TextbookCompound(formula, "wurtzite (zinc blende)", "P6_3mc", (a, c), sites)


def _rutile(
    formula: str, a: float, c: float, u: float, metal: str, other: str, name: str
) -> TextbookCompound:
    return TextbookCompound(formula, name, "P4_2/mnm", (a, c), [(metal, 0, 0, 0), (other, u, u, 0)])


def _corundum(
    formula: str, a: float, c: float, z: float, x: float, metal: str, name: str
) -> TextbookCompound:
    return TextbookCompound(formula, name, "R-3c", (a, c), [(metal, 0, 0, z), ("O", x, 0, 0.25)])


def _element(
    symbol: str, name: str, space_group: str, cell: tuple[float, ...], *at: tuple[float, float, float]
) -> TextbookCompound:
    return TextbookCompound(symbol, name, space_group, cell, [(symbol, *position) for position in at])


ORIGIN, HEXAGONAL = (0.0, 0.0, 0.0), (_T, 2 * _T, 0.25)
FCC, BCC, HCP, DIAMOND = "Fm-3m", "Im-3m", "P6_3/mmc", "Fd-3m"

TEXTBOOK = (
    _element("Cu", "fcc", FCC, (3.615,), ORIGIN),
    _element("Al", "fcc", FCC, (4.050,), ORIGIN),
    _element("Au", "fcc", FCC, (4.078,), ORIGIN),
    _element("Pb", "fcc", FCC, (4.951,), ORIGIN),
    _element("Fe", "bcc (fcc, hcp)", BCC, (2.866,), ORIGIN),
    _element("W", "bcc", BCC, (3.165,), ORIGIN),
    _element("Na", "bcc (hcp)", BCC, (4.291,), ORIGIN),
    _element("Mg", "hcp", HCP, (3.209, 5.211), HEXAGONAL),
    _element("Ti", "hcp (bcc, omega)", HCP, (2.951, 4.684), HEXAGONAL),
    _element("Zn", "hcp", HCP, (2.665, 4.947), HEXAGONAL),
    _element("Si", "diamond", DIAMOND, (5.431,), ORIGIN),
    _element("Ge", "diamond", DIAMOND, (5.658,), ORIGIN),
    _element("C", "graphite (diamond)", HCP, (2.464, 6.711), (0.0, 0.0, 0.25), HEXAGONAL),
    _element("As", "A7", "R-3m", (3.760, 10.548), (0.0, 0.0, 0.227)),
    _rock_salt("NaCl", 5.640, "Na", "Cl"),
    _rock_salt("KBr", 6.600, "K", "Br"),
    _rock_salt("LiF", 4.026, "Li", "F"),
    _rock_salt("RbF", 5.650, "Rb", "F", "rock salt (CsCl type)"),
    _rock_salt("MgO", 4.212, "Mg", "O"),
    _rock_salt("CaO", 4.811, "Ca", "O"),
    _rock_salt("PbS", 5.936, "Pb", "S", "galena"),
    _rock_salt("TiC", 4.328, "Ti", "C"),
    _caesium_chloride("CsCl", 4.123, "Cs", "Cl"),
    _caesium_chloride("NiAl", 2.887, "Ni", "Al"),
    _zinc_blende("ZnS", 5.409, "Zn", "S", "sphalerite (wurtzite)"),
    _zinc_blende("GaAs", 5.653, "Ga", "As", "zinc blende (wurtzite)"),
    _zinc_blende("InP", 5.869, "In", "P", "zinc blende (wurtzite)"),
    _wurtzite("ZnO", 3.250, 5.207, 0.382, "Zn", "O"),
    _wurtzite("GaN", 3.190, 5.189, 0.377, "Ga", "N"),
    _wurtzite("CdSe", 4.300, 7.011, 0.376, "Cd", "Se"),
    TextbookCompound(
        "BN",
        "hexagonal (cubic)",
        "P6_3/mmc",
        (2.504, 6.661),
        [("B", _T, 2 * _T, 0.25), ("N", 2 * _T, _T, 0.25)],
    ),
    TextbookCompound(
        "NiAs", "NiAs type", "P6_3/mmc", (3.619, 5.035), [("Ni", 0, 0, 0), ("As", _T, 2 * _T, 0.25)]
    ),
    TextbookCompound("CuAu", "L1_0", "P4/mmm", (2.800, 3.670), [("Au", 0, 0, 0), ("Cu", 0.5, 0.5, 0.5)]),
    TextbookCompound("CaF2", "fluorite", "Fm-3m", (5.463,), [("Ca", 0, 0, 0), ("F", 0.25, 0.25, 0.25)]),
    TextbookCompound("Li2O", "antifluorite", "Fm-3m", (4.619,), [("O", 0, 0, 0), ("Li", 0.25, 0.25, 0.25)]),
    _rutile("TiO2", 4.594, 2.959, 0.305, "Ti", "O", "rutile (anatase, brookite)"),
    _rutile("SnO2", 4.737, 3.186, 0.307, "Sn", "O", "rutile type"),
    _rutile("MgF2", 4.623, 3.052, 0.303, "Mg", "F", "rutile type"),
    TextbookCompound(
        "FeS2", "pyrite (marcasite)", "Pa-3", (5.418,), [("Fe", 0, 0, 0), ("S", 0.385, 0.385, 0.385)]
    ),
    TextbookCompound(
        "MoS2",
        "2H (3R)",
        "P6_3/mmc",
        (3.160, 12.295),
        [("Mo", _T, 2 * _T, 0.25), ("S", _T, 2 * _T, 0.621)],
    ),
    TextbookCompound(
        "CdI2", "CdI2 type", "P-3m1", (4.240, 6.840), [("Cd", 0, 0, 0), ("I", _T, 2 * _T, 0.25)]
    ),
    TextbookCompound(
        "SiO2",
        "low quartz (cristobalite, tridymite)",
        "P3_221",
        (4.913, 5.405),
        [("Si", 0.4697, 0, 2 * _T), ("O", 0.4135, 0.2669, 0.7858)],
    ),
    TextbookCompound("Cu2O", "cuprite", "Pn-3m", (4.270,), [("O", 0, 0, 0), ("Cu", 0.25, 0.25, 0.25)]),
    TextbookCompound(
        "MgCu2", "Laves phase C15", "Fd-3m", (7.034,), [("Mg", 0, 0, 0), ("Cu", 0.625, 0.625, 0.625)]
    ),
    TextbookCompound(
        "AlB2", "AlB2 type", "P6/mmm", (3.009, 3.262), [("Al", 0, 0, 0), ("B", _T, 2 * _T, 0.5)]
    ),
    _corundum("Al2O3", 4.759, 12.991, 0.3522, 0.3064, "Al", "corundum"),
    _corundum("Fe2O3", 5.038, 13.772, 0.3553, 0.306, "Fe", "hematite"),
    TextbookCompound(
        "Bi2Te3",
        "tetradymite type",
        "R-3m",
        (4.386, 30.497),
        [("Bi", 0, 0, 0.4), ("Te", 0, 0, 0), ("Te", 0, 0, 0.2095)],
    ),
    TextbookCompound(
        "SrTiO3",
        "perovskite",
        "Pm-3m",
        (3.905,),
        [("Sr", 0, 0, 0), ("Ti", 0.5, 0.5, 0.5), ("O", 0.5, 0.5, 0)],
    ),
    TextbookCompound(
        "KMgF3", "perovskite", "Pm-3m", (3.989,), [("K", 0, 0, 0), ("Mg", 0.5, 0.5, 0.5), ("F", 0.5, 0.5, 0)]
    ),
    TextbookCompound(
        "CaTiO3",
        "GdFeO3 type",
        "Pnma",
        (5.442, 7.640, 5.380),
        [
            ("Ca", 0.036, 0.25, 0.993),
            ("Ti", 0, 0, 0.5),
            ("O", 0.484, 0.25, 0.071),
            ("O", 0.289, 0.037, 0.711),
        ],
    ),
    TextbookCompound(
        "LiNbO3",
        "LiNbO3 type",
        "R3c",
        (5.148, 13.863),
        [("Nb", 0, 0, 0), ("Li", 0, 0, 0.279), ("O", 0.048, 0.343, 0.063)],
    ),
    TextbookCompound(
        "CaCO3",
        "calcite (aragonite, vaterite)",
        "R-3c",
        (4.990, 17.061),
        [("Ca", 0, 0, 0), ("C", 0, 0, 0.25), ("O", 0.258, 0, 0.25)],
    ),
    TextbookCompound(
        "MgAl2O4",
        "spinel",
        "Fd-3m",
        (8.080,),
        [("Mg", 0, 0, 0), ("Al", 0.625, 0.625, 0.625), ("O", 0.387, 0.387, 0.387)],
    ),
    TextbookCompound(
        "LaNi5",
        "CaCu5 type",
        "P6/mmm",
        (5.017, 3.986),
        [("La", 0, 0, 0), ("Ni", _T, 2 * _T, 0), ("Ni", 0.5, 0, 0.5)],
    ),
    TextbookCompound("Cu3Au", "L1_2", "Pm-3m", (3.748,), [("Au", 0, 0, 0), ("Cu", 0, 0.5, 0.5)]),
    TextbookCompound("Nb3Sn", "A15", "Pm-3n", (5.290,), [("Sn", 0, 0, 0), ("Nb", 0.25, 0, 0.5)]),
    TextbookCompound("CaB6", "CaB6 type", "Pm-3m", (4.151,), [("Ca", 0, 0, 0), ("B", 0.202, 0.5, 0.5)]),
    TextbookCompound(
        "CuFeS2",
        "chalcopyrite",
        "I-42d",
        (5.289, 10.423),
        [("Cu", 0, 0, 0), ("Fe", 0, 0, 0.5), ("S", 0.2574, 0.25, 0.125)],
    ),
    TextbookCompound(
        "LiCoO2",
        "alpha-NaFeO2 type",
        "R-3m",
        (2.816, 14.05),
        [("Li", 0, 0, 0), ("Co", 0, 0, 0.5), ("O", 0, 0, 0.2605)],
    ),
)

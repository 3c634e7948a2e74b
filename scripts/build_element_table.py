"""Build the element table (the paper's Table 1) from pymatgen and mendeleev.

Run it with the ``elements`` extra installed: ``python scripts/build_element_table.py [--out DIRECTORY]``.
It writes ``elements.csv`` (one row per element, empty where no value is known) and ``elements.json`` (unit,
source and missing elements of each column, and the versions of the packages the values came from).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mendeleev.econf import ElectronicConfiguration
from mendeleev.fetch import fetch_table
from pymatgen.core import Element

LAST_ATOMIC_NUMBER = 103
NOBLE_GASES = ("He", "Ne", "Ar", "Kr", "Xe", "Rn")
DATA = Path(__file__).resolve().parents[1] / "src" / "alphacrystal" / "composition" / "data"


@dataclass(frozen=True, slots=True)
class Column:
    """One feature: where it comes from and how it is read off pymatgen's element (p) and mendeleev's row (m).

    ``decimals`` rounds away the float noise of unit changes and means, never a published digit.
    """

    name: str
    title: str
    unit: str
    source: str
    package: str
    read: Callable[[Any, Any], float | None]
    decimals: int


def heat_of_formation(_p: Any, m: Any) -> float | None:
    """Enthalpy of formation of the gaseous atom; zero by definition where the standard state is that gas."""
    return 0.0 if m.symbol in NOBLE_GASES else m.heat_of_formation


def covalent_radius(_p: Any, m: Any) -> float | None:
    """Cordero's radius in Å (mendeleev gives pm)."""
    return float(m.covalent_radius_cordero) / 100


def average_ionic_radius(p: Any, _m: Any) -> float | None:
    """Mean over the tabulated oxidation states in Å; pymatgen says 0 where it knows none."""
    return float(p.average_ionic_radius) or None


COLUMNS = (
    Column(
        "mendeleev_number",
        "Mendeleev number",
        "",
        "D. G. Pettifor, Solid State Commun. 51, 31 (1984), doi:10.1016/0038-1098(84)90765-8: the chemical "
        "scale as a running number, He = 1 to H = 103",
        "pymatgen Element.mendeleev_no",
        lambda p, _m: p.mendeleev_no,
        0,
    ),
    Column(
        "unpaired_electrons",
        "unpaired electrons",
        "",
        "Hund's rule on the ground-state configuration of the neutral atom",
        "mendeleev ElectronicConfiguration.unpaired_electrons",
        lambda _p, m: ElectronicConfiguration(m.electronic_configuration).unpaired_electrons(),
        0,
    ),
    Column(
        "first_ionization_energy",
        "first ionisation energy",
        "eV",
        "NIST Atomic Spectra Database, doi:10.18434/T4W30F",
        "mendeleev ionizationenergies.ionization_energy, charge 0",
        lambda _p, m: m.first_ionization_energy,
        6,
    ),
    Column(
        "covalent_radius",
        "covalent radius",
        "Å",
        "B. Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j; C is the mean over sp3, sp2 and "
        "sp, and Mn, Fe and Co are the means of low and high spin",
        "mendeleev elements.covalent_radius_cordero / 100",
        covalent_radius,
        4,
    ),
    Column(
        "heat_of_formation",
        "heat of formation of the gaseous atom at 298.15 K",
        "kJ/mol",
        "CRC Handbook of Chemistry and Physics, 95th edition (2014); noble gases are 0 by definition",
        "mendeleev elements.heat_of_formation",
        heat_of_formation,
        4,
    ),
    Column(
        "dipole_polarizability",
        "static dipole polarisability",
        "a.u. (bohr³)",
        "P. Schwerdtfeger and J. K. Nagle, Mol. Phys. 117, 1200 (2019), doi:10.1080/00268976.2018.1535143, "
        "in the authors' edition of 2023",
        "mendeleev elements.dipole_polarizability",
        lambda _p, m: m.dipole_polarizability,
        6,
    ),
    Column(
        "average_ionic_radius",
        "average ionic radius",
        "Å",
        "mean over the oxidation states of the crystal radii of R. D. Shannon, Acta Cryst. A32, 751 (1976), "
        "doi:10.1107/S0567739476001551",
        "pymatgen Element.average_ionic_radius",
        average_ionic_radius,
        6,
    ),
    Column(
        "group",
        "group of the periodic table",
        "",
        "IUPAC groups 1-18; the lanthanides and actinides, which have no IUPAC group, count as group 3",
        "pymatgen Element.group",
        lambda p, _m: p.group,
        0,
    ),
    Column(
        "row",
        "row (period) of the periodic table",
        "",
        "IUPAC periods 1-7; lanthanides are in row 6, actinides in row 7",
        "pymatgen Element.row",
        lambda p, _m: p.row,
        0,
    ),
    Column(
        "electronegativity",
        "Pauling electronegativity",
        "",
        "Pauling scale: A. L. Allred, J. Inorg. Nucl. Chem. 17, 215 (1961), doi:10.1016/0022-1902(61)80142-5 "
        "with later additions, as collected by pymatgen",
        "pymatgen Element.X",
        lambda p, _m: p.X,
        4,
    ),
    Column(
        "atomic_number",
        "atomic number",
        "",
        "number of protons",
        "pymatgen Element.Z",
        lambda p, _m: p.Z,
        0,
    ),
)


@dataclass(frozen=True, slots=True)
class ElementRow:
    """One element: its English name and the 11 values in the order of COLUMNS, None where unknown."""

    name: str
    values: list[float | None]


def element_rows() -> dict[str, ElementRow]:
    """Symbol -> row, for the elements 1-103 in order."""
    # Whole tables: mendeleev.element() loads every isotope and scattering factor, 0.4 s for each element.
    energies = fetch_table("ionizationenergies").query("ion_charge == 0").set_index("atomic_number")
    elements = fetch_table("elements").set_index("atomic_number")
    elements["first_ionization_energy"] = energies["ionization_energy"]
    table = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pymatgen warns at each electronegativity it lacks
        for number in range(1, LAST_ATOMIC_NUMBER + 1):
            p, m = Element.from_Z(number), elements.loc[number]
            values = [column.read(p, m) for column in COLUMNS]
            rounded = [
                None if value is None or math.isnan(value) else round(float(value), column.decimals)
                for column, value in zip(COLUMNS, values, strict=True)
            ]
            table[p.symbol] = ElementRow(str(m["name"]), rounded)
    return table


def csv_text(table: dict[str, ElementRow]) -> str:
    """The table as CSV, symbol and name first, empty where a value is missing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["symbol", "name", *(column.name for column in COLUMNS)])
    for symbol, row in table.items():
        writer.writerow(
            [symbol, row.name, *("" if value is None else f"{value:.10g}" for value in row.values)]
        )
    return out.getvalue()


def metadata(table: dict[str, ElementRow]) -> dict[str, Any]:
    """Units, sources and gaps of each column."""
    columns = [
        {
            "name": column.name,
            "title": column.title,
            "unit": column.unit,
            "source": column.source,
            "package": column.package,
            "missing": [symbol for symbol, row in table.items() if row.values[i] is None],
        }
        for i, column in enumerate(COLUMNS)
    ]
    packages = {name: version(name) for name in ("mendeleev", "pymatgen-core")}
    return {"columns": columns, "packages": packages}


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description="Build the element table from pymatgen and mendeleev.")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to write elements.csv and .json to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    table = element_rows()
    (out / "elements.csv").write_text(csv_text(table), encoding="utf-8")
    (out / "elements.json").write_text(
        json.dumps(metadata(table), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()

"""The element table holds what the literature says, and networks get it without gaps."""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Element

import alphacrystal.composition
from alphacrystal.composition import element_features, element_order, element_table
from alphacrystal.errors import InputError

DATA = Path(alphacrystal.composition.__file__).parent / "data"

# Typed by hand from the publications, not from the packages the table is built with.
LITERATURE = {
    "mendeleev_number": {"He": 1, "Li": 12, "C": 95, "N": 100, "O": 101, "F": 102, "H": 103},
    "unpaired_electrons": {"H": 1, "He": 0, "N": 3, "Cr": 6, "Mn": 5, "Fe": 4, "Zn": 0, "Eu": 7, "Gd": 8},
    "first_ionization_energy": {"H": 13.598, "He": 24.587, "Fe": 7.902, "Cs": 3.894, "U": 6.194},
    "covalent_radius": {"H": 0.31, "O": 0.66, "Zr": 1.75, "Al": 1.21, "Cs": 2.44, "Cm": 1.69},
    "heat_of_formation": {"H": 217.998, "Na": 107.5, "O": 249.2, "C": 716.8, "Fe": 415.5, "Ar": 0},
    "dipole_polarizability": {"H": 4.507, "He": 1.3838, "C": 11.3, "Cs": 400.9},
    "average_ionic_radius": {"Li": 0.90, "O": 1.26, "Na": 1.16, "Mg": 0.86, "Al": 0.675},
    "group": {"H": 1, "He": 18, "Fe": 8, "Si": 14, "La": 3, "Gd": 3, "U": 3},
    "row": {"H": 1, "Fe": 4, "Gd": 6, "U": 7},
    "electronegativity": {"F": 3.98, "O": 3.44, "Si": 1.90, "Fe": 1.83, "Cs": 0.79},
    "atomic_number": {"H": 1, "Fe": 26, "Lr": 103},
}


@pytest.mark.parametrize("column", LITERATURE)
def test_values_are_those_of_the_literature(column: str) -> None:
    table = element_table()
    values = {symbol: table.column(column)[table.symbols.index(symbol)] for symbol in LITERATURE[column]}
    assert values == pytest.approx(LITERATURE[column], rel=5e-4, abs=1e-3)


def test_spin_states_and_hybridisations_are_averaged() -> None:
    radius = element_table().column("covalent_radius")
    assert radius[26] == pytest.approx((1.32 + 1.52) / 2)  # Fe: low and high spin
    assert radius[6] == pytest.approx((0.76 + 0.73 + 0.69) / 3, abs=0.005)  # C: sp3, sp2, sp


def test_table_has_a_row_per_atomic_number_and_the_eleven_columns() -> None:
    table = element_table()
    assert table.values.shape == (104, 11)
    assert table.values.dtype == np.float64
    assert np.isnan(table.values[0]).all()
    assert np.array_equal(table.column("atomic_number")[1:], np.arange(1, 104))
    assert table.columns == tuple(LITERATURE)
    assert table.symbols[1:] == tuple(Element.from_Z(z).symbol for z in range(1, 104))
    assert len(table.units) == len(table.sources) == 11
    assert all(table.sources)


def test_table_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        element_table().values[1, 0] = 0.0


def test_missing_values_are_the_documented_ones() -> None:
    table = element_table()
    documented = json.loads((DATA / "elements.json").read_text(encoding="utf-8"))["columns"]
    for column in documented:
        missing = np.flatnonzero(np.isnan(table.column(column["name"])[1:])) + 1
        assert [table.symbols[z] for z in missing] == column["missing"]
    assert sum(len(column["missing"]) for column in documented) == 29


def test_documentation_lists_every_column_with_its_unit_and_gaps() -> None:
    page = (Path(__file__).parents[2] / "docs" / "elements.md").read_text(encoding="utf-8")
    for column in json.loads((DATA / "elements.json").read_text(encoding="utf-8"))["columns"]:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{column['name']}` |"))
        assert row.startswith(f"| `{column['name']}` | {column['unit'] or '–'} |")
        assert row.endswith(f"| {', '.join(column['missing']) or 'none'} |")


def test_order_is_pymatgens_electronegativity_then_atomic_number() -> None:
    for symbol in element_table().symbols[1:]:
        element = Element(symbol)
        electronegativity = 0.0 if symbol in ("He", "Ne", "Ar") else element.X
        assert element_order(symbol) == (electronegativity, element.Z)


@pytest.mark.parametrize("symbol", ["", "Rf", "D", "fe", "Zr4"])
def test_order_refuses_what_is_no_supported_element(symbol: str) -> None:
    with pytest.raises(InputError, match="is not one of the supported elements 1-103"):
        element_order(symbol)


def test_features_are_standardised_and_without_gaps() -> None:
    features = element_features()
    assert features.shape == (104, 11)
    assert np.isfinite(features).all()
    assert features[1:].mean(axis=0) == pytest.approx(0.0, abs=1e-12)
    assert features[1:].std(axis=0) == pytest.approx(1.0)
    assert not features[0].any()


def test_missing_values_carry_no_signal() -> None:
    missing = np.isnan(element_table().values[1:])
    assert np.abs(element_features()[1:][missing]).max() < 1e-12
    plain = element_features(standardised=False)[1:]
    assert np.array_equal(plain[~missing], element_table().values[1:][~missing])


@pytest.fixture
def build_script() -> dict[str, Any]:
    """The names in scripts/build_element_table.py; it needs the ``elements`` extra and a source checkout."""
    pytest.importorskip("mendeleev", reason="the elements extra (mendeleev) is not installed")
    return runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "build_element_table.py"))


def test_shipped_table_is_what_the_build_script_makes(build_script: dict[str, Any]) -> None:
    rows = build_script["element_rows"]()
    assert (DATA / "elements.csv").read_text(encoding="utf-8") == build_script["csv_text"](rows)
    shipped = json.loads((DATA / "elements.json").read_text(encoding="utf-8"))
    assert shipped["columns"] == build_script["metadata"](rows)["columns"]

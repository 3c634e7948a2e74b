"""The benchmark of the limit of the dispersion rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord
from alphacrystal.pipeline.dispersion import LOW_DIMENSIONAL_SHARE
from alphacrystal_bench.list_order import dispersion_rule
from alphacrystal_bench.list_order.dispersion_rule import GROUPS, benchmark_dispersion_rule, render, shares

FACTS: dict[str, Any] = {
    "commit": "0",
    "seed": 0,
    "time": "now",
    "machine": {"cpu": "a processor", "cores": 2},
}
LAYERED, FRAMEWORK = GROUPS[True], GROUPS[False]


def row(name: str, low: bool, share: float | None) -> dict[str, Any]:
    return {"id": name, "atoms": 4, "low": low, "share": share}


def record(structure: Structure) -> StructureRecord:
    return StructureRecord(
        id=structure.formula,
        reduced_formula=structure.composition.reduced_formula,
        lattice=structure.lattice.matrix.tolist(),
        species=[site.specie.symbol for site in structure],
        frac_coords=structure.frac_coords.tolist(),
        icsd=True,
        split="val",
    )


ROWS = [row("MoS2", True, 0.9), row("SnO", True, 0.15), row("NaCl", False, 0.0), row("CdCl2", False, 0.25)]


def test_shares_by_limit_leave_out_refused_formulas() -> None:
    by_limit = {item["limit"]: item for item in shares([*ROWS, row("Xe", True, None)])}
    assert by_limit[LOW_DIMENSIONAL_SHARE][LAYERED] == 0.5
    assert by_limit[LOW_DIMENSIONAL_SHARE][FRAMEWORK] == 0.5
    assert by_limit[0.1][LAYERED] == 1.0
    assert by_limit[0.3][FRAMEWORK] == 0.0


def test_page_names_the_compounds_that_the_shipped_limit_decides_otherwise() -> None:
    page = render({"n": 4, "shares": shares(ROWS), "rows": ROWS, **FACTS})
    assert "dispersion is missing for SnO, and is added for the frameworks CdCl2." in page


@pytest.mark.slow
def test_run_compares_layers_with_frameworks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispersion_rule, "CANDIDATES", 6)
    halite = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
    iodide = Structure.from_spacegroup(
        164, Lattice.hexagonal(4.24, 6.84), ["Cd", "I"], [[0, 0, 0], [1 / 3, 2 / 3, 0.25]]
    )
    records = [record(structure.get_primitive_structure()) for structure in (halite, iodide)]
    result = benchmark_dispersion_rule(records, tmp_path, lambda *_: None, limit=3)
    assert {item["id"]: item["low"] for item in result["rows"]} == {"NaCl": False, "CdI2": True}
    assert result["known"] == {LAYERED: 1, FRAMEWORK: 1}
    by_name = {item["id"]: item["share"] for item in result["rows"]}
    assert by_name["NaCl"] < 0.05
    assert by_name["CdI2"] > LOW_DIMENSIONAL_SHARE

"""No benchmark compound reaches training, whatever its label says."""

import pytest
from pymatgen.core import Composition

from alphacrystal.data import StructureRecord, benchmark_formulas, without_benchmarks


def record(formula: str) -> StructureRecord:
    """A record with the atoms of a formula, on arbitrary places."""
    species = [e.symbol for e, n in Composition(formula).items() for _ in range(int(n))]
    return StructureRecord(
        id=formula,
        reduced_formula=Composition(formula).reduced_formula,
        lattice=[[9, 0, 0], [0, 9, 0], [0, 0, 9]],
        species=species,
        frac_coords=[[i / len(species), 0.1, 0.2] for i in range(len(species))],
    )


def test_all_benchmarks_are_listed() -> None:
    formulas = benchmark_formulas()
    assert {"Zr4Al3", "TiIn", "ScAl", "Zn(CuN)2", "PbO", "ThB12", "LiFe2(ClO)2"} <= formulas
    # CSPBench-180, Table 3, Table 4, MP-20 and MPTS-52 samples: no compound is in two.
    assert len(formulas) == 180 + 30 + 8 + 400 + 400


def test_formulas_are_spelled_as_they_are_compared() -> None:
    assert [x for x in benchmark_formulas() if Composition(x).reduced_formula != x] == []


def test_every_benchmark_compound_is_dropped() -> None:
    assert list(without_benchmarks(map(record, sorted(benchmark_formulas())))) == []


@pytest.mark.parametrize("formula", ["Zr4Al3", "TiIn", "ScAl"])
def test_labels_are_not_trusted(formula: str) -> None:
    assert list(without_benchmarks([record(formula).model_copy(update={"reduced_formula": "NaCl"})])) == []


@pytest.mark.parametrize("formula", ["Sc2Al2", "Al6Zr8", "In3Ti3", "Zn2Cu4N4"])
def test_larger_cells_and_other_orders_are_the_same_compound(formula: str) -> None:
    assert list(without_benchmarks([record(formula)])) == []


def test_deuterium_is_hydrogen() -> None:
    heavy = record("RbPH2O4").model_dump() | {"reduced_formula": "RbP(DO2)2"}
    heavy["species"] = ["D" if symbol == "H" else symbol for symbol in heavy["species"]]
    assert list(without_benchmarks([StructureRecord.model_validate(heavy)])) == []


def test_other_compounds_stay_in_their_order() -> None:
    formulas = ["NaCl", "ScAl", "Zr3Al4", "ScAl3", "Ti2In"]
    assert [x.id for x in without_benchmarks(map(record, formulas))] == ["NaCl", "Zr3Al4", "ScAl3", "Ti2In"]

"""Pairs of polymorphs, the counts of their orders, and the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal_bench.list_order.polymorph_pairs import PolymorphPair, polymorph_pairs
from alphacrystal_bench.list_order.polymorphs import benchmark_polymorphs, polymorph_tables
from alphacrystal_bench.list_order.polymorphs_page import render

FACTS = {
    "commit": "abc",
    "time": "2026-11-29T00:00:00+00:00",
    "machine": {"cpu": "x", "cores": 2, "usable_cores": 2},
    "seed": 0,
    "minutes": 1.0,
}
SITES = {225: [[0, 0, 0], [0.5, 0.5, 0.5]], 221: [[0, 0, 0], [0.5, 0.5, 0.5]]}


def record(name: str, energy: float, group: int = 225, salt: str = "NaCl", **facts: Any) -> StructureRecord:
    cation, anion = salt[:-2], salt[-2:]
    edge = 5.69 if group == 225 else 3.51
    crystal = Structure.from_spacegroup(group, Lattice.cubic(edge), [cation, anion], SITES[group])
    made = StructureRecord.from_structure(crystal.get_primitive_structure(), name)
    known = {"icsd": True, "split": "val", "e_form": energy, "energy_source": "one", "functional": "PBE"}
    return made.model_copy(update=known | facts)


def pairs_of(*records: StructureRecord, **options: Any) -> list[tuple[str, str]]:
    found = polymorph_pairs(records, elements=("Na", "K", "Cl"), **options)
    return [(pair.lower.id, pair.higher.id) for pair in found]


def test_the_record_of_lower_energy_comes_first() -> None:
    assert pairs_of(record("b2", -1.9, 221), record("b1", -2.0)) == [("b1", "b2")]
    (pair,) = polymorph_pairs([record("b2", -1.9, 221), record("b1", -2.0)], elements=("Na", "Cl"))
    assert pair.gap == pytest.approx(0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"icsd": False},
        {"icsd": None},
        {"e_form": None},
        {"e_form": -1.9996},  # within the smallest gap
        {"energy_source": "another"},
        {"functional": "RPBE"},
        {"energy_source": None},
    ],
)
def test_records_that_cannot_be_compared_are_left_out(changes: dict[str, Any]) -> None:
    second = record("b2", -1.9, 221).model_copy(update=changes)
    assert pairs_of(record("b1", -2.0), second) == []


def test_equal_types_large_cells_and_unknown_elements_are_left_out() -> None:
    assert pairs_of(record("a", -2.0), record("b", -1.9)) == []
    assert pairs_of(record("a", -2.0), record("b", -1.9, 221), max_atoms=1) == []
    assert pairs_of(record("a", -2.0, 225, "RbCl"), record("b", -1.9, 221, "RbCl")) == []


def test_pairs_of_a_formula_are_limited() -> None:
    records = [record(f"b1-{i}", -2.0 - 0.01 * i) for i in range(3)]
    records += [record(f"b2-{i}", -1.9 + 0.01 * i, 221) for i in range(3)]
    assert len(pairs_of(*records, per_formula=100)) == 9
    assert len(pairs_of(*records, per_formula=2)) == 2


def test_counts_of_right_orders() -> None:
    salts = [(record(f"{i}-1", -2.0), record(f"{i}-2", -1.9, 221)) for i in range(4)]
    splits = ("val", "val", "train", "train")
    pairs = [
        PolymorphPair(low.model_copy(update={"split": split}), high, gap)
        for (low, high), split, gap in zip(salts, splits, (0.005, 0.02, 0.1, 0.2), strict=True)
    ]
    energies = {f"{i}-1": 0.0 for i in range(4)} | {"0-2": 0.1, "1-2": -0.1, "2-2": 0.2, "3-2": 0.00005}
    prior = {f"{i}-1 {i}-2 {i}-{k}": float(k) for i in range(2) for k in (1, 2)}
    denser = {f"{i}-{k}": float(-k) for i in range(4) for k in (1, 2)}
    better = {name: value + 0.3 * name.endswith("-2") for name, value in energies.items()}
    tables = polymorph_tables(
        pairs, {"a_record": energies, "b_record": better}, {"denser": denser, "prior": prior}
    )
    parts = tables["parts"]
    assert {name: part["n"] for name, part in parts.items()} == {
        "all": 4,
        "val": 2,
        "train": 2,
        "below_10": 1,
        "10_to_50": 1,
        "over_50": 2,
    }
    assert parts["all"]["a_record"]["right"] == pytest.approx((1 + 0 + 1 + 0.5) / 4, abs=1e-4)
    assert parts["all"]["a_record"]["error"] == pytest.approx((0.095 + 0.12 + 0.1 + 0.2) / 4, abs=1e-4)
    assert parts["all"]["denser"]["right"] == 0
    assert parts["val"]["prior"]["right"] == 1
    assert "prior" not in parts["train"]
    (against,) = tables["against"]
    assert (against["only_first"], against["only_second"]) == (0, 2)
    result = {
        **FACTS,
        "potentials": ["a", "b"],
        "relaxed_by": None,
        "train": 2,
        "max_atoms": 40,
        "per_formula": 3,
        **tables,
    }
    text = render(result)
    for words in ("# Order of 4 pairs", "coin flip", "a, as recorded", "62.5 %", "only the second", "abc"):
        assert words in text


def test_a_potential_orders_the_polymorphs_of_salt_and_continues(tmp_path: Path) -> None:
    records = [record("b1", -2.0), record("b2", -1.9, 221)]

    def run() -> dict[str, Any]:
        return benchmark_polymorphs(records, tmp_path, lambda *_: None, potentials=["chgnet"])

    result = run()
    assert result["parts"]["val"]["chgnet_record"]["right"] == 1
    assert result["parts"]["val"]["chgnet_relaxed"]["right"] == 1
    assert result["parts"]["val"]["prior"]["right"] == 1  # rock salt is the probable type of NaCl
    assert result["parts"]["val"]["denser"]["right"] == 0  # the CsCl type is the dense one
    stored = (tmp_path / "energies.jsonl").read_text()
    assert run()["parts"] == result["parts"]
    assert (tmp_path / "energies.jsonl").read_text() == stored


def test_records_without_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no two experimental crystals"):
        benchmark_polymorphs([record("b1", -2.0)], tmp_path, lambda *_: None, potentials=["chgnet"])

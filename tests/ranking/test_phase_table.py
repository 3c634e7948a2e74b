"""The table of known phases: written, read, compared with structures, and used in lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis
from alphacrystal.data import StructureRecord
from alphacrystal.errors import WeightsError
from alphacrystal.generate import Candidate
from alphacrystal.ranking import (
    EnergyReference,
    KnownPhase,
    collect_phases,
    ground_state,
    hull_of_known_phases,
    known_phases,
    matching_phase,
    rank_candidates,
    table_facts,
    type_label,
    write_phase_table,
)
from alphacrystal.relaxation import Relaxation, RelaxationStatus

SALT, CSCL = "225:Cl=b;Na=a", "221:Cl=b;Na=a"
PHASES = (
    KnownPhase("mp-1", "NaCl", SALT, -3.60, ground=True),
    KnownPhase("mp-2", "NaCl", CSCL, -3.50, ground=False),
    KnownPhase("mp-3", "Na", "229:Na=a", -1.30, ground=True),
    KnownPhase("mp-4", "Cl2", "64:Cl=f", -1.80, ground=True),
    KnownPhase("mp-5", "KCl", "225:Cl=b;K=a", -3.50, ground=True),
    KnownPhase("mp-6", "Na2Cl", "139:Cl=a;Na=e", -2.0, ground=True),
)


def crystal(group: int, a: float = 5.64, elements: tuple[str, str] = ("Na", "Cl")) -> Structure:
    length = a if group == 225 else a * 0.62
    return Structure.from_spacegroup(
        group, Lattice.cubic(length), elements, [[0, 0, 0], [0.5, 0.5, 0.5]]
    ).get_primitive_structure()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "phases.sqlite"
    write_phase_table(path, PHASES, {"potential": "chgnet", "note": "test"})
    return path


def test_phases_of_a_chemical_system_are_read_back(table: Path) -> None:
    found = known_phases(table, frozenset({"Na", "Cl"}))
    assert set(found) == {phase for phase in PHASES if phase.formula != "KCl"}
    assert known_phases(table, frozenset({"Xe"})) == ()
    assert table_facts(table) == {"format": "1", "potential": "chgnet", "note": "test"}


def test_a_file_that_is_no_table_is_named(tmp_path: Path, table: Path) -> None:
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(b"no database" * 100)
    for read in (table_facts, lambda path: known_phases(path, frozenset({"Na"}))):
        with pytest.raises(WeightsError, match=r"bad\.sqlite"):
            read(bad)


def test_labels_do_not_depend_on_cell_or_setting() -> None:
    salt = crystal(225)
    shifted = salt.copy()
    shifted.translate_sites([0, 1], [0.5, 0.5, 0.5])
    labels = {type_label(item) for item in (salt, shifted, salt * (2, 1, 1), crystal(225, 6.1))}
    assert labels == {SALT}
    assert type_label(crystal(221)) == CSCL


@pytest.mark.parametrize(
    ("group", "energy", "expected"),
    [
        (225, -3.61, "mp-1"),
        (221, -3.49, "mp-2"),
        (221, -3.40, None),
        (225, None, "mp-1"),
        (221, None, "mp-2"),
    ],
)
def test_a_structure_is_the_phase_of_its_type_and_energy(
    group: int, energy: float | None, expected: str | None
) -> None:
    match = matching_phase(crystal(group), energy, PHASES[:2])
    assert (match.id if match else None) == expected


def test_of_several_entries_of_one_structure_the_ground_state_counts() -> None:
    twin = KnownPhase("mp-7", "NaCl", SALT, -3.603, ground=False)
    other = KnownPhase("mp-8", "NaCl", SALT, -3.62, ground=False)
    found = [matching_phase(crystal(225), energy, [*PHASES, twin, other]) for energy in (-3.604, -3.63)]
    assert [phase.id for phase in found if phase] == ["mp-1", "mp-8"]


def test_hull_of_known_phases_takes_the_lowest_phase_of_each_formula() -> None:
    hull = hull_of_known_phases(PHASES[:4], {"Na", "Cl"}, {"Na": -1.2, "Cl": -1.9})
    point = hull.at({"Na": 1, "Cl": 1})
    assert point is not None
    assert point.energy == pytest.approx(-3.60)
    assert [product.id for product in point.products] == ["mp-1"]
    other = hull.at({"Na": 3, "Cl": 1})
    assert other is not None
    assert other.energy == pytest.approx((2 * -3.60 + 2 * -1.30) / 4)


def ranked(known: Any) -> list[Any]:
    """CsCl type (likely and lower) and rock salt, with the energies of PHASES."""
    cell, none = LatticeParameters(5.6, 5.6, 5.6, 90, 90, 90), LatticeParameters(0, 0, 0, 0, 0, 0)
    candidates, ends = [], {}
    for index, (group, prior, energy) in enumerate([(221, -0.2, -3.65), (225, -4.0, -3.61)]):
        hypothesis = SymmetryHypothesis(group, {"Na": "a", "Cl": "b"}, 1, cell, none, (0.0,) * 6, prior)
        candidates.append(Candidate(crystal(group), "test", prior, hypothesis))
        ends[index] = Relaxation(crystal(group), RelaxationStatus.CONVERGED, "", energy, 0.01, 0.1, 3, 0.1)
    hull = hull_of_known_phases(PHASES[:4], {"Na", "Cl"}, {})
    reference = EnergyReference("chgnet", hull=hull)
    return rank_candidates(candidates, ends, relaxed=True, top=5, known=known, reference=reference)


def test_the_known_ground_state_leads_and_others_are_named() -> None:
    without = ranked(None)
    assert [(row.space_group_number, row.known) for row in without] == [(221, ""), (225, "")]
    first, second = ranked(PHASES[:2])
    assert (first.space_group_number, first.known) == (225, "mp-1")
    assert (second.space_group_number, second.known) == (221, "other structure")  # 0.15 eV/atom off
    assert second.probability > first.probability
    assert {row.known for row in ranked([])} == {"new"}
    assert first.energy_above_hull_per_atom == pytest.approx(-0.01)


def record(identifier: str, structure: Structure, **fields: Any) -> StructureRecord:
    return StructureRecord.from_structure(structure, identifier).with_fields(**fields)


class Energies:
    name = "test"
    supported_elements = frozenset({"Na", "Cl"})

    def __init__(self) -> None:
        self.calls = 0

    def energies_per_atom(self, structures: list[Structure]) -> Any:
        import numpy as np

        self.calls += len(structures)
        return np.array([-structure.volume / len(structure) / 10 for structure in structures])


def test_phases_are_collected_once_and_the_ground_state_is_that_of_the_source(tmp_path: Path) -> None:
    records = [
        record("mp-1", crystal(225), icsd=True),
        record("mp-2", crystal(221), icsd=True, e_above_hull=0.0),
        record("mp-3", crystal(225, elements=("Xe", "Cl")), icsd=False),
    ]
    model = Energies()
    lines = tmp_path / "lines"
    phases = collect_phases(records, model, lines, lambda *_: None)
    assert [(phase.id, phase.ground) for phase in phases] == [("mp-1", False), ("mp-2", True)]
    assert model.calls == 2
    with lines.open("a") as stream:
        stream.write('{"id": "mp-9", "la')  # of an interrupted run
    assert collect_phases(records, model, lines, lambda *_: None) == phases
    assert model.calls == 2
    assert collect_phases([*records, records[0]], model, lines, lambda *_: None) == phases  # an id twice
    without = [records[0], record("mp-2", crystal(221), icsd=True)]
    (ground,) = [p.id for p in collect_phases(without, model, tmp_path / "new", lambda *_: None) if p.ground]
    assert ground == "mp-1"


@pytest.mark.parametrize(
    ("hulls", "energies", "expected"),
    [
        ((None, None), (-3.60, -3.61), "mp-2"),
        ((None, 0.016), (-3.600, -3.605), "mp-1"),  # the lower one is not on the hull of its source
        ((0.0, None), (-3.50, -3.60), "mp-1"),
        ((0.003, None), (-3.60, -3.45), "mp-1"),
    ],
)
def test_ground_state_is_that_of_the_source_where_it_has_one(
    hulls: tuple[float | None, float | None], energies: tuple[float, float], expected: str
) -> None:
    records = [
        record(name, crystal(225), icsd=True, e_above_hull=hull)
        for name, hull in zip(("mp-1", "mp-2"), hulls, strict=True)
    ]
    assert ground_state(records, dict(zip(("mp-1", "mp-2"), energies, strict=True))).id == expected

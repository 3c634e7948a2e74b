"""Rows whose order by energy the error of the potential leaves open."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.generate import Candidate
from alphacrystal.ranking import POLYMORPH_ERRORS, RankedStructure, with_close_energies
from alphacrystal.relaxation import Relaxation, RelaxationStatus

CELL = Structure(Lattice.cubic(4.1), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def row(rank: int, energy: float | None, label: str, flags: tuple[str, ...] = ()) -> RankedStructure:
    relaxation = None
    if energy is not None:
        relaxation = Relaxation(CELL, RelaxationStatus.CONVERGED, "", energy, 0.0, 0.0, 5, 0.1)
    return RankedStructure(
        rank=rank,
        chemical_rank=rank,
        energy_rank=rank,
        structure=CELL,
        primitive=CELL,
        space_group_number=221,
        space_group_symbol="Pm-3m",
        candidate=Candidate(CELL, "test", None),
        candidate_index=rank - 1,
        duplicates=(),
        relaxation=relaxation,
        formation_energy_per_atom=None,
        energy_above_hull_per_atom=None,
        score=0.0,
        flags=flags,
        structure_type=label,
    )


def close(rows: list[RankedStructure], potential: str = "chgnet") -> list[int]:
    return [item.rank for item in with_close_energies(rows, potential) if "close" in item.flags]


def test_two_types_within_the_error_are_marked_in_either_order() -> None:
    rock_salt, caesium_chloride = row(1, -3.20, "AB_cF8_225_a_b"), row(2, -3.18, "AB_cP2_221_a_b")
    far = row(3, -3.10, "AB_hP4_194_a_c")
    assert close([rock_salt, caesium_chloride, far]) == [1, 2]
    assert close([far, caesium_chloride, rock_salt]) == [2, 1]


@pytest.mark.parametrize(
    ("rows", "potential"),
    [
        ([row(1, -3.20, "a"), row(2, -3.15, "b")], "chgnet"),  # further apart than the error
        ([row(1, -3.20, "a"), row(2, -3.19, "a")], "chgnet"),  # one type
        ([row(1, -3.20, "a"), row(2, -3.19, "b")], "chgnet+d3"),  # no measured error
        ([row(1, -3.20, "a"), row(2, None, "b")], "chgnet"),
        ([row(1, None, "a")], "chgnet"),
        ([], "chgnet"),
    ],
)
def test_others_are_not_marked(rows: list[RankedStructure], potential: str) -> None:
    assert close(rows, potential) == []


def test_energies_that_the_potential_may_not_describe_are_no_reference() -> None:
    wrong = row(1, -9.0, "x", ("unknown",))
    rows = with_close_energies([wrong, row(2, -3.20, "a", ("magnetic",)), row(3, -3.19, "b")], "chgnet")
    assert [item.flags for item in rows] == [("unknown",), ("magnetic", "close"), ("close",)]


def test_a_more_accurate_potential_marks_fewer_rows() -> None:
    assert POLYMORPH_ERRORS["sevennet-l3i5"] < POLYMORPH_ERRORS["chgnet"]
    rows = [row(1, -3.200, "a"), row(2, -3.175, "b")]
    assert close(rows, "chgnet") == [1, 2]
    assert close(rows, "sevennet-l3i5") == []

"""What a run has on disk: exact round trips, torn lines, full disks."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import LatticeParameters, SymmetryHypothesis
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.relaxation import Relaxation, RelaxationStatus


def structure(a: float = 5.1234567890123) -> Structure:
    return Structure(Lattice.cubic(a), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.1 + 0.2]])


def candidate(a: float = 4.0) -> Candidate:
    hypothesis = SymmetryHypothesis(
        space_group=221,
        occupation={"Cs": "a", "Cl": "b"},
        formula_units=1,
        lattice=LatticeParameters(a, a, a, 90, 90, 90),
        lattice_std=LatticeParameters(0.1, 0.1, 0.1, 0, 0, 0),
        shape_scale=(0.1, 0.0, 0.0, 0.0, 0.0, 0.0),
        log_probability=-1.25,
        source="type",
    )
    return Candidate(structure(a), "distance_matrix", -2.5, hypothesis, {"seed": 3})


def relaxation(energy: float | None = -3.1) -> Relaxation:
    return Relaxation(structure(), RelaxationStatus.CONVERGED, "", energy, 0.05, 0.2, 7, 0.5)


def same(first: Structure, second: Structure) -> bool:
    return bool(
        (first.lattice.matrix == second.lattice.matrix).all()
        and (first.frac_coords == second.frac_coords).all()
        and first.species == second.species
    )


def test_candidates_come_back_exactly(tmp_path: Path) -> None:
    given = [candidate(4.1), Candidate(structure(), "file", None, None, {"file": "x.cif"})]
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.load_candidates() is None
    checkpoint.save_candidates(given)
    checkpoint.add_generated(0, given[:1])
    checkpoint.add_generated(1, given[1:])
    for found in (checkpoint.load_candidates(), [*chain(*checkpoint.load_generated().values())]):
        assert found is not None
        for before, after in zip(given, found, strict=True):
            assert same(before.structure, after.structure)
            assert (after.generator, after.log_probability, after.hypothesis, after.provenance) == (
                before.generator,
                before.log_probability,
                before.hypothesis,
                before.provenance,
            )


def test_relaxations_come_back_by_stage_and_candidate(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.load_relaxations() == {}
    checkpoint.add_relaxation("loose", 3, relaxation())
    checkpoint.add_relaxation("tight", 3, relaxation(None))
    found = checkpoint.load_relaxations()
    assert found.keys() == {("loose", 3), ("tight", 3)}
    assert found["loose", 3].energy_per_atom == -3.1
    assert found["loose", 3].converged
    assert found["tight", 3].energy_per_atom is None
    assert same(found["tight", 3].structure, structure())


@pytest.mark.parametrize("kept", [0, 1, 40, -2])
def test_torn_line_is_dropped_and_what_follows_is_kept(tmp_path: Path, kept: int) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.add_relaxation("loose", 0, relaxation())
    checkpoint.add_relaxation("loose", 1, relaxation())
    path = tmp_path / "checkpoint" / "relaxations.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    assert checkpoint.load_relaxations().keys() == {("loose", 0)}
    checkpoint.add_relaxation("loose", 2, relaxation())
    assert checkpoint.load_relaxations().keys() == {("loose", 0), ("loose", 2)}


def test_bytes_that_are_no_text_do_not_stop_the_reading(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.add_relaxation("loose", 0, relaxation())
    path = tmp_path / "checkpoint" / "relaxations.jsonl"
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n[1]\n{}\n")
    assert checkpoint.load_relaxations().keys() == {("loose", 0)}


def test_provenance_of_version_0_1_is_read_under_its_current_keys(tmp_path: Path) -> None:
    old = candidate()
    old.provenance.clear()
    old.provenance.update({"geometry": -1.5, "way": "known coordinates", "trial": 7, "evaluation": 2})
    Checkpoint(tmp_path).save_candidates([old])
    (found,) = Checkpoint(tmp_path).load_candidates() or ()
    assert found.provenance == {"geometry": -1.5, "method": "prototype", "proposal": 7, "energy_call": 2}


def test_request_is_remembered(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.load_request() is None
    checkpoint.save_request("NaCl", {"seed": 3})
    assert checkpoint.load_request() == {"formula": "NaCl", "settings": {"seed": 3}}
    for damaged in ("{", "[]", '{"formula": "NaCl"}'):
        (tmp_path / "checkpoint" / "request.json").write_text(damaged)
        with pytest.raises(InputError, match=r"request\.json is damaged"):
            checkpoint.load_request()


def test_place_that_cannot_be_written_is_named_and_no_crumbs_stay(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_text("in the way")
    with pytest.raises(AlphaCrystalError, match=r"Cannot write .*request\.json"):
        Checkpoint(tmp_path).save_request("NaCl", {})
    with pytest.raises(AlphaCrystalError, match=r"Cannot write .*relaxations\.jsonl"):
        Checkpoint(tmp_path).add_relaxation("loose", 0, relaxation())
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_refusal_to_append_to_a_pipe_gives_a_plain_reason(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    os.mkfifo(tmp_path / "checkpoint" / "generated.jsonl")
    with pytest.raises(AlphaCrystalError, match=r"generated\.jsonl: it is no regular file; check the folder"):
        Checkpoint(tmp_path).add_generated(0, [])


@pytest.mark.parametrize("index", ["1e999", "-1", "1.5", '"1"', "true", "null", "[1]", "NaN"])
def test_lines_with_a_wrong_index_count_as_not_finished(tmp_path: Path, index: str) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.add_displaced(0, [])  # creates the folder
    line = f'{{"index": {index}, "displaced": [], "phonons": {{}}}}\n'
    for name in ("modes.jsonl", "phonons.jsonl"):
        (checkpoint.folder / name).write_text(line)
    assert checkpoint.load_displaced() == {}
    assert checkpoint.load_phonons() == {}

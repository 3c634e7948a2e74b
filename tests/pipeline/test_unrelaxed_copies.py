"""Likely candidates that the potential carries elsewhere stay in the list as they were predicted."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal import PredictConfig, predict
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.unrelaxed_copies import KEPT, LIKELIEST, keep_as_predicted
from alphacrystal.relax import Relaxation, RelaxationStatus


def relaxed_to(structure: Structure, status: RelaxationStatus = RelaxationStatus.CONVERGED) -> Relaxation:
    return Relaxation(structure, status, "", -3.0, 0.01, 0.1, 5, 0.1)


def run_of(pairs: list[tuple[Structure, Relaxation, float | None]]) -> Any:
    """As much of a run as is looked at: candidates with their log-probability, and their relaxations."""
    candidates = [
        Candidate(start, "distance_matrix", chance, None, {"seed": 0}) for start, _, chance in pairs
    ]
    return SimpleNamespace(candidates=candidates, relaxations={i: own[1] for i, own in enumerate(pairs)})


@pytest.fixture
def halite(textbook: Callable[[str], Structure]) -> Structure:
    return textbook("halite").get_primitive_structure()


@pytest.fixture
def other() -> Structure:
    """Sodium chloride as caesium chloride."""
    return Structure(Lattice.cubic(3.5), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_only_what_becomes_another_crystal_is_kept(halite: Structure, other: Structure) -> None:
    swollen = halite.copy()
    swollen.scale_lattice(halite.volume * 1.1)  # still halite
    run = run_of([(halite, relaxed_to(swollen), -1.0), (other, relaxed_to(halite), -2.0)])
    kept = keep_as_predicted(run, {0: halite, 1: other})
    assert kept == {2: other}
    assert run.candidates[2].structure == other
    assert run.candidates[2].log_probability == -2.0
    assert run.candidates[2].provenance == {"seed": 0, "kept_as_predicted": True, "candidate": 1}
    assert len(run.candidates) == 3


def test_a_broken_relaxation_stays_broken(halite: Structure, other: Structure) -> None:
    run = run_of([(halite, relaxed_to(other, RelaxationStatus.EXPLODED), -1.0)])
    assert keep_as_predicted(run, {0: halite}) == {}


def test_only_the_likeliest_and_scored_are_looked_at(halite: Structure, other: Structure) -> None:
    pairs: list[tuple[Structure, Relaxation, float | None]] = [
        (other, relaxed_to(halite), -float(place)) for place in range(LIKELIEST + 2)
    ]
    pairs[0] = (other, relaxed_to(halite), None)
    run = run_of(pairs)
    kept = keep_as_predicted(run, dict.fromkeys(range(len(pairs)), other))
    assert [run.candidates[i].provenance["candidate"] for i in kept] == list(range(1, LIKELIEST + 1))


def test_crystals_made_to_be_relaxed_are_not_kept(halite: Structure, other: Structure) -> None:
    run = run_of([(other, relaxed_to(halite), -1.0)])
    run.candidates[0] = replace(run.candidates[0], generator="contact_map")
    assert keep_as_predicted(run, {0: other}) == {}


def test_kept_structures_stand_unconverged_in_the_list(tmp_path: Any) -> None:
    # of these candidates some are no minimum of CHGNet
    run = predict("KBrF4", PredictConfig(candidates=12, top=30, workers=1), folder=tmp_path / "run")
    kept = [row for row in run.ranked if row.relaxation is not None and row.relaxation.reason == KEPT]
    marked = [c for c in run.candidates if c.provenance.get("kept_as_predicted")]
    assert 0 < len(marked) <= LIKELIEST
    assert kept
    for row in kept:
        candidate = run.candidates[row.candidate_index]
        assert candidate.provenance["kept_as_predicted"]
        assert row.relaxation is not None
        assert not row.relaxation.converged
        assert row.relaxation.energy_per_atom is not None
        assert row.relaxation.structure.volume == pytest.approx(candidate.structure.volume, rel=1e-3)
    again = predict(
        "KBrF4", PredictConfig(candidates=12, top=30, workers=1), folder=tmp_path / "run", resume=True
    )
    assert [row.candidate_index for row in again.ranked] == [row.candidate_index for row in run.ranked]

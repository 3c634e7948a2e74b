"""Likely candidates that relax into another structure have an unrelaxed copy in the list."""

from collections.abc import Callable
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal import PredictConfig, predict
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.unrelaxed_copies import CONSIDERED, UNRELAXED_COPY, unrelaxed_copies
from alphacrystal.relaxation import Relaxation, RelaxationStatus


def relaxed_to(structure: Structure, status: RelaxationStatus = RelaxationStatus.CONVERGED) -> Relaxation:
    return Relaxation(structure, status, "", -3.0, 0.01, 0.1, 5, 0.1)


Pairs = list[tuple[Structure, Relaxation, float | None]]


def copies_of(
    pairs: Pairs, starts: dict[int, Structure], generator: str = "distance_matrix"
) -> list[Candidate]:
    """Copies for candidates with a relaxation and a log-probability each."""
    candidates = [Candidate(start, generator, chance, None, {"seed": 0}) for start, _, chance in pairs]
    return unrelaxed_copies(candidates, {i: pair[1] for i, pair in enumerate(pairs)}, starts)


@pytest.fixture
def halite(textbook: Callable[[str], Structure]) -> Structure:
    return textbook("halite").get_primitive_structure()


@pytest.fixture
def other() -> Structure:
    """Sodium chloride as caesium chloride."""
    return Structure(Lattice.cubic(3.5), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_a_candidate_that_relaxes_into_another_structure_is_copied(
    halite: Structure, other: Structure
) -> None:
    swollen = halite.copy()
    swollen.scale_lattice(halite.volume * 1.1)  # still halite
    pairs: Pairs = [(halite, relaxed_to(swollen), -1.0), (other, relaxed_to(halite), -2.0)]
    (copy,) = copies_of(pairs, {0: halite, 1: other})
    assert copy.structure == other
    assert copy.log_probability == -2.0
    assert copy.provenance == {"seed": 0, "unrelaxed_copy": True, "candidate": 1}


def test_a_failed_relaxation_has_no_copy(halite: Structure, other: Structure) -> None:
    assert copies_of([(halite, relaxed_to(other, RelaxationStatus.EXPLODED), -1.0)], {0: halite}) == []


def test_only_the_most_probable_candidates_with_a_score_are_copied(
    halite: Structure, other: Structure
) -> None:
    pairs: Pairs = [(other, relaxed_to(halite), -float(place)) for place in range(CONSIDERED + 2)]
    pairs[0] = (other, relaxed_to(halite), None)
    copies = copies_of(pairs, dict.fromkeys(range(len(pairs)), other))
    assert [copy.provenance["candidate"] for copy in copies] == list(range(1, CONSIDERED + 1))


def test_rough_candidates_are_not_copied(halite: Structure, other: Structure) -> None:
    assert copies_of([(other, relaxed_to(halite), -1.0)], {0: other}, "contact_map") == []


def test_copies_are_listed_as_unconverged(tmp_path: Any) -> None:
    # of these candidates some are no minimum of CHGNet
    run = predict("KBrF4", PredictConfig(candidates=12, top=30, workers=1), folder=tmp_path / "run")
    kept = [
        row for row in run.ranked if row.relaxation is not None and row.relaxation.reason == UNRELAXED_COPY
    ]
    marked = [c for c in run.candidates if c.provenance.get("unrelaxed_copy")]
    assert 0 < len(marked) <= CONSIDERED
    assert kept
    for row in kept:
        candidate = run.candidates[row.candidate_index]
        assert candidate.provenance["unrelaxed_copy"]
        assert row.relaxation is not None
        assert not row.relaxation.converged
        assert row.relaxation.energy_per_atom is not None
        assert row.relaxation.structure.volume == pytest.approx(candidate.structure.volume, rel=1e-3)
    again = predict(
        "KBrF4", PredictConfig(candidates=12, top=30, workers=1), folder=tmp_path / "run", resume=True
    )
    assert [row.candidate_index for row in again.ranked] == [row.candidate_index for row in run.ranked]

"""Match rates over ranked candidates, and METRe over polymorphs."""

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError
from alphacrystal.evaluation import match_pair, match_summary, polymorph_summary


def test_rates_count_the_first_hit_within_each_depth(textbook) -> None:
    rutile, anatase, halite = textbook("rutile"), textbook("anatase"), textbook("halite")
    summary = match_summary([[anatase, rutile], [halite]], [rutile, halite], depths=(1, 5))
    assert [target.match_rank for target in summary.targets] == [2, 1]
    assert (summary.match_rate(1), summary.match_rate(5)) == (0.5, 1.0)
    assert (summary.space_group_rate(1, 0.1), summary.space_group_rate(5, 0.1)) == (0.5, 1.0)
    assert summary.targets[0].space_group == {0.01: 136, 0.1: 136}
    assert summary.rmse(5) == pytest.approx(0, abs=1e-6)


def test_space_group_and_match_are_counted_apart(textbook) -> None:
    """A displacement of 0.05 Å is a match, but no rutile at 0.01 Å."""
    rutile = textbook("rutile")
    moved = rutile.copy()
    moved.translate_sites([0], [0.013, 0.007, 0.003], frac_coords=True)
    summary = match_summary([[moved]], [rutile], depths=(1,))
    assert summary.match_rate(1) == 1
    assert summary.space_group_rate(1, 0.01) == 0
    assert summary.both_rate(1, 0.01) == 0


def test_candidates_may_be_missing_or_of_another_composition(textbook) -> None:
    rutile, halite = textbook("rutile"), textbook("halite")
    summary = match_summary([[], [halite]], [rutile, rutile], depths=(1,))
    assert summary.match_rate(1) == 0
    assert summary.rmse(1) is None
    assert summary.targets[1].matches[0].reason == "their reduced formulas differ"


def test_presets_are_as_strict_as_their_publications(textbook) -> None:
    """c/a = 1.42 at the volume of the cube: c is 26 % too long, which only DiffCSP's preset allows."""
    cube = textbook("caesium chloride")
    stretched = Structure(Lattice.tetragonal(4.0, 5.68), cube.species, cube.frac_coords)
    assert match_pair(stretched, cube, "diffcsp").matched
    assert not match_pair(stretched, cube, "cspbench").matched


def test_a_pair_beyond_its_time_is_undecided_and_the_others_go_on(textbook) -> None:
    rutile = textbook("rutile")
    hard = rutile * (5, 5, 5)  # minutes; the other pair takes milliseconds
    hard.perturb(0.3)
    summary = match_summary([[hard], [rutile]], [hard.copy().perturb(0.3), rutile], time_limit_s=3.0)
    first, second = summary.targets
    assert first.matches[0].matched is None
    assert first.matches[0].reason == "it took more than 3 s of processor time"
    assert second.match_rank == 1
    assert summary.undecided(1) == 1


def test_unknown_preset_is_refused(textbook) -> None:
    with pytest.raises(InputError, match="cspbench, diffcsp"):
        match_summary([[]], [textbook("halite")], "strict")


def test_metre_requires_every_polymorph(textbook) -> None:
    rutile, anatase = textbook("rutile"), textbook("anatase")
    both = polymorph_summary([rutile, anatase], [rutile, anatase])
    assert (both.metre, both.crmse) == (1.0, pytest.approx(0, abs=1e-6))
    twice = polymorph_summary([rutile, rutile, anatase], [rutile, anatase])
    assert twice.metre == 0.5  # two references of TiO2 pay for two candidates
    assert twice.crmse == pytest.approx(0.25, abs=1e-6)  # (0 + stol) / 2
    assert polymorph_summary([rutile, rutile, anatase], [rutile, anatase], per_reference=None).metre == 1

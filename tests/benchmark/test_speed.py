"""The speed benchmark: its crystals, its judgement of symmetry, its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError
from alphacrystal_bench.harness.facts import measured
from alphacrystal_bench.speed.evaluation import process_speed
from alphacrystal_bench.speed.page import render
from alphacrystal_bench.speed.run import SpeedSettings, benchmark_speed
from alphacrystal_bench.speed.structures import random_crystals
from alphacrystal_bench.speed.symmetry import compare_symmetry, symmetric_perturbation


def rutile(a: float = 4.6, c: float = 2.96, u: float = 0.305) -> Structure:
    return Structure.from_spacegroup(136, Lattice.tetragonal(a, c), ["Ti", "O"], [[0, 0, 0], [u, u, 0]])


def test_random_crystals_are_repeatable_and_keep_their_distances() -> None:
    crystals = random_crystals(4, np.random.default_rng(5))
    assert crystals == random_crystals(4, np.random.default_rng(5))
    for crystal in crystals:
        assert crystal.composition.formula == "Ti4 O8"
        assert 10.0 <= crystal.volume / 12 <= 14.0
        assert crystal.distance_matrix[np.triu_indices(12, 1)].min() > 1.6


def test_symmetry_is_kept_by_a_symmetric_move_and_lost_by_another() -> None:
    assert compare_symmetry(rutile(), rutile(4.7, 3.0, 0.31), 136).operations_kept
    assert compare_symmetry(rutile(), rutile(), 136).hypothesis_found
    assert not compare_symmetry(rutile(), rutile(), 225).hypothesis_found
    moved = rutile()
    moved.translate_sites([0], [0.05, 0.0, 0.0])
    assert not compare_symmetry(rutile(), moved, 136).operations_kept
    sheared = Structure(Lattice.orthorhombic(4.6, 4.7, 2.96), rutile().species, rutile().frac_coords)
    assert not compare_symmetry(rutile(), sheared, 136).operations_kept


def test_a_symmetric_perturbation_keeps_the_space_group_and_counts_free_parameters() -> None:
    perturbed, parameters = symmetric_perturbation(rutile(), 0.04, 0.15, np.random.default_rng(0))
    assert parameters == 3  # a, c and the coordinate of oxygen
    assert perturbed.get_space_group_info(symprec=0.001)[1] == 136
    assert not np.allclose(perturbed.lattice.abc, rutile().lattice.abc, rtol=1e-4)
    assert compare_symmetry(rutile(), perturbed, 136).operations_kept


def test_parts_on_real_compounds_need_records(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The part candidates needs records"):
        benchmark_speed(SpeedSettings(parts=("candidates",)), tmp_path)


@pytest.mark.slow
def test_short_run_compares_resumes_and_has_a_page(tmp_path: Path) -> None:
    settings = SpeedSettings(parts=("random", "evaluation"), limit=1)
    result = measured(0, lambda: benchmark_speed(settings, tmp_path))
    assert result["random"]["n"] == 1
    assert result["random"]["fire"]["cpu_s"] > 0
    assert result["evaluation"]["16"]["ratio"] > 0
    page = render(result)
    assert "| ours, FIRE |" in page
    assert f"| 3 | {result['evaluation']['16']['ratio']} |" in page
    again = benchmark_speed(SpeedSettings(parts=("random",), limit=1), tmp_path)
    assert again["random"] == result["random"]
    with pytest.raises(InputError, match="other settings"):
        benchmark_speed(SpeedSettings(parts=("random",), limit=1, seed=3), tmp_path)


@pytest.mark.slow
def test_processes_and_threads_are_timed_on_the_same_work() -> None:
    steps: list[int] = []
    found = process_speed([rutile()], lambda stage, done, total: steps.append(done), steps=1, rounds=1)
    assert (found["n"], found["steps"], steps) == (1, 1, [0, 1])
    assert list(found["wall_s"]) == [
        "one_process_one_thread",
        "one_process_two_threads",
        "two_processes_one_thread_each",
    ]
    assert min(found["wall_s"].values()) > 0

"""The reconstruction benchmark on a small record file: its object, its parts, its page; it goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.data import StructureRecord
from alphacrystal_bench.reconstruction.baselines import (
    contact_evolution,
    matrix_evolution,
    random_crystals,
    rival_note,
)
from alphacrystal_bench.reconstruction.page import reconstruction_page, write_reconstruction_page
from alphacrystal_bench.reconstruction.run import benchmark_reconstruction
from alphacrystal_bench.reconstruction.tasks import puzzles, spoiled

NAMES = ["rutile", "halite", "quartz", "wurtzite"]


@pytest.fixture(scope="module")
def known(textbook: Callable[[str], Structure]) -> list[StructureRecord]:
    return [StructureRecord.from_structure(textbook(name), name) for name in NAMES]


@pytest.fixture
def file(known: list[StructureRecord], tmp_path: Path) -> Path:
    path = tmp_path / "known.jsonl"
    path.write_text("".join(record.model_dump_json() + "\n" for record in known))
    return path


def test_all_structures_of_a_file_are_rebuilt_and_timed(file: Path) -> None:
    result = benchmark_reconstruction(file)
    assert (result["n"], result["match_rate"], result["missed"]) == (4, 1.0, [])
    assert 0 < result["median_s"] <= result["p95_s"]
    assert sum(own["n"] for own in result["systems"].values()) == 4
    assert {"commit", "seed", "time", "machine"} <= result.keys()


def test_limit_draws_the_same_structures_again(file: Path) -> None:
    first, again = (benchmark_reconstruction(file, limit=2, seed=1) for _ in range(2))
    assert first["n"] == 2
    assert first["systems"].keys() == again["systems"].keys()


def test_finished_structures_are_not_searched_again(file: Path, tmp_path: Path) -> None:
    benchmark_reconstruction(file, limit=2, out=tmp_path)
    rows = tmp_path / "rows.jsonl"
    before = [json.loads(line) for line in rows.read_text().splitlines()]
    result = benchmark_reconstruction(file, out=tmp_path)
    after = [json.loads(line) for line in rows.read_text().splitlines()]
    assert (len(before), len(after), result["n"]) == (2, 4, 4)
    assert after[:2] == before


def test_noise_weights_and_rivals_stand_on_the_page(file: Path, tmp_path: Path) -> None:
    result = benchmark_reconstruction(file, limit=1, extras=("noise", "weights", "rivals"))
    assert result["rivals"]["ours"]["n"] == 1
    page = tmp_path / "docs" / "page.md"
    write_reconstruction_page(result, page)
    text = page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["n"] == 1
    for words in ("## Exact matrices", "each entry its own noise", "d^-2", "contact map, NumPy evolution"):
        assert words in text
    assert "$" not in text
    assert text == reconstruction_page(result)


def test_noise_leaves_the_diagonal_and_obeys_the_crystal_system(known: list[StructureRecord]) -> None:
    for puzzle in puzzles(known):
        other = spoiled(puzzle, 0.3, 0.03, 5, halves_alike=True)
        assert np.all(np.diag(other.distances) == 0)
        assert np.array_equal(other.distances, other.distances.T)
        if puzzle.system != "orthorhombic":
            assert other.lattice.a == pytest.approx(other.lattice.b)
        assert abs(other.lattice.a / puzzle.lattice.a - 1) == pytest.approx(0.03)


@pytest.mark.parametrize("rival", [random_crystals, contact_evolution, matrix_evolution])
def test_rivals_solve_what_has_no_free_coordinates(known: list[StructureRecord], rival: Callable) -> None:
    halite = puzzles(known[1:2])[0]
    found = rival(halite, 0)
    assert found is not None
    assert halite.solved_by(*found)


def test_a_rival_that_is_not_installed_is_named_with_its_remedy() -> None:
    note = rival_note("random crystals (pyxtal)")
    assert note is None or "pip install 'alphacrystal[pyxtal]'" in note

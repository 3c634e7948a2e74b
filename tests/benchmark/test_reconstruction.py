"""The reconstruction benchmark on a small record file: its object, its parts, its page; it goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from alphacrystal.data import StructureRecord
from alphacrystal_bench.harness.facts import measured
from alphacrystal_bench.harness.pages import write_page
from alphacrystal_bench.reconstruction import page as reconstruction_page
from alphacrystal_bench.reconstruction.baselines import (
    contact_evolution,
    matrix_evolution,
    missing_package,
    random_crystals,
)
from alphacrystal_bench.reconstruction.run import benchmark_reconstruction
from alphacrystal_bench.reconstruction.tasks import perturbed, tasks_of

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


def test_rows_with_tables_of_format_1_are_read(file: Path, tmp_path: Path) -> None:
    options = {"limit": 1, "extras": ("noise",), "out": tmp_path}
    result = benchmark_reconstruction(file, **options)
    rows = tmp_path / "rows.jsonl"
    text = rows.read_text()
    old = text.replace('"independent_noise"', '"noise, each entry its own noise"')
    rows.write_text(old.replace('"symmetric_noise"', '"noise, both halves the same noise"'))
    assert benchmark_reconstruction(file, **options) == result
    assert len(rows.read_text().splitlines()) == len(text.splitlines())


def test_noise_weights_and_baselines_are_on_the_page(file: Path, tmp_path: Path) -> None:
    extras = ("noise", "weights", "baselines")
    result = measured(0, lambda: benchmark_reconstruction(file, limit=1, extras=extras))
    assert result["baselines"]["ours"]["n"] == 1
    page = tmp_path / "docs" / "page.md"
    write_page(reconstruction_page, result, page, None)
    text = page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["n"] == 1
    for words in (
        "## Exact matrices",
        "independent noise of each entry",
        "d^-2",
        "contact map, NumPy evolution",
    ):
        assert words in text
    assert "$" not in text
    assert text.startswith(reconstruction_page.render(result).rstrip())


def test_noise_leaves_the_diagonal_and_obeys_the_crystal_system(known: list[StructureRecord]) -> None:
    assert known
    for task in tasks_of(known):
        other = perturbed(task, 0.3, 0.03, 5, symmetric=True)
        assert np.all(np.diag(other.distances) == 0)
        assert np.array_equal(other.distances, other.distances.T)
        if task.system != "orthorhombic":
            assert other.lattice.a == pytest.approx(other.lattice.b)
        assert abs(other.lattice.a / task.lattice.a - 1) == pytest.approx(0.03)


@pytest.mark.parametrize("baseline", [random_crystals, contact_evolution, matrix_evolution])
def test_baselines_solve_a_task_without_free_coordinates(
    known: list[StructureRecord], baseline: Callable
) -> None:
    halite = tasks_of(known[1:2])[0]
    crystal = baseline(halite, 0)
    assert crystal is not None
    assert halite.solved_by(*crystal)


def test_a_missing_package_is_named_with_its_extra() -> None:
    reason = missing_package("random_crystals_pyxtal")
    assert reason is None or "pip install 'alphacrystal-bench[pyxtal]'" in reason

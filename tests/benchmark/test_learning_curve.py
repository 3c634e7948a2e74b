"""Learning curves: parts within parts, points that are kept, a page that names the goals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alphacrystal.data import PreparedStructures
from alphacrystal_bench.harness.facts import measured
from alphacrystal_bench.harness.pages import write_page
from alphacrystal_bench.models import learning_curve_page
from alphacrystal_bench.models.learning_curve import CurveSettings, formula_part, learning_curves

SETTINGS = CurveSettings(curves=("lattice",), shares=(0.5, 1.0), widths=(0.25,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curves")


@pytest.fixture(scope="module")
def result(source: Path, folder: Path) -> dict[str, object]:
    return measured(0, lambda: learning_curves(SETTINGS, folder, source=source))


def test_each_point_is_trained_once() -> None:
    both = CurveSettings(curves=("symmetry", "lattice"), shares=(0.25, 1.0), widths=(0.5, 1.0))
    assert list(both.points()) == [
        ("symmetry", 0.25, 1.0),
        ("symmetry", 1.0, 1.0),
        ("symmetry", 1.0, 0.5),
        ("lattice", 0.25, 1.0),
        ("lattice", 1.0, 1.0),
        ("lattice", 1.0, 0.5),
    ]


def test_smaller_parts_lie_within_larger_ones(prepared: PreparedStructures) -> None:
    parts = [set(formula_part(prepared, share, 0).tolist()) for share in (0.2, 0.6, 1.0)]
    assert parts[0] < parts[1] < parts[2]
    assert parts[2] == set(np.flatnonzero(~prepared.validation).tolist())


def test_narrower_networks_are_smaller_and_all_points_have_errors(result: dict[str, object]) -> None:
    points = json.loads(json.dumps(result["points"]))
    assert [(point["share"], point["width"]) for point in points] == [(0.5, 1.0), (1.0, 1.0), (1.0, 0.25)]
    assert points[0]["structures"] < points[1]["structures"]
    assert points[2]["parameters"] < points[1]["parameters"]
    assert all(point["metrics"]["length_mean_error"] > 0 for point in points)


def test_a_second_run_trains_nothing(result: dict[str, object], folder: Path, source: Path) -> None:
    steps: list[str] = []
    again = learning_curves(
        SETTINGS,
        folder,
        source=source,
        on_progress=lambda stage, done, total: steps.append(stage),
    )
    assert not steps
    assert again["points"] == result["points"]


def test_page_names_goals_and_draws_the_figure(result: dict[str, object], tmp_path: Path) -> None:
    write_page(learning_curve_page, result, tmp_path / "curves.md", None)
    text = (tmp_path / "curves.md").read_text(encoding="utf-8")
    assert text.startswith(learning_curve_page.render(result).rstrip())
    assert "| goal |  |  | 3.5 | 1.8 | 4.5 | 2.5 |" in text
    assert str(result["commit"]) in text
    assert (tmp_path / "figures" / "learning-curves.png").stat().st_size > 1000
    assert json.loads((tmp_path / "curves.json").read_text(encoding="utf-8")) == result

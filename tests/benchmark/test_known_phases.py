"""No benchmark uses the table of known phases or decides on dispersion by itself."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parents[2] / "benchmarks" / "alphacrystal_bench" / "src"


def test_every_prediction_of_a_benchmark_is_made_without_the_table() -> None:
    settings = 0
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id not in ("make_config", "PredictConfig"):
                continue
            values = {keyword.arg: keyword.value for keyword in node.keywords}
            if None in values:  # **SETTINGS of the campaign benchmark
                assert '"known_phases": False' in path.read_text(encoding="utf-8"), path
                assert '"dispersion": "none"' in path.read_text(encoding="utf-8"), path
            else:
                value = values.get("known_phases")
                assert isinstance(value, ast.Constant), (path, node.lineno)
                assert value.value is False, (path, node.lineno)
                dispersion = values.get("dispersion")
                assert isinstance(dispersion, ast.Constant), (path, node.lineno)
                assert dispersion.value == "none", (path, node.lineno)
            settings += 1
    assert settings > 5


def test_predictions_without_the_table_do_not_open_it(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("the table of known phases was opened")

    monkeypatch.setattr("alphacrystal.ranking.phase_table", opened)
    quick = ("--candidates", "2", "--max-atoms", "2", "--workers", "1")
    folder = tmp_path / "run"
    assert run("predict", "NaCl", *quick, "--no-known-phases", "--out", folder).code == 0
    assert json.loads((folder / "run.json").read_text())["hull_reference"] is None
    assert run("predict", "NaCl", *quick, "--out", tmp_path / "with").code != 0

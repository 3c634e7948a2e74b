"""`alphacrystal doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest


def test_a_sound_installation_passes(run: Callable[..., Any]) -> None:
    done = run("doctor", "--json")
    assert done.code == 0
    answer = json.loads(done.out)
    checks = {check["name"]: check for check in answer["checks"]}
    assert answer["passed"]
    assert f"torch {version('torch')}" in checks["Packages"]["result"]
    assert "chgnet" in checks["Potentials"]["result"].split(", ")
    assert checks["Weights"]["passed"]
    assert "space group 225" in checks["Prediction of NaCl"]["result"]
    assert list(Path().iterdir()) == []  # it leaves no files


def test_damaged_weights_fail(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.setenv("ALPHACRYSTAL_MODELS", str(tmp_path / "weights"))
    done = run("doctor", "--no-self-test")
    assert done.code == 1
    assert "Weights" in done.out
    assert "FAILED" in done.out
    assert "Prediction" not in done.out

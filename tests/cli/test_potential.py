"""`alphacrystal potential`: list, add and remove."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EMT = """
from ase.calculators.emt import EMT


def make_potential():
    return EMT()
"""


def test_a_file_is_registered_used_and_removed(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHACRYSTAL_POTENTIALS", str(tmp_path / "registered"))
    source = tmp_path / "emt.py"
    source.write_text(EMT)
    added = run("potential", "add", source, "--json")
    assert json.loads(added.out)["name"] == "emt"
    listed = json.loads(run("potential", "list", "--json").out)["potentials"]
    assert {"name": "emt", "description": "registered file"} in listed
    assert {"name": "chgnet", "description": "CHGNet 0.3.0"} in listed
    flags = ("--candidates", "3", "--max-atoms", "4", "--workers", "1")
    done = run("predict", "CuAu", *flags, "--rerank", "emt", "--out", tmp_path / "run")
    assert done.code == 0
    assert "Second potential emt: lowest is row" in done.out
    assert run("potential", "remove", "emt").code == 0
    refused = run("predict", "CuAu", *flags, "--rerank", "emt", "--out", tmp_path / "other")
    assert refused.code == 2
    assert "no potential named 'emt'" in refused.err


def test_names_of_other_potentials_are_refused(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHACRYSTAL_POTENTIALS", str(tmp_path / "registered"))
    source = tmp_path / "emt.py"
    source.write_text(EMT)
    refused = run("potential", "add", source, "--name", "chgnet")
    assert (refused.code, refused.out) == (2, "")
    assert "chgnet is another potential already" in refused.err
    missing = run("potential", "add", tmp_path / "none.py")
    assert missing.code == 2
    assert "is not a Python file that can be registered" in missing.err

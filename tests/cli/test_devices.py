"""The option --device: it reaches the run, and a device that cannot be used is refused at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

EMT = """
from ase.calculators.emt import EMT


def make_potential():
    return EMT()
"""


@pytest.fixture
def salt(tmp_path: Path) -> Path:
    """A CIF of rock salt."""
    path = tmp_path / "salt.cif"
    Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to(path)
    return path


def test_device_is_in_the_record_of_the_run(run: Callable[..., Any], tmp_path: Path, salt: Path) -> None:
    assert run("rank", salt, "--device", "cpu", "--out", tmp_path / "run").code == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["configuration"]["device"] == "cpu"
    assert record["structures"] == 1


@pytest.mark.parametrize(
    "command",
    [
        ("predict", "NaCl"),
        ("predict", "NaCl", "MgO"),
        ("relax", "salt.cif"),
        ("rank", "salt.cif"),
        ("layers", "salt.cif"),
        ("explore", "Na-Cl"),
        ("campaign", "list.csv"),
        ("evaluate", "salt.cif", "salt.cif", "--metrics", "energy_distance"),
        ("data", "references", "salt.cif", "--out", "run"),
        ("data", "phases", "salt.cif", "--out", "run"),
        pytest.param(("mcp",), marks=pytest.mark.skipif(find_spec("mcp") is None, reason="needs mcp")),
        ("serve", "--port", "0"),
    ],
    ids=lambda words: "-".join(words[:3]),
)
def test_missing_device_is_one_sentence_before_anything_is_written(
    run: Callable[..., Any],
    tmp_path: Path,
    salt: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("formula\nNaCl\n")
    before = sorted(tmp_path.iterdir())
    for device, sentence in (
        ("cuda:999", "has no device cuda:999 here: choose --device auto or cpu"),
        ("gpu", "give auto, cpu, cuda, cuda:N or mps, not 'gpu'"),
    ):
        refused = run(*command, "--device", device)
        assert (refused.code, refused.out) == (2, "")
        assert sentence in refused.err
        assert len(refused.err.strip().splitlines()) == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before]
    assert left == []


def test_potential_that_takes_no_device_is_refused(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHACRYSTAL_POTENTIALS", str(tmp_path / "registered"))
    source = tmp_path / "emt.py"
    source.write_text(EMT)
    run("potential", "add", source)
    for option in ("--potential", "--rerank"):
        refused = run("predict", "CuAu", option, "emt", "--device", "cpu", "--out", tmp_path / "run")
        assert refused.code == 2
        assert "The potential emt chooses its device itself: leave out --device cpu" in refused.err
    assert not (tmp_path / "run").exists()

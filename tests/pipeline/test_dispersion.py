"""The decision on dispersion before the relaxation, and energies without dispersion."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import parse_formula
from alphacrystal.config import make_config
from alphacrystal.errors import PotentialError
from alphacrystal.generate import Candidate
from alphacrystal.pipeline.dispersion import (
    CONSIDERED,
    LOW_DIMENSIONAL_SHARE,
    MISSING_EXTRA,
    decide_dispersion,
    low_dimensional_share,
)
from alphacrystal.pipeline.preflight import Request, check_request
from alphacrystal.pipeline.store import RunStore
from alphacrystal.report import EventLog

THIRD = [1 / 3, 2 / 3]
LAYERS = Structure.from_spacegroup(
    194, Lattice.hexagonal(2.50, 6.66), ["B", "N"], [[*THIRD, 0.25], [*THIRD[::-1], 0.25]]
)
FRAMEWORK = Structure.from_spacegroup(216, Lattice.cubic(3.62), ["B", "N"], [[0] * 3, [0.25] * 3])


def candidate(structure: Structure, log_probability: float | None) -> Candidate:
    return Candidate(structure, "test", log_probability)


def decided(folder: Path, candidates: list[Candidate], **settings: Any) -> tuple[str, list[str]]:
    request = Request(parse_formula("BN"), (1, 2), make_config(**settings))
    folder.mkdir(exist_ok=True)
    with EventLog(folder / "events.jsonl") as events:
        request, notes = decide_dispersion(request, candidates, RunStore(folder, events))
    return request.config.dispersion, notes


@settings(max_examples=15)
@given(st.lists(st.tuples(st.booleans(), st.floats(-8, 0)), min_size=1, max_size=CONSIDERED))
def test_early_end_of_the_bonding_graphs_keeps_the_side_of_the_limit(rows: list[tuple[bool, float]]) -> None:
    weights = [math.exp(chance) for _, chance in rows]
    exact = sum(weight for (low, _), weight in zip(rows, weights, strict=True) if low) / sum(weights)
    if abs(exact - LOW_DIMENSIONAL_SHARE) < 1e-9:
        return
    candidates = [candidate(LAYERS if low else FRAMEWORK, chance) for low, chance in rows]
    assert low_dimensional_share(candidates, limit=None) == pytest.approx(exact, abs=1e-12)
    found = low_dimensional_share(candidates)
    assert (found >= LOW_DIMENSIONAL_SHARE) == (exact > LOW_DIMENSIONAL_SHARE)
    assert found <= exact + 1e-9


def test_candidates_without_probability_count_the_same() -> None:
    rows = [candidate(FRAMEWORK, None)] * 5 + [candidate(LAYERS, 0.0)]
    assert low_dimensional_share(rows) < LOW_DIMENSIONAL_SHARE
    assert low_dimensional_share([*rows, rows[-1]]) >= LOW_DIMENSIONAL_SHARE


def test_probable_layers_ask_for_dispersion(tmp_path: Path) -> None:
    pytest.importorskip("dftd3", reason="needs the extra dispersion")
    mixed = [candidate(FRAMEWORK, -0.5), candidate(LAYERS, -1.0)]
    chosen, notes = decided(tmp_path / "a", mixed)
    assert chosen == "d3"
    assert "D3(BJ)" in notes[0]
    assert "without dispersion" in notes[1]
    assert decided(tmp_path / "b", [candidate(FRAMEWORK, -0.5), candidate(LAYERS, -6.0)]) == ("none", [])
    assert decided(tmp_path / "c", mixed, dispersion="none") == ("none", [])
    assert decided(tmp_path / "d", mixed, relax=False) == ("none", [])
    assert decided(tmp_path / "e", mixed, potential="chgnet-r2scan") == ("none", [])  # not PBE


def test_a_missing_extra_gives_one_note_and_the_decision_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [candidate(LAYERS, -1.0)]
    with monkeypatch.context() as patch:
        patch.setattr("alphacrystal.relaxation._dispersion.find_spec", lambda _: None)
        assert decided(tmp_path, layers) == ("none", [MISSING_EXTRA])
    assert decided(tmp_path, layers) == ("none", [MISSING_EXTRA])  # a resumed run, after the installation


def test_a_run_of_an_earlier_version_goes_on_without_dispersion(tmp_path: Path) -> None:
    from alphacrystal.relaxation import Relaxation, RelaxationStatus

    with EventLog(tmp_path / "events.jsonl") as events:
        store = RunStore(tmp_path, events)
        assert not store.has_relaxations()
        end = Relaxation(LAYERS, RelaxationStatus.CONVERGED, "", -8.0, 0.0, 0.0, 3, 0.1)
        store.add_relaxation("loose", 0, end)
    assert decided(tmp_path, [candidate(LAYERS, -1.0)]) == ("none", [])


def test_chosen_dispersion_without_its_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphacrystal.runtime.registry.find_spec", lambda _: None)
    with pytest.raises(PotentialError, match=r"alphacrystal\[dispersion\]"):
        check_request(parse_formula("BN"), make_config(dispersion="d3"))


QUICK = ("--max-atoms", "4", "--candidates", "4", "--workers", "1")


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "summary.csv").read_text().splitlines()))


def test_a_layered_formula_has_dispersion_and_comparable_formation_energies(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    pytest.importorskip("dftd3", reason="needs the extra dispersion")
    folder = tmp_path / "run"
    outcome = run("predict", "BN", *QUICK, "--out", folder)
    assert outcome.code == 0, outcome.err
    assert "D3(BJ) dispersion" in outcome.out
    facts = json.loads((folder / "run.json").read_text())
    assert facts["potential"] == "chgnet+d3"
    assert facts["configuration"]["dispersion"] == "auto"
    first = rows_of(folder)[0]
    binding = float(first["plain_energy_per_atom_ev"]) - float(first["energy_per_atom_ev"])
    assert 0.02 < binding < 0.4  # D3 energies of BN, eV/atom
    assert -1.6 < float(first["formation_energy_per_atom_ev"]) < -1.0  # -1.3 in the Materials Project
    assert not {"layered", "molecular"} & {flag for row in rows_of(folder) for flag in row["flags"].split()}
    before = (folder / "summary.csv").read_bytes()
    (folder / "run.json").unlink()
    assert run("predict", "--resume", "--out", folder).code == 0
    assert (folder / "summary.csv").read_bytes() == before


def test_a_formula_without_layers_is_predicted_as_without_the_setting(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    tables = []
    for setting in ("auto", "none"):
        folder = tmp_path / setting
        assert run("predict", "NaCl", *QUICK, "--dispersion", setting, "--out", folder).code == 0
        assert json.loads((folder / "run.json").read_text())["potential"] == "chgnet"
        tables.append((folder / "summary.csv").read_bytes())
    assert tables[0] == tables[1]


def test_files_of_layers_are_relaxed_with_dispersion(run: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("dftd3", reason="needs the extra dispersion")
    LAYERS.to(tmp_path / "layers.cif")
    folder = tmp_path / "run"
    outcome = run("relax", tmp_path / "layers.cif", "--workers", "1", "--steps", "3", "--out", folder)
    assert outcome.code == 0, outcome.err
    assert json.loads((folder / "run.json").read_text())["potential"] == "chgnet+d3"
    assert rows_of(folder)[0]["plain_energy_per_atom_ev"]

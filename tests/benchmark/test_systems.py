"""The benchmark of chemical systems: its choice of systems, and what counts as found."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import parse_formula
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError
from alphacrystal.exploration import Exploration, Hull, Phase, enumerate_compositions, parse_system
from alphacrystal.relaxation import RelaxSettings, load_potential, relax
from alphacrystal.report import cif_text
from alphacrystal_bench.harness.facts import run_facts
from alphacrystal_bench.systems.choice import known_systems
from alphacrystal_bench.systems.comparison import compared, explored_phases, relaxed_experiment
from alphacrystal_bench.systems.run import benchmark_explore, render, summarised
from alphacrystal_bench.systems.scale import benchmark_explore_scale


def record(formula: str, **values: object) -> StructureRecord:
    counts = parse_formula(formula).counts
    species = [symbol for symbol, count in counts.items() for _ in range(count)]
    places = [[(i + 1) / (len(species) + 1)] * 3 for i in range(len(species))]
    made = StructureRecord.from_structure(
        Structure(Lattice.cubic(3.0 * len(species)), species, places), formula
    )
    return made.model_copy(update=values)


def test_systems_have_three_experimental_compounds_and_those_of_their_subsystems() -> None:
    records = [
        record(text, icsd=True)
        for text in ("NaCl", "NaCl2", "NaCl3", "KCl", "KCl2", "NaK2Cl", "NaKCl", "Na2KCl")
    ]
    records.append(record("KCl5", icsd=False))
    chosen = known_systems(records, seed=0)
    assert [system.name for system in chosen] == ["Cl-Na", "Cl-K-Na"]
    assert len(chosen[1].records) == 8
    assert [system.name for system in known_systems(records, seed=0)] == [system.name for system in chosen]


def test_a_phase_is_found_by_formula_and_structure(tmp_path: Path) -> None:
    salt = Structure.from_spacegroup(225, Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    known = StructureRecord.from_structure(salt.get_primitive_structure(), "halite")
    (system,) = known_systems(
        [known.model_copy(update={"icsd": True}), record("NaCl2", icsd=True), record("NaCl3", icsd=True)], 0
    )
    (end,) = relax([known.structure()], load_potential("chgnet"), RelaxSettings())
    assert end.energy_per_atom is not None
    run = tmp_path / "runs" / "quick" / "NaCl"
    run.mkdir(parents=True)
    run.joinpath("1.cif").write_text(cif_text(salt, 225))
    (tmp_path / "structures").mkdir()
    (tmp_path / "structures" / "NaCl_sg225_quick1.cif").write_text(cif_text(salt, 225))
    elements = parse_system("Na-Cl")
    hull = Hull(
        elements,
        (
            Phase({"Na": 1}, -1.3, "reference"),
            Phase({"Cl": 1}, -1.8, "reference"),
            Phase(
                {"Na": 1, "Cl": 1},
                end.energy_per_atom + 0.01,
                "predicted",
                space_group_number=225,
                folder="runs/quick/NaCl",
                file="1.cif",
            ),
        ),
    )
    result = Exploration(
        elements, {0.0: hull}, enumerate_compositions(elements, 6), 1, 1, "", {}, tmp_path, "chgnet"
    )
    row = {
        "id": system.name,
        "commit": "abc",
        "formulas": 1,
        "seconds": 1.0,
        "processor_seconds": 1.0,
        **compared(explored_phases(result), relaxed_experiment(system)),
    }
    halite = next(phase for phase in row["known"] if phase["formula"] == "NaCl")
    assert halite["above_hull"] == 0
    assert halite["matched_above_hull"] == 0
    assert abs(halite["hull_error"] - 0.01) < 1e-3
    summary = summarised([row], {"budget": {"2": 1, "3": 1}, "generators": ["random"], "seed": 0})
    assert 0 < summary["groups"]["binary"]["structure_within_30"] <= 1
    page = render({**run_facts(0), **summary})
    assert "**NaCl**" in page
    assert "NaCl2 (not predicted)" in page or "NaCl2" not in {phase["formula"] for phase in row["known"]}


def test_an_earlier_result_is_continued_with_the_same_settings_only(tmp_path: Path) -> None:
    records, earlier = tmp_path / "records.jsonl", tmp_path / "earlier.json"
    lines = [record(text, icsd=True).model_dump_json() for text in ("NaCl", "NaCl2", "NaCl3")]
    records.write_text("\n".join(lines) + "\n")
    (tmp_path / "run").mkdir()
    row = {"id": "Cl-Na", "commit": "abc", "known": [], "formulas": 7, "on_hull": [], "false": []}
    settings = {"budget": {"2": 7, "3": 7}, "generators": ["random"], "seed": 0}
    run = partial(
        benchmark_explore,
        records,
        tmp_path / "run",
        lambda *_: None,
        budgets={2: 7, 3: 7},
        limit=1,
        generators=("random",),
        workers=1,
        seed=0,
        earlier=earlier,
    )
    earlier.write_text(json.dumps({**settings, "rows": [row]}))
    assert run()["rows"] == [row]
    earlier.write_text(json.dumps({**settings, "seed": 1, "rows": [row]}))
    with pytest.raises(InputError, match="other settings"):
        run()
    earlier.write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        run()


def test_a_simulated_exploration_predicts_each_formula_once(tmp_path: Path) -> None:
    stages: list[int] = []
    result = benchmark_explore_scale(lambda stage, done, total: stages.append(done), formulas=[20])
    (row,) = result["runs"]
    assert row["formulas"] == 20
    assert row["phases"] >= 20 * 5
    assert row["seconds"] > 0
    assert stages[-1] == 20
    with pytest.raises(InputError, match="is too many"):
        benchmark_explore_scale(lambda *_: None, formulas=[10**6])

"""The comparison of explorations with CrySPY: its files, its hull, and the page."""

from __future__ import annotations

import configparser
import json
import shutil
import sys
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure
from typer.testing import CliRunner

from alphacrystal.data import StructureRecord
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.exploration import Phase, parse_system
from alphacrystal_bench.commands.app import app
from alphacrystal_bench.harness.facts import run_facts
from alphacrystal_bench.systems.choice import KnownSystem
from alphacrystal_bench.systems.comparison import Experiment, compared
from alphacrystal_bench.systems.cryspy import explored_structures, input_text, read_search
from alphacrystal_bench.systems.peer_page import render

RUN = Path(__file__).with_name("cryspy_run")  # the first structures of a run of CrySPY 1.5.0
SYSTEM = parse_system("Al-Hf")


def test_a_run_of_cryspy_is_read_in_the_order_of_its_relaxations() -> None:
    found = read_search(RUN, 4)
    assert found.relaxations == 4
    assert found.stopped == "relaxations"
    assert [item.number for item in found.structures] == [0, 1, 2, 3]
    assert [item.seconds for item in found.structures] == sorted(item.seconds for item in found.structures)
    assert found.processor_seconds == found.structures[-1].seconds
    assert all(item.generation == 1 and item.converged for item in found.structures)
    assert found.steps > 4
    assert read_search(RUN, 5).stopped == "processor time"


def test_the_time_of_a_relaxation_that_is_cut_off_counts(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    with (tmp_path / "run" / "times.jsonl").open("a") as stream:
        stream.write('{"structure": null, "processor_seconds": 900.0}\n')
    found = read_search(tmp_path / "run", 5)
    assert (found.relaxations, found.processor_seconds, found.stopped) == (4, 900.0, "processor time")


def test_an_unknown_line_of_its_results_is_refused(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    with (tmp_path / "run" / "data" / "cryspy_rslt").open("a") as stream:
        stream.write("3 another form\n")
    with pytest.raises(AlphaCrystalError, match="another form"):
        read_search(tmp_path / "run", 3)


def test_its_structures_are_found_as_known_phases() -> None:
    structures = read_search(RUN, 4).structures
    explored = explored_structures(SYSTEM, structures)
    assert len(explored.hull.phases) == 2 + len(explored.structures)
    assert not any("unknown" in explored.hull.phases[index].flags for index in explored.hull.stable)
    lowest = min(explored.structures, key=lambda index: explored.hull.above[index])
    phase = explored.hull.phases[lowest]
    record = StructureRecord.from_structure(explored.structures[lowest], "found")
    cubic = Structure.from_spacegroup(221, Lattice.cubic(4), ["Hf", "Al"], [[0, 0, 0], [0, 0.5, 0.5]])
    other = StructureRecord.from_structure(cubic, "missed")
    known = Phase({"Hf": 1, "Al": 3}, -5.6, "known")
    experiment = Experiment(
        KnownSystem("Al-Hf", (record, other)),
        (phase, known),
        {phase.formula: (phase.energy_per_atom_ev, 0), known.formula: (known.energy_per_atom_ev, 1)},
    )
    found, missed = sorted(compared(explored, experiment)["known"], key=lambda row: row["formula"] == "HfAl3")
    assert found["matched_above_hull"] == 0
    assert found["found_after"] == explored.seconds[lowest]
    assert missed["matched_above_hull"] is None
    assert missed["hull_error"] > 0


def test_the_input_contains_the_elements_and_their_energies() -> None:
    config = configparser.ConfigParser()
    config.read_string(input_text(SYSTEM, {"Hf": -9.9, "Al": -3.7}, seed=7))
    assert config["structure"]["atype"] == "Hf Al"
    assert config["EA"]["ref_energies"] == "-9.900000 -3.700000"
    assert config["option"]["seed"] == "7"
    operations = ("n_crsov", "n_perm", "n_strain", "n_rand", "n_add", "n_elim", "n_subs")
    assert sum(config.getint("EA", name) for name in operations) == config.getint("EA", "n_pop")


def test_the_page_states_recall_and_cost_of_both_programs() -> None:
    def part(relaxations: int, seconds: float, *found: float | None, **more: object) -> dict[str, object]:
        known = [
            {
                "formula": f"HfAl{place}",
                "atoms": 4,
                "hull_error": 0.01,
                "matched_above_hull": None if time is None else 0.02,
                "found_after": time,
            }
            for place, time in enumerate(found, start=1)
        ]
        cost = {"relaxations": relaxations, "steps": 10 * relaxations, "processor_seconds": seconds}
        return {"formulas": 5, **cost, "known": known, **more}

    row = {
        "id": "Al-Hf",
        "commit": "abc",
        "exploration": part(80, 40.0, 10.0, 20.0),
        "cryspy": part(40, 400.0, None, 150.0, generations=2, stopped="processor time", reachable=["HfAl1"]),
    }
    totals = {
        "exploration": {
            "known_phases": 2,
            "structure_within_50": 2,
            "relaxations": 80,
            "processor_seconds": 40.0,
        },
        "cryspy": {
            "known_phases": 2,
            "structure_within_50": 1,
            "relaxations": 40,
            "processor_seconds": 400.0,
            "reachable": 1,
        },
    }
    result = {**run_facts(0), "budget": 5, "peer_seconds": 400.0, "totals": totals, "rows": [row]}
    page = render(json.loads(json.dumps(result)))
    assert "| Al-Hf | AlphaCrystal | 2 of 2 | 5 | 80 | 10 | 10 | 40 | 0.50 |" in page
    assert (
        "| Al-Hf | CrySPY, generation 2 | 1 of 2 | 5 | 40 (processor time) | 10 | 10 | 400 | 10.00 |" in page
    )
    assert "10.0 times the processor time, and 20.0 times for each relaxation" in page
    assert "| Al-Hf | 1 | 10 | 150 | 15.0 |" in page
    assert "| Al-Hf | 2 | 20 | not in 400 | over 20.0 |" in page


def test_a_missing_cryspy_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, source: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "cryspy", None)  # as if it were not installed
    outcome = CliRunner().invoke(app, ["explore-peer", "--data", str(source), "--out", str(tmp_path / "out")])
    assert isinstance(outcome.exception, InputError)
    assert "pip install 'alphacrystal-bench[cryspy]'" in str(outcome.exception)

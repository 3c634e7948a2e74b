"""Series of pressures: one job gives a list for each, the plot and the transitions."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pymatgen.core import Lattice, Structure

from alphacrystal.ranking import PhaseEnthalpies, lowest_phases
from alphacrystal.report import PressurePhase, write_pressure_series

QUICK = {"formula": "NaCl", "candidates": 4, "top": 4, "max_atoms": 2}
PRESSURES = np.array([0.0, 30.0, 60.0])
Wait = Callable[..., dict[str, Any]]
Start = Callable[..., Any]


def phase(number: int, symbol: str, slope: float, start: float) -> PressurePhase:
    """A phase of NaCl whose enthalpy rises with the pressure; volume and enthalpy agree."""
    prototype = (225, 5.6) if number == 225 else (221, 3.4)
    second = [0.5, 0.5, 0.5]
    structure = Structure.from_spacegroup(
        prototype[0], Lattice.cubic(prototype[1]), ["Na", "Cl"], [[0, 0, 0], second]
    ).get_primitive_structure()
    volumes = slope * 160.22 - 0.02 * PRESSURES
    enthalpies = start + slope * PRESSURES - 0.01 * PRESSURES**2 / 160.22
    known = PhaseEnthalpies(PRESSURES, enthalpies, volumes)
    return PressurePhase("NaCl", number, symbol, (structure,) * 3, known)


@pytest.fixture
def series(runs: Path) -> Path:
    """A folder with lists at 0, 30 and 60 GPa and a transition, as the command line writes it."""
    folder = runs / "salt"
    for pressure in PRESSURES:
        target = folder / f"{pressure:g}GPa"
        shutil.copytree(runs / "earlier", target)
        facts = json.loads((target / "run.json").read_text()) | {"pressure_gpa": pressure}
        (target / "run.json").write_text(json.dumps(facts))
    phases = [phase(225, "Fm-3m", 0.14, -3.6), phase(221, "Pm-3m", 0.12, -3.0)]
    ranges = lowest_phases([item.enthalpies for item in phases], 0.0, 60.0)
    write_pressure_series(folder, "NaCl", PRESSURES.tolist(), phases, ranges)
    return folder


def test_series_has_its_lists_ranges_and_plot(client: TestClient, series: Path) -> None:
    found = client.get("/api/series/salt").json()
    assert (found["formula"], found["complete"], found["removable"]) == ("NaCl", True, False)
    assert [(item["pressure_gpa"], item["run"]) for item in found["lists"]] == [
        (0, "salt~0GPa"),
        (30, "salt~30GPa"),
        (60, "salt~60GPa"),
    ]
    assert [row["space_group_number"] for row in found["stable"]] == [225, 221]
    (transition,) = found["transitions"]
    assert 0 < transition["pressure_gpa"] < 60
    assert found["stable"][0]["end_gpa"] == transition["pressure_gpa"] == found["stable"][1]["begin_gpa"]
    assert len(found["enthalpies"]) == 6

    figure = client.get("/api/series/salt/figure")
    assert figure.headers["content-type"] == "image/svg+xml"
    assert figure.headers["content-security-policy"].startswith("sandbox;")
    assert b"<svg" in figure.content
    report = client.get("/api/series/salt/report")
    assert report.text == (series / "report.html").read_text()
    assert "allow-scripts" not in report.headers["content-security-policy"]
    for link in ("0GPa/report.html", "60GPa/report.html"):
        assert f'href="{link}"' in report.text
        page = client.get(f"/api/series/salt/{link}")
        assert page.text == (series / link).read_text()
        assert page.headers["content-security-policy"].startswith("sandbox allow-scripts")
    with zipfile.ZipFile(io.BytesIO(client.get("/api/series/salt/zip").content)) as archive:
        names = set(archive.namelist())
    expected = {"enthalpies.csv", "transitions.csv", "enthalpies.svg", "report.html", "30GPa/run.json"}
    assert {f"salt/{name}" for name in expected} <= names
    assert not any("checkpoint" in name for name in names)


def test_runs_of_a_series_name_it_and_their_pressure(client: TestClient, series: Path) -> None:
    runs = client.get("/api/runs").json()["runs"]
    assert {(run["id"], run["series"], run["pressure_gpa"]) for run in runs} == {
        ("earlier", "", 0),
        ("salt~0GPa", "salt", 0),
        ("salt~30GPa", "salt", 30),
        ("salt~60GPa", "salt", 60),
    }
    shown = client.get("/api/runs/salt~30GPa").json()
    assert (shown["series"], shown["pressure_gpa"]) == ("salt", 30)


def test_unfinished_and_damaged_series(client: TestClient, series: Path) -> None:
    (series / "transitions.csv").write_text("pressure_gpa,low_phase\n1,2,3\n")
    answer = client.get("/api/series/salt")
    assert answer.status_code == 422
    assert "The series salt is damaged" in answer.json()["detail"]
    (series / "transitions.csv").unlink()
    assert client.get("/api/series/salt").status_code == 404  # no sign of a series is left
    (series / "checkpoint").mkdir()
    (series / "checkpoint" / "series.json").write_text("{}")
    found = client.get("/api/series/salt").json()
    assert (found["complete"], len(found["lists"]), found["stable"]) == (False, 3, [])
    (series / "enthalpies.svg").unlink()
    (series / "enthalpies.svg").symlink_to(series / "report.html")
    assert client.get("/api/series/salt/figure").status_code == 404
    for name in ("earlier", "none", ".jobs", "..", "salt~0GPa", "a/b"):
        assert client.get(f"/api/series/{name}").status_code == 404, name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pressure": []}, "pressure"),
        ({"pressure": [1, 1]}, "Give at least two different pressures"),
        ({"pressure": [0, 2000]}, "pressure"),
        ({"pressure": [0, "high"]}, "pressure"),
        ({"pressure": "0,20"}, "pressure"),
        ({"pressure": list(range(21))}, "pressure"),
        ({"pressure": [0, 20], "relax": False}, "Without relaxation there are no enthalpies"),
    ],
)
def test_impossible_pressures_are_refused(client: TestClient, change: dict[str, Any], sentence: str) -> None:
    answer = client.post("/api/jobs", json=QUICK | change)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert client.get("/api/jobs").json() == []


@pytest.mark.slow
def test_killed_series_keeps_its_finished_lists(start_server: Start, runs: Path, wait_for: Wait) -> None:
    first = start_server()
    answer = first.client.post("/api/jobs", json=QUICK | {"pressure": [60, 0]})
    assert answer.status_code == 201, answer.text
    job_id = answer.json()["id"]
    done = runs / job_id / "0GPa" / "run.json"
    while not done.is_file():
        time.sleep(0.05)
    relaxations = done.parent / "checkpoint" / "relaxations.jsonl"
    finished = relaxations.read_bytes()
    pid = json.loads((runs / ".jobs" / f"{job_id}.json").read_text())["pid"]
    first.stop(signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)

    second = start_server()
    job = wait_for(second.client, job_id)
    assert (job["status"], job["reason"], job["has_result"]) == ("done", "", True)
    assert [stage["name"] for stage in job["stages"]] == ["0 GPa", "60 GPa", "phases"]
    assert all(stage["ended"] for stage in job["stages"])
    assert relaxations.read_bytes() == finished  # nothing was relaxed again
    found = second.client.get(f"/api/series/{job_id}").json()
    assert (found["complete"], found["removable"]) == (True, True)
    assert [item["pressure_gpa"] for item in found["lists"]] == [0, 60]
    assert [row["space_group_number"] for row in found["stable"]] == [225, 221]
    assert second.client.delete(f"/api/jobs/{job_id}").status_code == 204
    assert not (runs / job_id).exists()


@pytest.mark.slow
def test_second_potential_of_a_job(start_server: Start, wait_for: Wait) -> None:
    client = start_server().client
    enum = client.get("/").text.partition('id="rerank"')[2].partition("</select>")[0]
    assert 'value="chgnet-r2scan"' in enum
    assert "m3gnet:" not in enum
    job = client.post("/api/jobs", json=QUICK | {"rerank": "chgnet-r2scan"}).json()
    assert wait_for(client, job["id"])["status"] == "done"
    rows = client.get(f"/api/runs/{job['id']}").json()["structures"]
    assert {row["second_potential"] for row in rows} == {"chgnet-r2scan"}
    assert min(row["second_above_lowest_per_atom_ev"] for row in rows) == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("none", "There is no potential 'none' here: choose from"),
        ("m3gnet:/etc", "rerank"),
        ("../x", "rerank"),
        ("chgnet", "is the potential of the relaxation already"),
    ],
)
def test_impossible_second_potentials_are_refused(client: TestClient, name: str, sentence: str) -> None:
    answer = client.post("/api/jobs", json=QUICK | {"rerank": name})
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]

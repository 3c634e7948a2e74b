"""A job from its request to its files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pymatgen.core import Structure
from pymatgen.io.vasp.inputs import Poscar

from alphacrystal.report import read_run_folder

QUICK = {"formula": "NaCl", "relax": False, "candidates": 3, "top": 3}
#: Two hundred cells of twenty atoms: no machine is done with them before it is stopped.
LONG = {"formula": "Ca3Al2Si3O12", "relax": True, "candidates": 200, "cell": "Ca3Al2Si3O12"}
Wait = Callable[..., dict[str, Any]]


@pytest.mark.usefixtures("new_processes")
def test_job_becomes_an_ordinary_run_folder(client: TestClient, runs: Path, wait_for: Wait) -> None:
    answer = client.post("/api/jobs", json=QUICK | {"seed": 3})
    assert answer.status_code == 201
    started = answer.json()
    assert (started["status"], started["formula"], started["request"]["seed"]) == ("waiting", "NaCl", 3)
    job = wait_for(client, started["id"])
    assert (job["status"], job["reason"], job["has_result"]) == ("done", "", True)
    assert [(stage["name"], stage["ended"]) for stage in job["stages"]] == [("generate", True)]
    assert job["stages"][0]["done"] == job["stages"][0]["total"] > 0
    run = read_run_folder(runs / job["id"])
    assert run.complete
    assert run.seed == 3
    assert client.get("/api/runs").json()["runs"][0]["id"] == job["id"]
    shown = client.get(f"/api/runs/{job['id']}").json()
    assert [row["space_group_number"] for row in shown["structures"]] == [
        row.space_group_number for row in run.rows
    ]

    assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert not (runs / job["id"]).exists()
    assert client.get(f"/api/jobs/{job['id']}").status_code == 404


def test_cancelled_job_keeps_what_it_finished_and_can_go_on(
    client: TestClient, runs: Path, wait_for: Wait
) -> None:
    job_id = client.post("/api/jobs", json=LONG).json()["id"]
    second = client.post("/api/jobs", json=QUICK).json()
    assert (second["status"], second["ahead"]) in {("waiting", 0), ("waiting", 1)}
    wait_for(client, job_id, "running")
    assert client.delete(f"/api/jobs/{job_id}").status_code == 409
    assert client.post(f"/api/jobs/{second['id']}/cancel").json()["status"] == "cancelled"
    assert client.post(f"/api/jobs/{job_id}/cancel").json()["status"] == "ending"
    assert wait_for(client, job_id)["status"] == "cancelled"
    assert client.post(f"/api/jobs/{job_id}/cancel").status_code == 409
    again = client.post(f"/api/jobs/{job_id}/resume")
    assert (again.status_code, again.json()["status"]) == (200, "waiting")
    wait_for(client, job_id, "running")
    client.post(f"/api/jobs/{job_id}/cancel")
    wait_for(client, job_id)
    # the second waited behind the first and never began
    assert not (runs / second["id"]).exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"formula": "Xx2"}, "Xx"),
        ({"formula": "NaCl", "cell": "Na3Cl"}, "Na3Cl"),
        ({"candidates": 0}, "candidates"),
        ({"candidates": "many"}, "candidates"),
        ({"generators": ["template"]}, "generators"),
        ({"models": "/"}, "models"),
        ({"templates": "/etc"}, "templates"),
        ({"space_group": 231}, "space_group"),
        ({"potential": "m3gnet:folder"}, "potential"),
        ({"formula": "CaF2", "space_group": 227, "cell": "CaF2"}, "227"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(
    client: TestClient, runs: Path, change: dict[str, Any], sentence: str
) -> None:
    answer = client.post("/api/jobs", json=QUICK | change)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert client.get("/api/jobs").json() == []
    assert [path.name for path in runs.iterdir() if path.name != ".jobs"] == ["earlier"]


def test_zip_holds_the_run(client: TestClient, runs: Path) -> None:
    answer = client.get("/api/runs/earlier/zip")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="earlier.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        run = json.loads(archive.read("earlier/run.json"))
    files = {f"earlier/{path.relative_to(runs / 'earlier')}" for path in (runs / "earlier").rglob("*.*")}
    assert names == {name for name in files if "/checkpoint/" not in name}
    assert {"earlier/report.html", "earlier/summary.csv", "earlier/results.json"} <= names
    assert run["formula"] == "NaCl"


def test_structures_and_report_of_an_earlier_run(client: TestClient, runs: Path) -> None:
    rows = client.get("/api/runs/earlier").json()["structures"]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["energy_per_atom_ev"] is None
    cif = client.get("/api/runs/earlier/structures/1/cif")
    assert cif.text == next((runs / "earlier" / "structures").glob("001_*.cif")).read_text()
    assert client.get(f"/api/runs/earlier/structures/{len(rows) + 1}/cif").status_code == 404
    report = client.get("/api/runs/earlier/report")
    assert report.text == (runs / "earlier" / "report.html").read_text()
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts")


def test_a_structure_is_handed_out_as_poscar(
    client: TestClient, runs: Path, get_computed: Callable[..., Any]
) -> None:
    answer = get_computed(client, "/api/runs/earlier/structures/1/poscar")
    assert answer.headers["content-disposition"] == 'attachment; filename="001_NaCl_sg225.vasp"'
    results = json.loads((runs / "earlier" / "results.json").read_text())
    known = Structure.from_dict(results["structures"][0]["structure"])
    found = Poscar.from_str(answer.text).structure
    assert found.composition == known.composition  # the conventional cell: four formula units
    assert found.matches(known)
    assert client.get("/api/runs/earlier/structures/99/poscar").status_code == 404
    (runs / "earlier" / "structures" / "001_NaCl_sg225.cif").write_text("data_nothing")
    broken = get_computed(client, "/api/runs/earlier/structures/1/poscar")
    assert broken.status_code == 422
    assert broken.json()["detail"] == "The structure 001_NaCl_sg225.cif cannot be read."


def test_compared_runs_tell_which_structures_are_equal(
    client: TestClient, runs: Path, get_computed: Callable[..., Any]
) -> None:
    found = get_computed(client, "/api/compare", params={"left": "earlier", "right": "earlier"}).json()
    ranks = [row["rank"] for row in found["left"]["structures"]]
    assert len(ranks) == 3
    same = {(match["left"], match["right"]) for match in found["matches"]}
    assert {(rank, rank) for rank in ranks} <= same
    assert all(match["rms"] < 1e-3 for match in found["matches"] if match["left"] == match["right"])
    assert len(same) < len(ranks) ** 2
    missing = client.get("/api/compare", params={"left": "earlier", "right": "none"})
    assert missing.status_code == 404


def test_runs_of_several_formulas_are_listed_one_by_one(client: TestClient, runs: Path) -> None:
    (runs / "batch").mkdir()
    (runs / "earlier").rename(runs / "batch" / "NaCl")
    assert [run["id"] for run in client.get("/api/runs").json()["runs"]] == ["batch~NaCl"]
    assert client.get("/api/runs/batch~NaCl").json()["formula"] == "NaCl"


def test_list_of_runs_comes_in_parts(client: TestClient, runs: Path) -> None:
    for number in range(4):
        (runs / f"run{number}").mkdir()
        for name in ("run.json", "summary.csv"):
            (runs / f"run{number}" / name).write_bytes((runs / "earlier" / name).read_bytes())
    first = client.get("/api/runs", params={"count": 3}).json()
    rest = client.get("/api/runs", params={"count": 3, "first": 3}).json()
    assert (first["total"], len(first["runs"]), len(rest["runs"])) == (5, 3, 2)
    assert {run["id"] for run in first["runs"] + rest["runs"]} == {
        "earlier",
        *(f"run{n}" for n in range(4)),
    }


def test_damaged_run_is_listed_with_its_problem(client: TestClient, runs: Path) -> None:
    (runs / "earlier" / "summary.csv").write_text("rank\n1\n")
    (run,) = client.get("/api/runs").json()["runs"]
    assert "damaged" in run["problem"]
    answer = client.get("/api/runs/earlier")
    assert answer.status_code == 422
    assert str(runs) not in answer.text

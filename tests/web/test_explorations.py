"""Chemical systems: one job explores, its hull grows, and its files are read without leaving its folder."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

#: Ionic compounds in small cells: a few seconds of processor time for each formula.
QUICK = {"system": "Li-F", "budget": "2formulas", "candidates": 2, "max_atoms": 6}
Start = Callable[..., Any]
Open = Callable[..., TestClient]
Wait = Callable[..., dict[str, Any]]


def test_exploration_is_a_job_with_a_growing_hull(client: TestClient, runs: Path, wait_for: Wait) -> None:
    answer = client.post("/api/explorations", json=QUICK)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["task"], job["formula"], job["status"]) == ("exploration", "Li-F", "waiting")
    assert job["id"].startswith("Li-F-")
    assert job["exploration"] is None
    job = wait_for(client, job["id"])
    assert (job["status"], job["reason"], job["has_result"]) == ("done", "", True)
    (stage,) = job["stages"]
    assert (stage["name"], stage["done"], stage["total"]) == ("formulas", 2, 2)
    assert stage["per_minute"] > 0
    assert (job["exploration"]["formulas"], job["exploration"]["on_hull"]) == (2, ["LiF"])

    shown = client.get(f"/api/explorations/{job['id']}").json()
    assert (shown["system"], shown["pressures_gpa"], shown["removable"]) == ("Li-F", [0], True)
    assert shown["stopped"] == "the budget of 2 formulas is spent"
    best = next(phase for phase in shown["phases"] if phase["formula"] == "LiF")
    assert (best["space_group_number"], best["energy_above_hull_per_atom_ev"]) == (225, 0)
    name = best["file"].removeprefix("structures/")
    cif = client.get(f"/api/explorations/{job['id']}/structures/{name}")
    assert cif.text == (runs / job["id"] / best["file"]).read_text()
    assert client.get("/api/runs").json()["total"] == 1  # the runs of the formulas are parts of it
    assert [item["id"] for item in client.get("/api/explorations").json()["explorations"]] == [job["id"]]

    assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert not (runs / job["id"]).exists()
    assert client.get(f"/api/explorations/{job['id']}").status_code == 404


def test_files_of_an_exploration(client: TestClient, salt: Path) -> None:
    shown = client.get("/api/explorations/salt").json()
    assert (shown["pressure_gpa"], shown["has_page"], shown["removable"]) == (0, True, False)
    assert shown["figures"] == ["hull", "potentials", "pressures"]
    assert {phase["formula"] for phase in shown["phases"]} == {"Na", "Cl", "NaCl", "Na2Cl"}
    for pressure in (0, 20):
        options = {"params": {"pressure": pressure}}
        inner = salt / f"{pressure}GPa"
        page = client.get("/api/explorations/salt/hull", **options)
        assert page.text == (inner / "hull.html").read_text()
        assert page.headers["content-security-policy"].startswith("sandbox allow-scripts")
        table = client.get("/api/explorations/salt/table", **options)
        assert table.headers["content-disposition"] == 'attachment; filename="salt-hull.csv"'
        assert {row["formula"] for row in csv.DictReader(io.StringIO(table.text))} >= {"NaCl"}
        figure = client.get("/api/explorations/salt/figure", **options)
        assert figure.headers["content-type"] == "image/svg+xml"
        assert figure.headers["content-security-policy"].startswith("sandbox;")
    pressures = client.get("/api/explorations/salt/figure", params={"name": "pressures", "pressure": 20})
    assert pressures.text == (salt / "stable_pressures.svg").read_text()
    assert client.get("/api/explorations/salt", params={"pressure": 5}).status_code == 404
    assert client.get("/api/explorations/salt/figure", params={"name": "../x"}).status_code == 422
    with zipfile.ZipFile(io.BytesIO(client.get("/api/explorations/salt/zip").content)) as archive:
        assert {"salt/explore.json", "salt/0GPa/hull.html", "salt/20GPa/hull.csv"} <= set(archive.namelist())


@pytest.mark.parametrize(
    "name", ["earlier", "none", "..", ".jobs", "salt%2F0GPa", "salt~0GPa", "%2e%2e%2fsalt"]
)
def test_other_folders_are_no_explorations(client: TestClient, salt: Path, name: str) -> None:
    for rest in ("", "/hull", "/table", "/figure", "/zip", "/structures/x.cif"):
        if (name, rest) == ("salt%2F0GPa", "/hull"):
            continue  # the address of a hull at one of several pressures
        assert client.get(f"/api/explorations/{name}{rest}").status_code == 404, rest


def test_time_of_an_exploration_is_that_of_its_last_file(client: TestClient, salt: Path) -> None:
    """A page that sees a new time reads figures of the same round."""
    for name, second in (("explore.json", 40), ("20GPa/hull_summary.json", 30), ("stable_pressures.svg", 20)):
        os.utime(salt / name, (second, second))
    (line,) = client.get("/api/explorations").json()["explorations"]
    assert line["written"] == "1970-01-01T00:00:20Z"
    (salt / "stable_pressures.svg").unlink()
    (salt / "20GPa" / "hull.html").unlink()
    (line,) = client.get("/api/explorations").json()["explorations"]
    assert line["written"] == "1970-01-01T00:00:30Z"


def test_no_file_outside_of_the_results_is_sent(client: TestClient, salt: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.cif"
    secret.write_text("secret")
    (salt / "0GPa" / "structures" / "link.cif").symlink_to(secret)
    (salt / "0GPa" / "hull.html").unlink()
    (salt / "0GPa" / "hull.html").symlink_to(secret)
    (salt / "0GPa" / "hull.csv").unlink()
    os.mkfifo(salt / "0GPa" / "hull.csv")
    for rest in (
        "/structures/link.cif",
        "/structures/..%2F..%2Fexplore.json",
        "/structures/.hidden",
        "/hull",
        "/table",
    ):
        answer = client.get(f"/api/explorations/salt{rest}")
        assert answer.status_code == 404, rest
        assert "secret" not in answer.text
    assert client.get("/api/explorations/salt").json()["has_page"] is False
    (salt / "20GPa" / "structures").rename(tmp_path / "structures")
    (salt / "20GPa" / "structures").symlink_to(tmp_path / "structures")
    name = next((tmp_path / "structures").iterdir()).name
    answer = client.get(f"/api/explorations/salt/structures/{name}", params={"pressure": 20})
    assert answer.status_code == 404


def test_damaged_explorations_are_listed_with_a_sentence(
    client: TestClient, runs: Path, salt: Path, damage: Callable[[bytes], st.SearchStrategy[bytes]]
) -> None:
    files = {name: (salt / name).read_bytes() for name in ("explore.json", "0GPa/hull.json")}

    @seed(5)
    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), name=st.sampled_from(sorted(files)))
    def check(data: st.DataObject, name: str) -> None:
        (salt / name).write_bytes(data.draw(damage(files[name])))
        for address in ("", "/salt", "/salt/hull", "/salt/table", "/salt/zip"):
            answer = client.get(f"/api/explorations{address}")
            assert answer.status_code < 500, (address, answer.text)
            assert str(runs) not in answer.text or address not in {"", "/salt"}
        (salt / name).write_bytes(files[name])

    check()
    (salt / "explore.json").write_text("{}")
    (line,) = client.get("/api/explorations").json()["explorations"]
    assert line["problem"] == "The exploration salt is damaged: explore.json cannot be read; start a new one."
    for value in ([float("nan")], [float("inf")], [20.0, 0.0], [0.0, 0.0], []):
        log = json.loads(files["explore.json"]) | {"pressures": value, "rounds": []}
        (salt / "explore.json").write_text(json.dumps(log))
        (line,) = client.get("/api/explorations").json()["explorations"]
        assert "is damaged" in line["problem"], value
    newer = json.loads(files["explore.json"]) | {"format_version": 99}
    (salt / "explore.json").write_text(json.dumps(newer))
    (line,) = client.get("/api/explorations").json()["explorations"]
    assert line["problem"].startswith("The exploration salt was written by a newer AlphaCrystal")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"system": "Li"}, "two to four elements"),
        ({"system": "Li-Xx"}, "'Xx' is no element symbol"),
        ({"system": "Li-Li"}, "twice"),
        ({"system": "../x"}, "no element symbol"),
        ({"system": ""}, "system"),
        ({"budget": "much"}, "cannot be read"),
        ({"budget": "0formulas"}, "cannot be read"),
        ({"budget": "51formulas"}, "50 formulas at most here, not 51"),
        ({"budget": "21min"}, "20 minutes at most here, not 21"),
        ({"candidates": 201}, "200 structures of a formula at most here, not 201"),
        ({"max_atoms": 81}, "max_atoms"),
        ({"pressure": [0, 2000]}, "pressure"),
        ({"pressure": list(range(21))}, "pressure"),
        ({"potential": "m3gnet:/etc"}, "potential"),
        ({"dispersion": "auto"}, "dispersion"),
        ({"references": "/etc/passwd"}, "references"),
        ({"models": "/etc"}, "models"),
        ({"out": "/tmp"}, "out"),  # noqa: S108 - refused
        ({"formula": "LiF"}, "formula"),
    ],
)
def test_impossible_explorations_are_refused(
    open_server: Open, change: dict[str, Any], sentence: str
) -> None:
    client = open_server(formulas=50, seconds=1200)
    answer = client.post("/api/explorations", json=QUICK | change)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert client.get("/api/jobs").json() == []


def test_explorations_share_the_queue_of_predictions(open_server: Open, wait_for: Wait) -> None:
    client = open_server(waiting=1)
    running = client.post("/api/explorations", json=QUICK | {"budget": "40formulas"}).json()["id"]
    wait_for(client, running, "running")
    second = client.post("/api/jobs", json={"formula": "NaCl", "relax": False, "candidates": 2}).json()
    assert (second["task"], second["status"], second["ahead"]) == ("prediction", "waiting", 0)
    assert client.post("/api/explorations", json=QUICK).status_code == 429
    client.post(f"/api/jobs/{running}/cancel")
    assert wait_for(client, running)["status"] == "cancelled"
    assert client.post(f"/api/jobs/{second['id']}/cancel").status_code in {200, 409}


def finished_formulas(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/run.json")}


@pytest.mark.slow
def test_killed_exploration_is_resumed_by_the_next_server(
    start_server: Start, runs: Path, wait_for: Wait
) -> None:
    first = start_server("--workers", "1")
    request = QUICK | {"system": "Na-Cl", "budget": "3formulas"}
    job_id = first.client.post("/api/explorations", json=request).json()["id"]
    while not finished_formulas(runs / job_id):
        time.sleep(0.05)
    finished = finished_formulas(runs / job_id)
    pid = json.loads((runs / ".jobs" / f"{job_id}.json").read_text())["pid"]
    first.stop(signal.SIGKILL)
    os.killpg(pid, signal.SIGKILL)

    second = start_server()
    job = wait_for(second.client, job_id)
    assert (job["status"], job["reason"], job["exploration"]["formulas"]) == ("done", "", 3)
    again = finished_formulas(runs / job_id)
    assert {path: again[path] for path in finished} == finished  # nothing was computed twice


@pytest.mark.slow
def test_cancelled_exploration_keeps_its_hull_and_can_be_resumed(client: TestClient, wait_for: Wait) -> None:
    job_id = client.post("/api/explorations", json=QUICK | {"budget": "9formulas"}).json()["id"]
    deadline = time.monotonic() + 240
    while not any(stage["done"] for stage in client.get(f"/api/jobs/{job_id}").json()["stages"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    client.post(f"/api/jobs/{job_id}/cancel")
    job = wait_for(client, job_id)
    assert (job["status"], job["has_result"]) == ("cancelled", True)
    assert 1 <= job["exploration"]["formulas"] < 9
    assert client.post(f"/api/jobs/{job_id}/resume").json()["status"] == "waiting"
    job = wait_for(client, job_id)
    assert (job["status"], job["exploration"]["formulas"]) == ("done", 9)


@pytest.mark.usefixtures("new_processes")
def test_settings_reach_the_process_and_spent_time_is_no_budget_of_the_next_one(
    start_server: Start, runs: Path
) -> None:
    first = start_server()
    request = QUICK | {
        "system": "F, Li",
        "budget": "10 min",
        "pressure": [20, 0],
        "known_phases": False,
        "seed": 3,
    }
    job_id = first.client.post("/api/explorations", json=request).json()["id"]
    state = runs / ".jobs" / f"{job_id}.json"
    while json.loads(state.read_text())["pid"] is None:
        time.sleep(0.02)
    first.stop()
    content = json.loads(state.read_text())
    assert content["status"] == "waiting"
    state.write_text(json.dumps(content | {"spent": 400.0}))
    second = start_server()
    while (pid := json.loads(state.read_text())["pid"]) is None:
        time.sleep(0.02)
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    for option in (
        "explore",
        "--budget=200s",
        "--pressure=20.0,0.0",
        "--max-atoms=6",
        "--candidates=2",
        "--no-known-phases",
        "--seed=3",
        f"--out={runs / job_id}",
    ):
        assert option in arguments, option
    assert arguments[-3:] == ["--", "Li-F", ""]
    left = second.client.get(f"/api/jobs/{job_id}").json()["seconds_left"]
    assert 150 < left <= 200
    second.client.post(f"/api/jobs/{job_id}/cancel")

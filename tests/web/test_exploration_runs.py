"""Explorations on the page: the runs of their phases, large hulls, and larger budgets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

#: Ionic compounds in small cells: a few seconds of processor time for each formula.
QUICK = {"system": "Li-F", "budget": "2formulas", "candidates": 2, "max_atoms": 6}
Wait = Callable[..., dict[str, Any]]


def test_a_phase_leads_to_its_run(client: TestClient, salt: Path, finished_run: Path) -> None:
    shutil.copytree(finished_run, salt / "runs" / "quick" / "NaCl", dirs_exist_ok=True)
    shown = client.get("/api/explorations/salt").json()
    (phase,) = [row for row in shown["phases"] if row["formula"] == "NaCl"]
    run = "~".join(["salt", *phase["run"].split("/")])
    view = client.get(f"/api/runs/{run}").json()
    assert (view["formula"], view["has_report"]) == ("NaCl", True)
    assert client.get(f"/api/runs/{run}/structures/1/cif").status_code == 200
    # The links of hull.html, which the server sends as it is, are relative to its address.
    hull = client.get("/api/explorations/salt/20GPa/hull")
    assert hull.text == (salt / "20GPa" / "hull.html").read_text()
    assert 'href="../runs/quick/NaCl/"' in hull.text
    folder = client.get("/api/explorations/salt/runs/quick/NaCl/", follow_redirects=False)
    assert (folder.status_code, folder.headers["location"]) == (303, f"/#run={run}")
    report = client.get("/api/explorations/salt/runs/quick/NaCl/report.html")
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts")
    for address in ("runs/quick/KCl/", "runs/..%2F../NaCl/", "21GPa/hull", "structures/hull"):
        assert client.get(f"/api/explorations/salt/{address}").status_code == 404, address
    assert client.get("/api/runs/salt~structures~quick~NaCl").status_code == 404


def test_a_large_hull_is_listed_by_its_summary(client: TestClient, salt: Path) -> None:
    path = salt / "0GPa" / "hull.json"
    content = json.loads(path.read_text())
    content["phases"] *= 1 + 9_000_000 // len(json.dumps(content["phases"]))
    path.write_text(json.dumps(content))
    (line,) = client.get("/api/explorations").json()["explorations"]
    assert (line["problem"], line["on_hull"]) == ("", ["NaCl"])
    assert len(client.get("/api/explorations/salt").json()["phases"]) == 4
    (salt / "0GPa" / "hull_summary.json").unlink()
    (line,) = client.get("/api/explorations").json()["explorations"]
    assert "has more than 8 MB: resume it with alphacrystal explore --resume" in line["problem"]
    path.write_text(json.dumps(content | {"phases": content["phases"][:300]}))
    shown = client.get("/api/explorations/salt").json()
    assert (len(shown["phases"]), shown["more"]) == (200, 100)


def finished_formulas(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/run.json")}


@pytest.mark.slow
def test_an_exploration_that_has_ended_continues_with_a_larger_budget(
    client: TestClient, runs: Path, wait_for: Wait
) -> None:
    job_id = client.post("/api/explorations", json=QUICK | {"budget": "1formulas"}).json()["id"]
    assert wait_for(client, job_id)["exploration"]["formulas"] == 1
    finished = finished_formulas(runs / job_id)
    refused = client.post(f"/api/explorations/{job_id}/continue", json={"budget": "1formulas"})
    assert refused.status_code == 422
    assert "has predicted 1 formula: give a budget of more formulas" in refused.json()["detail"]
    for budget, sentence in (("501formulas", "500 formulas at most"), ("much", "cannot be read")):
        refused = client.post(f"/api/explorations/{job_id}/continue", json={"budget": budget})
        assert (refused.status_code, sentence in refused.json()["detail"]) == (422, True)
    assert client.get(f"/api/jobs/{job_id}").json()["status"] == "done"
    job = client.post(f"/api/explorations/{job_id}/continue", json={"budget": "2formulas"}).json()
    assert (job["id"], job["status"], job["request"]["budget"]) == (job_id, "waiting", "2formulas")
    assert client.get(f"/api/explorations/{job_id}").json()["removable"] is False
    assert (
        client.post(f"/api/explorations/{job_id}/continue", json={"budget": "3formulas"}).status_code == 409
    )
    job = wait_for(client, job_id)
    assert (job["status"], job["exploration"]["formulas"]) == ("done", 2)
    again = finished_formulas(runs / job_id)
    assert {path: again[path] for path in finished} == finished  # nothing was computed twice


def test_only_explorations_of_the_server_continue(client: TestClient, salt: Path) -> None:
    answer = client.post("/api/explorations/salt/continue", json={"budget": "9formulas"})
    assert answer.status_code == 404
    assert client.post("/api/explorations/none/continue", json={}).status_code == 422

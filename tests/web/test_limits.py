"""What one server gives away: size, places, time, disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from alphacrystal.report import read_run_folder

QUICK = {"formula": "NaCl", "relax": False, "candidates": 3, "top": 3}
#: Two hundred cells of twenty atoms: no machine is done with them before it is stopped.
LONG = {"formula": "Ca3Al2Si3O12", "relax": True, "candidates": 200, "cell": "Ca3Al2Si3O12"}
Open = Callable[..., TestClient]
Wait = Callable[..., dict[str, Any]]


def test_long_formulas_and_many_candidates_are_refused(open_server: Open) -> None:
    client = open_server(formula_length=10, candidates=5)
    for change in ({"formula": "Na1" + "0" * 8}, {"cell": "N" * 11}, {"candidates": 6}):
        answer = client.post("/api/jobs", json=QUICK | change)
        assert answer.status_code == 422
        assert "at most here" in answer.json()["detail"]


def test_queue_has_an_end(open_server: Open, wait_for: Wait) -> None:
    client = open_server(jobs=1, waiting=1)
    running = client.post("/api/jobs", json=LONG).json()["id"]
    wait_for(client, running, "running")
    assert client.post("/api/jobs", json=QUICK).status_code == 201
    full = client.post("/api/jobs", json=QUICK)
    assert (full.status_code, "waiting already" in full.json()["detail"]) == (429, True)
    assert client.get("/api/server").json()["waiting"] == 1
    for job in client.get("/api/jobs").json():
        client.post(f"/api/jobs/{job['id']}/cancel")


def test_jobs_run_side_by_side_only_as_many_as_allowed(open_server: Open, wait_for: Wait) -> None:
    client = open_server(jobs=2)
    ids = [client.post("/api/jobs", json=LONG | {"seed": seed}).json()["id"] for seed in range(3)]
    for job_id in ids[:2]:
        wait_for(client, job_id, "running")
    assert client.get(f"/api/jobs/{ids[2]}").json()["status"] == "waiting"
    for job_id in reversed(ids):
        client.post(f"/api/jobs/{job_id}/cancel")


def test_job_is_stopped_at_its_time_limit_and_keeps_what_it_has(
    open_server: Open, wait_for: Wait, runs: Path
) -> None:
    client = open_server(seconds=3)
    job = wait_for(client, client.post("/api/jobs", json=LONG).json()["id"])
    assert (job["status"], job["reason"][:33]) == ("stopped", "It reached the time limit of 3 s;")
    assert job["seconds"] >= 3
    if job["has_result"]:
        assert not read_run_folder(runs / job["id"]).complete


def test_full_folder_takes_no_job(open_server: Open) -> None:
    client = open_server(disk_mb=0.1)
    answer = client.post("/api/jobs", json=QUICK)
    assert (answer.status_code, "limit of this server" in answer.json()["detail"]) == (409, True)


def test_job_is_stopped_when_the_folder_is_full(open_server: Open, wait_for: Wait, runs: Path) -> None:
    client = open_server(disk_mb=10)
    job_id = client.post("/api/jobs", json=LONG).json()["id"]
    wait_for(client, job_id, "running")
    (runs / "photos").write_bytes(bytes(11_000_000))
    job = wait_for(client, job_id)
    assert (job["status"], "limit of this server is 10 MB" in job["reason"]) == ("stopped", True)


def test_large_request_is_refused_before_it_is_read_whole(open_server: Open) -> None:
    client = open_server(pattern_mb=1, structures_mb=0.1)
    read = 0

    def body() -> Iterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 10_000
            yield b" " * 10_000

    headers = {"Content-Type": "application/json"}
    for path, length in (("/api/jobs", 1_500_000), ("/api/session", 100_000)):
        assert client.post(path, content=body(), headers=headers).status_code == 413
        assert client.post(path, content=b"[" * length, headers=headers).status_code == 413
    for length in (16_000, 1_000_000):
        assert client.post("/api/jobs", content=b"[" * length, headers=headers).status_code in {400, 422}


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '"NaCl"', '{"formula": NaN}', '{"formula": null}', "\x00"]
)
def test_malformed_json_is_refused_in_one_sentence(client: TestClient, text: str) -> None:
    answer = client.post("/api/jobs", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)

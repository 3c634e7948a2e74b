"""Jobs outlive their server, however it ends."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.web._process import JobProcess

LONG = {"formula": "Ca3Al2Si3O12", "relax": False, "candidates": 4, "top": 3, "cell": "Ca3Al2Si3O12"}
Start = Callable[..., Any]
Wait = Callable[..., dict[str, Any]]


def state(runs: Path, job_id: str) -> dict[str, Any]:
    found = json.loads((runs / ".jobs" / f"{job_id}.json").read_text())
    assert isinstance(found, dict)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.slow
def test_killed_server_is_followed_by_one_that_takes_its_jobs_over(
    start_server: Start, runs: Path, wait_for: Wait
) -> None:
    first = start_server()
    job_id = first.client.post("/api/jobs", json=LONG).json()["id"]
    waiting = first.client.post("/api/jobs", json={"formula": "NaCl", "relax": False, "candidates": 2}).json()
    wait_for(first.client, job_id, "running")
    pid = state(runs, job_id)["pid"]
    first.stop(signal.SIGKILL)
    assert is_alive(pid)

    second = start_server("--workers", "1")  # other settings of the server do not touch a job begun
    job = second.client.get(f"/api/jobs/{job_id}").json()
    assert job["status"] == "running"
    assert state(runs, job_id)["pid"] == pid  # the same process, not a second one
    assert wait_for(second.client, job_id)["status"] == "done"
    assert wait_for(second.client, waiting["id"])["status"] == "done"
    assert state(runs, job_id)["starts"] == 1


def test_job_killed_with_its_server_goes_on(start_server: Start, runs: Path, wait_for: Wait) -> None:
    first = start_server()
    job_id = first.client.post("/api/jobs", json=LONG | {"formula": "MgF2", "cell": "Mg2F4"}).json()["id"]
    events = runs / job_id / "events.jsonl"
    while not events.is_file():
        time.sleep(0.05)
    pid = state(runs, job_id)["pid"]
    first.stop(signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.05)

    second = start_server("--workers", "1")
    assert wait_for(second.client, job_id)["status"] == "done"
    assert state(runs, job_id)["starts"] == 2
    assert second.client.get(f"/api/runs/{job_id}").json()["complete"]


@pytest.mark.slow
def test_interrupted_server_leaves_nothing_running_and_goes_on_later(
    start_server: Start, runs: Path, wait_for: Wait
) -> None:
    first = start_server()
    job_id = first.client.post("/api/jobs", json=LONG).json()["id"]
    wait_for(first.client, job_id, "running")
    pid = state(runs, job_id)["pid"]
    said = first.stop(signal.SIGINT)
    assert "Traceback" not in said
    assert first.process.returncode in {0, 130, 143}
    assert not is_alive(pid)
    assert state(runs, job_id)["status"] == "waiting"

    second = start_server()
    assert wait_for(second.client, job_id)["status"] == "done"


def test_second_server_on_one_folder_is_refused(start_server: Start, start: Start, runs: Path) -> None:
    start_server()
    second = start("serve", "--folder", runs, "--port", "0")
    _, err = second.communicate(timeout=240)
    assert second.returncode == 2
    assert err.startswith(f"Error: Another server has the folder {runs}")


def test_process_is_found_by_its_lock_and_not_by_its_number(tmp_path: Path) -> None:
    log, lock = tmp_path / "log", tmp_path / "lock"
    assert JobProcess.find(os.getpid(), lock) is None
    process = JobProcess.start(["sleep", "600"], log=log, lock=lock)
    try:
        found = JobProcess.find(process.pid, lock)
        assert found is not None
        assert not found.ended()
        assert not process.ended()
    finally:
        process.kill()
    while not process.ended():
        time.sleep(0.01)
    assert process.code == -signal.SIGKILL
    assert found.ended()
    assert JobProcess.find(process.pid, lock) is None


def test_process_that_dies_again_and_again_is_given_up(
    start_server: Start, runs: Path, wait_for: Wait
) -> None:
    server = start_server()
    job_id = server.client.post("/api/jobs", json=LONG).json()["id"]
    for start in range(1, 4):
        while (found := state(runs, job_id))["starts"] != start or found["pid"] is None:
            time.sleep(0.02)
        os.kill(found["pid"], signal.SIGKILL)
    job = wait_for(server.client, job_id)
    assert (job["status"], "3 times" in job["reason"], "signal 9" in job["reason"]) == ("failed", True, True)

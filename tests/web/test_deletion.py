"""State files written by strangers: no file outside of what the server created is deleted or changed."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from alphacrystal.errors import ConflictError, InputError
from alphacrystal.web import ServeSettings, create_app, serve
from alphacrystal.web._job import Job, JobFiles
from alphacrystal.web._names import is_name, run_id, run_paths
from alphacrystal.web._run_folder import delete_run_folder, prepare_run_folder

Open = Callable[..., TestClient]
Wait = Callable[..., dict[str, Any]]
Write = Callable[..., Path]
Snapshot = Callable[[Path], dict[str, str]]

LEADING_OUT = [
    "..",
    ".",
    "../photos",
    "../../photos",
    "earlier/..",
    "/",
    "ABSOLUTE",
    "",
    "\0",
    "x\0y",
    "x" * 5000,
    "x\ny",
    "..\\photos",
    ".hidden",
    "\ud800",
    "a\u202eb",
]


@pytest.fixture
def photos(runs: Path) -> Path:
    """A folder of the user next to the runs folder."""
    folder = runs.parent / "photos"
    folder.mkdir()
    (folder / "holiday.jpg").write_text("precious")
    return folder


@pytest.mark.parametrize("status", ["waiting", "running", "ending", "done", "failed"])
@pytest.mark.parametrize("job_id", LEADING_OUT)
def test_id_of_a_state_file_cannot_lead_out_of_the_folder(
    open_server: Open,
    runs: Path,
    photos: Path,
    write_job: Write,
    snapshot: Snapshot,
    job_id: str,
    status: str,
) -> None:
    job_id = job_id.replace("ABSOLUTE", str(photos))
    write_job("crafted", id=job_id, status=status, pid=12345)
    before = snapshot(runs.parent)
    client = open_server()
    (job,) = client.get("/api/jobs").json()
    assert (job["id"], job["status"]) == ("crafted", "damaged")
    assert "crafted.json is damaged" in job["reason"]
    assert client.get("/api/jobs/crafted").json()["status"] == "damaged"
    after = snapshot(runs.parent)
    assert after == before
    assert client.delete("/api/jobs/crafted").status_code == 204
    assert (photos / "holiday.jpg").read_text() == "precious"
    assert (runs / "earlier" / "run.json").is_file()


@pytest.mark.parametrize("status", ["waiting", "running", "done"])
def test_folder_that_the_server_did_not_create_is_left_alone(
    open_server: Open,
    runs: Path,
    write_job: Write,
    snapshot: Snapshot,
    wait_for: Wait,
    status: str,
) -> None:
    write_job("earlier", status=status, ended=None if status != "done" else "2025-01-01T00:01:00Z")
    before = snapshot(runs / "earlier")
    client = open_server()
    job = wait_for(client, "earlier")
    answer = client.delete("/api/jobs/earlier")
    assert answer.status_code == 409
    assert "not created by this server" in answer.json()["detail"]
    assert snapshot(runs / "earlier") == before
    if status == "waiting":
        assert (job["status"], "not created by this server" in job["reason"]) == ("failed", True)


@pytest.mark.parametrize("status", ["waiting", "done"])
@pytest.mark.parametrize("target", ["photos", "runs/earlier", "nowhere"])
def test_run_folder_that_is_a_link_is_refused_and_the_queue_goes_on(
    open_server: Open,
    runs: Path,
    photos: Path,
    write_job: Write,
    snapshot: Snapshot,
    wait_for: Wait,
    caplog: pytest.LogCaptureFixture,
    status: str,
    target: str,
) -> None:
    (runs / "linked").symlink_to(runs.parent / target)
    inode = (runs.parent / target).stat().st_ino if (runs.parent / target).exists() else 1
    write_job("linked", status=status, folder_inode=inode)
    before = snapshot(runs.parent) | {"runs/.jobs/linked.json": ""}
    client = open_server()
    job = wait_for(client, "linked")
    if status == "waiting":
        assert job["status"] == "failed"
        assert (
            job["reason"] == "The run folder linked is a link, which the server does not follow: remove it."
        )
    answer = client.delete("/api/jobs/linked")
    assert (answer.status_code, "is a link" in answer.json()["detail"]) == (409, True)
    assert snapshot(runs.parent) | {"runs/.jobs/linked.json": ""} == before
    assert caplog.text == ""
    other = client.post("/api/jobs", json={"formula": "NaCl", "relax": False, "candidates": 1}).json()
    assert wait_for(client, other["id"], "running", "done")
    client.post(f"/api/jobs/{other['id']}/cancel")


def test_links_in_a_run_folder_are_unlinked_and_not_followed(
    runs: Path, photos: Path, snapshot: Snapshot
) -> None:
    files = JobFiles(runs)
    job = Job.model_validate(
        {
            "id": "j",
            "formula": "NaCl",
            "request": {"formula": "NaCl"},
            "workers": 1,
            "created": "2025-01-01T00:00Z",
        }
    )
    assert prepare_run_folder(files, job) is False
    folder = runs / "j"
    (folder / "inner").mkdir()
    (folder / "inner" / "link").symlink_to(photos)
    (folder / "file link").symlink_to(photos / "holiday.jpg")
    os.link(photos / "holiday.jpg", folder / "hard link")
    os.mkfifo(folder / "fifo")
    before = snapshot(photos)
    assert prepare_run_folder(files, job) is False  # without events.jsonl it is emptied
    assert list(folder.iterdir()) == []
    (folder / "link").symlink_to(photos)
    delete_run_folder(files, job)
    assert not folder.exists()
    assert snapshot(photos) == before


def test_folder_exchanged_for_another_one_is_not_deleted(
    runs: Path, photos: Path, snapshot: Snapshot
) -> None:
    files = JobFiles(runs)
    job = Job.model_validate(
        {
            "id": "j",
            "formula": "NaCl",
            "request": {"formula": "NaCl"},
            "workers": 1,
            "created": "2025-01-01T00:00Z",
        }
    )
    prepare_run_folder(files, job)
    (runs / "j").rename(runs / "moved")
    photos.rename(runs / "j")
    before = snapshot(runs / "j")
    for refused in (prepare_run_folder, delete_run_folder):
        with pytest.raises(ConflictError, match="not created by this server"):
            refused(files, job)
    assert snapshot(runs / "j") == before


@pytest.mark.parametrize("name", ["x.log", "x.lock", ".x.json.tmp"])
@pytest.mark.parametrize("way", ["symlink", "hard link", "fifo", "folder"])
def test_files_of_jobs_that_are_links_are_never_written_through(
    open_server: Open, runs: Path, photos: Path, write_job: Write, wait_for: Wait, name: str, way: str
) -> None:
    write_job("x", status="waiting", ended=None)
    plant(way, runs / ".jobs" / name, photos / "holiday.jpg")
    client = open_server()
    assert wait_for(client, "x", "running", "done", "failed")
    client.post("/api/jobs/x/cancel")
    assert (photos / "holiday.jpg").read_text() == "precious"


@pytest.mark.parametrize("way", ["symlink", "fifo", "folder"])
def test_lock_of_the_server_that_is_a_link_is_refused(runs: Path, photos: Path, way: str) -> None:
    (runs / ".jobs").mkdir()
    plant(way, runs / ".jobs" / ".server.lock", photos / "holiday.jpg")
    with pytest.raises(InputError, match="cannot be used as a lock"):
        serve(ServeSettings(folder=runs, port=0))
    assert (photos / "holiday.jpg").read_text() == "precious"


def plant(way: str, path: Path, target: Path) -> None:
    """Put something there that must not be opened."""
    if way == "symlink":
        path.symlink_to(target)
    elif way == "hard link":
        os.link(target, path)
    elif way == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()


def test_folder_of_state_files_that_is_a_link_is_refused(
    runs: Path, photos: Path, snapshot: Snapshot
) -> None:
    (runs / ".jobs").symlink_to(photos)
    before = snapshot(runs.parent)
    with pytest.raises(InputError, match="is a link"):
        create_app(ServeSettings(folder=runs))
    assert snapshot(runs.parent) == before


@pytest.mark.parametrize("lock", ["x.lock", "link to another lock"])
def test_process_that_a_state_file_names_is_not_signalled(
    open_server: Open, runs: Path, write_job: Write, wait_for: Wait, lock: str
) -> None:
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        write_job("x", status="ending", outcome="cancelled", ended=None, pid=sleeper.pid)
        with (runs / ".jobs" / ("x.lock" if lock == "x.lock" else "y.lock")).open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if lock != "x.lock":
                (runs / ".jobs" / "x.lock").symlink_to("y.lock")
            client = open_server()
            assert wait_for(client, "x")["status"] == "cancelled"
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize(
    "change",
    [
        {"pid": -1},
        {"pid": 0},
        {"pid": 1},
        {"workers": 10**9},
        {"spent": "1e999"},
        {"created": "2025-01-01T00:00:00"},
        {"outcome": "running"},
        {"request": {"formula": "NaCl", "potential": "m3gnet:/tmp"}},
        {"unknown": 1},
        {"reason": "x" * 70_000},
    ],
)
def test_state_that_no_server_writes_is_damaged(
    open_server: Open, write_job: Write, change: dict[str, Any]
) -> None:
    path = write_job("x", status="waiting", **change)
    path.write_text(path.read_text().replace('"1e999"', "1e999"))
    (job,) = open_server().get("/api/jobs").json()
    assert job["status"] == "damaged"
    assert job["reason"].startswith("The state file x.json is damaged (")


@pytest.mark.parametrize("content", ["[" * 50_000, '{"id": Infinity}', '{"id": "\\ud800"}', " " * 100_000])
def test_damaged_state_file_does_not_touch_the_other_jobs(
    open_server: Open, write_job: Write, runs: Path, content: str
) -> None:
    write_job("good")
    (runs / ".jobs" / "bad.json").write_text(content)
    os.mkfifo(runs / ".jobs" / "fifo.json")
    (runs / ".jobs" / "folder.json").mkdir()
    (runs / ".jobs" / "link.json").symlink_to("good.json")
    answer = open_server().get("/api/jobs")
    statuses = {job["id"]: job["status"] for job in answer.json()}
    assert statuses == {"good": "done", **dict.fromkeys(["bad", "fifo", "folder", "link"], "damaged")}
    json.loads(answer.text, parse_constant=pytest.fail)


@pytest.mark.usefixtures("new_processes")
def test_formula_with_a_nul_in_a_state_file_fails_its_job_only(
    open_server: Open, write_job: Write, wait_for: Wait
) -> None:
    write_job("x", status="waiting", ended=None, request={"formula": "Na\0Cl", "relax": False})
    job = wait_for(open_server(), "x")
    assert (job["status"], job["reason"]) == (
        "failed",
        "Its process could not be started: embedded null byte.",
    )


@pytest.mark.parametrize("name", ["a", "a~b", "a~", "~b", "a~.b", "Zr₄Al₃", "two words", "x" * 200])
@pytest.mark.parametrize("inner", [None, "b", "~", "b~c", "~x"])
def test_ids_name_one_place_each(name: str, inner: str | None) -> None:
    parts = (name,) if inner is None else (name, inner)
    assert parts in run_paths(run_id(parts))
    assert sum(len(place) == len(parts) for place in run_paths(run_id(parts))) == 1


@pytest.mark.parametrize("name", [name for name in LEADING_OUT if name != "ABSOLUTE"])
def test_names_that_lead_out_break_the_pattern(name: str) -> None:
    assert not is_name(name)

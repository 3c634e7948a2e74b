"""One damaged run, job or file harms nothing else, and every answer is strict JSON."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from alphacrystal.web._files import open_file
from alphacrystal.web._process import JobProcess, job_environment
from alphacrystal.web._progress import ProgressReader

Open = Callable[..., TestClient]
Wait = Callable[..., dict[str, Any]]
Write = Callable[..., Path]


def strict(answer: Any) -> Any:
    """The JSON of an answer, which has no NaN, no Infinity and no lone surrogate."""
    value = json.loads(answer.content.decode("utf-8"), parse_constant=pytest.fail)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return value


def change(folder: Path, **values: object) -> None:
    """Replace values of a run.json; NaN and Infinity are written as Python does."""
    run = json.loads((folder / "run.json").read_text()) | values
    (folder / "run.json").write_text(json.dumps(run))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "1e999": lambda run: (run / "run.json").write_text('{"seed": 1e999}'),
    "infinite time": lambda run: change(run, timings_s={"generate": float("inf")}),
    "NaN": lambda run: change(run, seed=float("nan")),
    "infinite seed": lambda run: change(run, seed=float("inf")),
    "huge seed": lambda run: (run / "run.json").write_text(f'{{"seed": {"9" * 5000}}}'),
    "deep lists": lambda run: (run / "run.json").write_text("[" * 100_000),
    "deep objects": lambda run: change(run, x=json.loads('{"a":' * 300 + "1" + "}" * 300)),
    "lone surrogate": lambda run: change(run, formula="\ud800"),
    "no UTF-8": lambda run: (run / "run.json").write_bytes(b'{"formula": "\xff"}'),
    "list": lambda run: (run / "run.json").write_text("[]"),
    "empty": lambda run: (run / "run.json").write_text(""),
    "formula of another type": lambda run: change(run, formula=["NaCl"]),
    "potential of another type": lambda run: change(run, potential={"a": 1}),
    "notes of another type": lambda run: change(run, notes=5),
    "complete of another type": lambda run: change(run, complete="false"),
    "huge file": lambda run: (run / "run.json").write_bytes(b" " * 3_000_000),
    "folder": lambda run: ((run / "run.json").unlink(), (run / "run.json").mkdir()),
    "FIFO": lambda run: ((run / "run.json").unlink(), os.mkfifo(run / "run.json")),
    "link": lambda run: ((run / "run.json").rename(run / "r"), (run / "run.json").symlink_to("r")),
    "dangling link": lambda run: ((run / "run.json").unlink(), (run / "run.json").symlink_to("none")),
    "no table": lambda run: (run / "summary.csv").unlink(),
    "table is a FIFO": lambda run: ((run / "summary.csv").unlink(), os.mkfifo(run / "summary.csv")),
    "NaN in the table": lambda run: (run / "summary.csv").write_text(
        (run / "summary.csv").read_text().replace(",1,", ",nan,")
    ),
    "infinite volume": lambda run: (run / "summary.csv").write_text(
        replaced_column((run / "summary.csv").read_text(), "volume_per_atom_a3", "inf")
    ),
    "control character in the name": lambda run: run.rename(run.with_name("bad\nname")),
    "name too long": lambda run: run.rename(run.with_name("x" * 250)),
}


def replaced_column(text: str, column: str, value: str) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    place = lines[0].index(column)
    return "\n".join(
        ",".join([*line[:place], value if at else line[place], *line[place + 1 :]])
        for at, line in enumerate(lines)
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_run_is_listed_with_a_sentence_and_the_others_as_before(
    client: TestClient, runs: Path, finished_run: Path, damage: str
) -> None:
    shutil.copytree(finished_run, runs / "bad")
    DAMAGES[damage](runs / "bad")
    for _ in range(2):  # the second answer comes from what was kept of the first
        page = strict(client.get("/api/runs"))
        problems = {run["id"]: run["problem"] for run in page["runs"]}
        assert page["total"] == len(problems) == 2
        assert problems.pop("earlier") == ""
        ((name, problem),) = problems.items()
        assert "damaged" in problem or "rename the folder" in problem
        assert str(runs) not in problem
    for address in ("", "/report", "/zip", "/structures/1/cif", "/structures/1/poscar"):
        assert client.get(f"/api/runs/{quote(name, safe='')}{address}").status_code in {200, 404, 422}
    assert client.get("/api/compare", params={"left": name, "right": "earlier"}).status_code in {404, 422}
    assert strict(client.get("/api/runs/earlier"))["formula"] == "NaCl"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_run_is_listed_with_a_sentence(client: TestClient, runs: Path, finished_run: Path) -> None:
    shutil.copytree(finished_run, runs / "bad")
    (runs / "bad" / "run.json").chmod(0)
    problems = {run["id"]: run["problem"] for run in client.get("/api/runs").json()["runs"]}
    assert (problems["earlier"], "permission denied" in problems["bad"]) == ("", True)


@pytest.mark.parametrize("stamp", [-(10**10), 0, 2**33, 2**40])
def test_any_time_of_a_file_is_shown(client: TestClient, runs: Path, stamp: int) -> None:
    try:
        os.utime(runs / "earlier" / "run.json", (stamp, stamp))
    except (OSError, OverflowError):
        pytest.skip("this file system has no such time")
    assert strict(client.get("/api/runs"))["total"] == 1


def test_names_with_the_joint_of_ids_are_listed_and_open(
    client: TestClient, runs: Path, finished_run: Path
) -> None:
    for name in ("a~b", "~", "~~", "x~.y", "a/c", "a/b~c", "q~r/s~t"):
        shutil.copytree(finished_run, runs / name)
    listed = strict(client.get("/api/runs"))["runs"]
    assert {run["problem"] for run in listed} == {""}
    ids = {run["id"] for run in listed}
    assert ids == {"earlier", "a~b", "~", "~~", "x~.y", "a~c", "a~b~.c", "q~.r~s~.t"}
    for run_id in ids:
        assert client.get(f"/api/runs/{quote(run_id, safe='')}").json()["formula"] == "NaCl"


def test_two_folders_that_share_an_id_are_both_listed(
    client: TestClient, runs: Path, finished_run: Path
) -> None:
    shutil.copytree(finished_run, runs / "a~b")
    shutil.copytree(finished_run, runs / "a" / "b")
    problems = {run["id"]: run["problem"] for run in strict(client.get("/api/runs"))["runs"]}
    assert problems.keys() == {"earlier", "a~b", "a/b"}
    assert (problems["a~b"], "rename the folder a~b" in problems["a/b"]) == ("", True)


def test_zip_leaves_links_and_fifos_out(client: TestClient, runs: Path) -> None:
    (runs / "secret.txt").write_text("sesame")
    run = runs / "earlier"
    (run / "link.txt").symlink_to(runs / "secret.txt")
    (run / "folder").symlink_to(runs)
    os.mkfifo(run / "fifo")
    (run / "inner").mkdir()
    (run / "inner" / "notes.txt").write_text("kept")
    with zipfile.ZipFile(io.BytesIO(client.get("/api/runs/earlier/zip").content)) as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
        assert archive.read("earlier/inner/notes.txt") == b"kept"
    assert not {name for name in names if "link" in name or "folder" in name or "fifo" in name}


@pytest.mark.parametrize("name", ["report.html", "structures"])
@pytest.mark.parametrize("way", ["link", "FIFO"])
def test_file_of_a_run_that_is_a_link_or_fifo_is_not_opened(
    client: TestClient, runs: Path, name: str, way: str
) -> None:
    path = runs / "earlier" / name
    path.rename(runs / "moved")
    if way == "link":
        path.symlink_to(runs / "moved")
    else:
        os.mkfifo(path)
    address = "report" if name == "report.html" else "structures/1/cif"
    assert client.get(f"/api/runs/earlier/{address}").status_code == 404


def test_structure_of_another_format_is_not_read(client: TestClient, runs: Path) -> None:
    table = runs / "earlier" / "summary.csv"
    run = runs / "earlier" / "structures"
    (run / "x.json").write_text("{}")
    lines = table.read_text().splitlines()
    file = lines[1].split(",")[1]
    table.write_text("\n".join([lines[0], lines[1].replace(file, "structures/x.json")]) + "\n")
    for address in ("cif", "poscar"):
        assert client.get(f"/api/runs/earlier/structures/1/{address}").status_code == 422
    assert client.get("/api/compare", params={"left": "earlier", "right": "earlier"}).status_code == 422


@pytest.mark.parametrize(
    "line",
    [
        '{"stage": "\\ud800", "event": "start"}',
        '{"stage": "x", "event": "progress", "done": 1e999, "total": NaN}',
        '{"stage": "x", "event": "progress", "done": true, "total": 1}',
        '{"stage": "x", "event": "progress", "done": -5, "total": ' + "9" * 4000 + "}",
        "[" * 100_000,
        '{"stage": "' + "x" * 100_000 + '"}',
    ],
)
def test_events_that_no_run_writes_are_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / "events.jsonl").write_text(line + '\n{"stage": "generate", "event": "start"}\n')
    stages = ProgressReader(tmp_path, ("events.jsonl",)).stages()
    assert [stage.name for stage in stages] == ["generate"]


def test_progress_is_not_read_through_a_link_or_fifo(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_text('{"stage": "generate", "event": "start"}\n')
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    os.mkfifo(tmp_path / "fifo.jsonl")
    for name in ("link.jsonl", "fifo.jsonl"):
        assert ProgressReader(tmp_path, (name,)).stages() == []


def test_second_poll_reads_no_file(
    open_server: Open,
    runs: Path,
    finished_run: Path,
    write_job: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(60):
        shutil.copytree(finished_run, runs / f"job{number}")
        write_job(f"job{number}", ended=f"2025-01-01T00:00:{number:02}Z")
    client = open_server()
    answer = client.get("/api/jobs")
    assert answer.headers["X-Total-Count"] == "60"
    assert [job["id"] for job in answer.json()] == [f"job{number}" for number in range(59, 9, -1)]
    rest = client.get("/api/jobs", params={"first": 50}).json()
    assert [job["id"] for job in rest] == [f"job{number}" for number in range(9, -1, -1)]
    assert all(job["stages"] and job["has_result"] for job in rest)
    first = [client.get("/api/runs").text, answer.text]

    opened: list[object] = []

    def counted(*arguments: Any) -> Any:
        opened.append(arguments)
        return open_file(*arguments)

    for module in ("_files", "_progress", "_library"):
        monkeypatch.setattr(f"alphacrystal.web.{module}.open_file", counted)
    assert [client.get("/api/runs").text, client.get("/api/jobs").text] == first
    assert opened == []
    change(runs / "job59", formula="KCl")
    ids = {run["id"]: run["formula"] for run in client.get("/api/runs").json()["runs"]}
    assert ids["job59"] == "KCl"
    assert len(opened) == 2  # run.json and summary.csv of the run that changed


def test_deleted_runs_folder_gives_one_line_of_the_log_and_is_taken_up_when_it_is_back(
    open_server: Open, runs: Path, wait_for: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_server()
    runs.rename(runs.with_name("away"))
    while "The runs folder is gone" not in caplog.text:
        time.sleep(0.02)
    time.sleep(0.5)
    assert len(caplog.records) == 1
    answer = client.get("/api/runs")
    assert (answer.status_code, "runs folder is not there" in answer.json()["detail"]) == (503, True)
    quick = {"formula": "NaCl", "relax": False, "candidates": 1}
    assert client.post("/api/jobs", json=quick).status_code == 503
    assert client.get("/api/jobs").json() == []
    assert client.get("/api/server").status_code == 200
    runs.with_name("away").rename(runs)
    assert client.get("/api/runs").json()["total"] == 1
    job = client.post("/api/jobs", json=quick).json()
    wait_for(client, job["id"], "running", "done")
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert [record.getMessage() for record in caplog.records][1:] == ["The jobs continue."]


def test_runs_folder_deleted_under_a_running_job_ends_clearly(
    open_server: Open, runs: Path, wait_for: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_server()
    job = client.post("/api/jobs", json={"formula": "Ca3Al2Si3O12", "candidates": 200}).json()
    wait_for(client, job["id"], "running")
    shutil.rmtree(runs, ignore_errors=True)
    shutil.rmtree(runs, ignore_errors=True)
    while "The runs folder is gone" not in caplog.text and not runs.exists():
        time.sleep(0.02)
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert wait_for(client, job["id"])["status"] in {"cancelled", "failed"}
    assert not [record for record in caplog.records if record.exc_info]
    assert len(caplog.records) <= 4


def test_job_imports_nothing_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("sitecustomize", "usercustomize", "json", "alphacrystal", "typer", "numpy", "torch"):
        (trap / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n")
    monkeypatch.chdir(trap)
    log = tmp_path / "log"
    code = "import os, sys, json, numpy, alphacrystal; print(os.getcwd(), sys.path, file=sys.stderr)"
    for value in (
        "",
        ".",
        ":",
        f"{trap}",
        f"{trap}:",
        "relative:./x",
        f"{tmp_path / 'trap' / '..' / 'trap'}",
    ):
        monkeypatch.setenv("PYTHONPATH", value)
        process = JobProcess.start([sys.executable, "-P", "-c", code], log=log, lock=tmp_path / "lock")
        while not process.ended():
            time.sleep(0.01)
        said = log.read_text()
        assert process.code == 0, said
        assert said.startswith("/ [")
        assert str(trap) not in said
    assert not (tmp_path / "sprung").exists()


def test_environment_of_a_job_keeps_absolute_paths_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    given = {
        "PYTHONPATH": f":.:relative:{tmp_path}:{other}",
        "ALPHACRYSTAL_MODELS": "weights",
        "ALPHACRYSTAL_SERVE_TOKEN": "secret",
    }
    environment = job_environment(given)
    entries = environment["PYTHONPATH"].split(os.pathsep)
    assert entries[0] == str(other)
    assert not {"", ".", "relative", str(tmp_path)} & set(entries)
    assert environment["ALPHACRYSTAL_MODELS"] == str(tmp_path / "weights")
    assert "ALPHACRYSTAL_SERVE_TOKEN" not in environment

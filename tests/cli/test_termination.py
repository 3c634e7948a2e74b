"""SIGTERM at any moment: the folder holds a whole list, complete or partial, and the run can go on."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.report import finished_run, read_run_folder

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
Start = Callable[..., subprocess.Popen[str]]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")
ENDS = {0, 143, -signal.SIGTERM}  # the last before Python runs our code


def terminate(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in out + err
    assert "Error: " not in err
    return out, err


def when(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.001)


def check_whole(folder: Path) -> None:
    """Each table and structure of a run is there and readable, or none is."""
    if not (folder / "run.json").is_file():
        return
    run = read_run_folder(folder)
    assert all((folder / row.file).is_file() for row in run.rows)
    assert len(json.loads((folder / "results.json").read_text())["structures"]) == len(run.rows)
    assert not list(folder.rglob("*.tmp"))
    if run.complete:
        assert finished_run(folder) is not None


@pytest.mark.parametrize(
    ("file", "number"),
    [
        ("structures", signal.SIGTERM),
        ("structures", signal.SIGINT),
        pytest.param("results.json", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("run.json", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_signal_while_the_list_is_written_waits_for_its_end(
    start: Start, tmp_path: Path, file: str, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    process = start(
        "predict", "NaCl", "--candidates", "12", "--max-atoms", "4", "--no-relax", "--out", folder
    )
    when(process, (folder / file).exists)
    process.send_signal(number)
    process.communicate(timeout=120)
    run = finished_run(folder)
    assert run is not None
    assert len(run.rows) == run.candidates >= 2
    # After run.json the process may have ended before the signal came.
    late = {0, -number} if file == "run.json" else set()
    assert process.returncode in {128 + number, *late}


@pytest.mark.parametrize(
    ("starter", "moments"), [("start", 4), pytest.param("start_new_process", 60, marks=pytest.mark.slow)]
)
def test_termination_at_any_moment_leaves_no_torn_folder(
    request: pytest.FixtureRequest, run: Run, tmp_path: Path, starter: str, moments: int
) -> None:
    start: Start = request.getfixturevalue(starter)
    begin = time.monotonic()
    process = start("predict", "NaCl", *QUICK, "--out", tmp_path / "whole")
    process.communicate()
    assert process.returncode == 0
    seconds = time.monotonic() - begin
    summary = (tmp_path / "whole" / "summary.csv").read_bytes()
    codes = set()
    for moment in range(moments):
        folder = tmp_path / f"run-{moment}"
        process = start("predict", "NaCl", *QUICK, "--out", folder)
        time.sleep(seconds * (moment + 0.5) / moments)
        error = terminate(process)
        assert process.returncode in ENDS, error
        codes.add(process.returncode)
        check_whole(folder)
        resume = ("--resume",) if (folder / "events.jsonl").is_file() else ()
        outcome = run("predict", "NaCl", *QUICK, *resume, "--out", folder)
        assert outcome.code == 0, outcome.err
        assert (folder / "summary.csv").read_bytes() == summary
    assert codes & {143, -signal.SIGTERM}


def test_terminated_generation_writes_the_partial_list(start: Start, tmp_path: Path, rows_of: Rows) -> None:
    folder = tmp_path / "run"
    process = start(
        "predict", "NaCl", "--candidates", "200", "--max-atoms", "8", "--no-relax", "--out", folder
    )
    when(process, (folder / "checkpoint" / "generated.jsonl").is_file)
    out, err = terminate(process)
    assert process.returncode == 143
    assert f"Interrupted; resume with: alphacrystal predict --resume --out {folder}" in err.splitlines()
    assert "This run was interrupted" in out
    assert rows_of(folder / "summary.csv")
    assert json.loads((folder / "run.json").read_text())["complete"] is False
    check_whole(folder)


def test_terminated_list_names_what_is_done_and_goes_on(
    start: Start, run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    folder = tmp_path / "batch"
    process = start("predict", "NaCl", "MgO", "KCl", *QUICK, "--out", folder)
    when(process, (folder / "MgO" / "checkpoint" / "request.json").is_file)
    _, err = terminate(process)
    assert process.returncode == 143
    assert f"Resume the whole list with: alphacrystal predict --resume --out {folder}" in err.splitlines()
    index = rows_of(folder / "index.csv")
    assert [row["status"] for row in index] == ["done", index[1]["status"], "waiting"]
    assert index[1]["status"] in {"interrupted", "done"}
    assert run("predict", "--resume", "--out", folder).code == 0
    assert [row["status"] for row in rows_of(folder / "index.csv")] == ["done"] * 3


@pytest.mark.parametrize("moments", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_terminated_campaign_goes_on(
    start: Start, run: Run, tmp_path: Path, rows_of: Rows, moments: int
) -> None:
    formulas = ["NaF", "KF"]
    (tmp_path / "list.txt").write_text("\n".join(formulas))
    for moment in range(moments):
        folder = tmp_path / f"campaign-{moment}"
        process = start("campaign", tmp_path / "list.txt", *QUICK, "--out", folder)
        done = len(formulas) * moment // moments
        when(process, lambda done=done, folder=folder: len(list(folder.glob("runs/*/*/events.jsonl"))) > done)  # type: ignore[misc]
        _, err = terminate(process)
        assert process.returncode == 143
        assert f"Interrupted; resume with: alphacrystal campaign --resume --out {folder}" in err.splitlines()
        rows = rows_of(folder / "index.csv")
        assert [row["formula"] for row in rows] == formulas
        assert {row["status"] for row in rows} <= {"waiting", "done"}
        assert run("campaign", "--resume", "--out", folder).code == 0
        assert {row["status"] for row in rows_of(folder / "index.csv")} == {"done"}


def test_terminated_relaxation_of_files_writes_the_partial_list(
    start: Start, run: Run, tmp_path: Path
) -> None:
    options = ("--candidates", "8", "--max-atoms", "6", "--no-relax")
    assert run("predict", "MgF2", *options, "--out", tmp_path / "made").code == 0
    files = sorted((tmp_path / "made" / "structures").iterdir())
    folder = tmp_path / "relaxed"
    process = start("relax", *files, "--workers", "1", "--fmax", "0.0001", "--out", folder)
    when(process, lambda: "relax" in text(folder / "events.jsonl"))
    _, err = terminate(process)
    assert process.returncode == 143
    assert "Interrupted; the relaxed structures are listed above and on disk." in err
    check_whole(folder)
    assert json.loads((folder / "run.json").read_text())["candidates"] == len(files)


def text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""

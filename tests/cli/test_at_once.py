"""Two commands begun at once on one folder: one works, the other is refused with a sentence."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.scale import CampaignStore

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
Start = Callable[..., subprocess.Popen[str]]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")
REPEATS = [pytest.param(1, id="once"), pytest.param(15, marks=pytest.mark.slow, id="15 times")]


def ended(*processes: subprocess.Popen[str]) -> tuple[subprocess.Popen[str], str]:
    """The process that did its work, and the sentence of the only other one."""
    said = [process.communicate(timeout=300) for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) == [0, 2], said
    winner, loser = codes.index(0), codes.index(2)
    assert "Traceback" not in "".join(said[loser])
    lines = [line for line in said[loser][1].splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, said[loser]
    return processes[winner], lines[0]


def check_refused(winner: subprocess.Popen[str], sentence: str) -> None:
    """The winner's process id is named, unless it had ended before the other came to the lock."""
    assert f"is in use by process {winner.pid}: wait until it ends" in sentence or "is not empty" in sentence


@pytest.mark.parametrize("repeats", REPEATS)
def test_two_campaigns_on_a_new_folder(start: Start, tmp_path: Path, rows_of: Rows, repeats: int) -> None:
    formulas = ["NaCl"]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(formulas))
    for number in range(repeats):
        folder = tmp_path / f"campaign-{number}"
        clients = [start("campaign", listed, *QUICK, "--out", folder) for _ in range(2)]
        check_refused(*ended(*clients))
        assert [row["status"] for row in rows_of(folder / "index.csv")] == ["done"] * len(formulas)
        with CampaignStore(folder) as store:
            assert store.counts().done == len(formulas)
            assert store.facts()["version"]
        for row in rows_of(folder / "index.csv"):
            assert json.loads((folder / row["folder"] / "run.json").read_text())["complete"] is True


def test_campaign_is_not_resumed_while_its_client_runs_and_is_after_a_kill(
    start: Start, run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("NaF\nNaCl\nKF\n")
    folder = tmp_path / "campaign"
    client = start("campaign", listed, *QUICK, "--out", folder)
    wait_for(client, lambda: any(folder.glob("runs/*/*/events.jsonl")))
    for arguments in (("--resume",), (listed, *QUICK)):
        outcome = run("campaign", *arguments, "--out", folder)
        assert outcome.code == 2
        assert f"in use by process {client.pid}" in outcome.sentence
    client.send_signal(signal.SIGKILL)
    client.wait()
    assert run("campaign", "--resume", "--out", folder).code == 0
    assert {row["status"] for row in rows_of(folder / "index.csv")} == {"done"}


@pytest.mark.parametrize("repeats", REPEATS)
@pytest.mark.parametrize("formulas", [("NaCl",), ("NaCl", "MgO")], ids=["one formula", "two formulas"])
def test_two_predictions_into_a_new_folder(
    start: Start, run: Run, tmp_path: Path, repeats: int, formulas: tuple[str, ...]
) -> None:
    for number in range(repeats if len(formulas) == 1 else (repeats + 2) // 3):
        folder = tmp_path / f"run-{number}"
        check_refused(*ended(*[start("predict", *formulas, *QUICK, "--out", folder) for _ in range(2)]))
        for name in formulas:
            assert run("view", folder if len(formulas) == 1 else folder / name).code == 0
        assert not list(folder.rglob(".*"))


def wait_for(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def is_stopped(pid: int) -> bool:
    words = ["ps", "-o", "state=", "-p", str(pid)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.startswith("T")


def contents(folder: Path) -> dict[Path, bytes]:
    """Files of a run that its process does not write all the time."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "events.jsonl"
    }


@pytest.mark.parametrize("formulas", [("NaCl",), ("NaCl", "MgO")], ids=["one formula", "two formulas"])
def test_run_is_not_resumed_while_its_process_runs_and_is_after_a_kill(
    start: Start, run: Run, tmp_path: Path, formulas: tuple[str, ...]
) -> None:
    folder = tmp_path / "run"
    long = ("--candidates", "60", "--max-atoms", "6", "--no-relax")
    process = start("predict", *formulas, *long, "--out", folder)
    own = folder if len(formulas) == 1 else folder / formulas[0]
    wait_for(process, (own / "checkpoint" / "generated.jsonl").is_file)
    process.send_signal(signal.SIGSTOP)  # stopped in the middle of its work, it still holds the folder
    wait_for(process, lambda: is_stopped(process.pid))  # a write in progress ends before the stop
    before = contents(folder)
    for arguments in (("--resume",), (*formulas, *long)):
        outcome = run("predict", *arguments, "--out", folder)
        assert outcome.code == 2
        assert f"in use by process {process.pid}" in outcome.sentence
    if len(formulas) > 1:
        assert f"in use by process {process.pid}" in run("predict", "--resume", "--out", own).sentence
    assert contents(folder) == before
    process.send_signal(signal.SIGKILL)
    process.wait()
    if len(formulas) == 1:  # a second list would take long
        outcome = run("predict", "--resume", "--out", folder)
        assert outcome.code == 0
        assert json.loads((folder / "run.json").read_text())["complete"] is True
    assert len(contents(folder)) >= len(before)


def test_relaxation_keeps_others_out_of_its_folder(start: Start, run: Run, tmp_path: Path) -> None:
    assert run("predict", "MgO", *QUICK, "--out", tmp_path / "made").code == 0
    files = sorted((tmp_path / "made" / "structures").iterdir())
    folder = tmp_path / "relaxed"
    process = start("relax", *files, "--workers", "1", "--fmax", "0.001", "--out", folder)
    wait_for(process, (folder / "events.jsonl").is_file)
    for verb in ("relax", "rank"):
        outcome = run(verb, *files, "--workers", "1", "--out", folder)
        assert outcome.code == 2
        assert f"in use by process {process.pid}" in outcome.sentence
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert run("view", folder).code == 0

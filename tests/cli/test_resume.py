"""Interrupts at each stage, and going on from where a run stopped."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
QUICK = ("--candidates", "3", "--max-atoms", "4", "--no-relax")
RELAXED = ("--candidates", "3", "--max-atoms", "4", "--workers", "1")


def relaxations(folder: Path) -> list[tuple[str, int]]:
    """Stage and candidate of each relaxation that was computed, in order."""
    lines = lines_of(folder / "checkpoint" / "relaxations.jsonl")
    return [(item["stage"], item["index"]) for item in lines]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def interrupt_when(process: subprocess.Popen[str], ready: Callable[[], bool]) -> tuple[str, str]:
    """Send SIGINT once ``ready``; returns what stood on standard output and error."""
    for _ in range(6000):
        if ready():
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=120)


PATIENT = """
import time

from alphacrystal.relaxation import AsePotential, load_potential


class Patient:
    '''CHGNet that takes its time, so that an interrupt surely finds it at work.'''

    def __init__(self):
        self.own = load_potential("chgnet")
        self.name = "patient"
        self.supported_elements = self.own.supported_elements

    def evaluate(self, structures):
        time.sleep(0.15 * len(structures))
        return self.own.evaluate(structures)

    def calculator(self):
        return self.own.calculator()
"""


def begun(folder: Path, stage: str) -> bool:
    """Whether a stage of the run has something on disk: a torn last line counts for nothing."""
    if stage == "generate":
        path = folder / "checkpoint" / "generated.jsonl"
        return path.is_file() and "\n" in path.read_text()
    if stage == "start":
        return (folder / "checkpoint" / "candidates.json").is_file()
    path = folder / "checkpoint" / "relaxations.jsonl"
    return path.is_file() and f'"stage": "{stage}"' in path.read_text()


@pytest.mark.parametrize(
    "stage",
    [
        "generate",
        pytest.param("start", marks=pytest.mark.slow),
        pytest.param("loose", marks=pytest.mark.slow),
        "tight",
    ],
)
def test_interrupted_run_keeps_what_is_finished_and_says_how_to_go_on(
    run: Run,
    start: Callable[..., subprocess.Popen[str]],
    potentials: Callable[[str, dict[str, str]], Path],
    tmp_path: Path,
    rows_of: Rows,
    stage: str,
) -> None:
    path = potentials(PATIENT, {"patient": "Patient"})
    size = "110" if stage == "generate" else "6"
    options = ("--candidates", size, "--max-atoms", "8", "--top", "5", "--potential", "patient")
    folder = tmp_path / "my run"
    process = start("predict", "NaCl", *options, "--workers", "1", "--out", folder, path=path)
    out, err = interrupt_when(process, lambda: begun(folder, stage))
    assert process.returncode == 130
    assert "Traceback" not in out + err
    command = f"alphacrystal predict --resume --out {shlex.quote(str(folder))}"
    assert f"Interrupted; resume with: {command}" in err.splitlines()
    # The partial list is on disk and shown.
    assert json.loads((folder / "run.json").read_text())["complete"] is False
    partial = rows_of(folder / "summary.csv")
    assert partial
    assert "This run was interrupted" in out
    assert f"({partial[0]['space_group_number']})" in out
    if stage == "generate":
        # Going on is tested below, without relaxing a hundred candidates.
        assert not (folder / "checkpoint" / "candidates.json").exists()
        assert lines_of(folder / "checkpoint" / "generated.jsonl")
        return
    done = relaxations(folder)
    assert {name for name, _ in done} == {"start": set(), "loose": {"loose"}, "tight": {"loose", "tight"}}[
        stage
    ]

    before = (folder / "checkpoint" / "candidates.json").read_bytes()
    outcome = run(*shlex.split(command)[1:])
    assert outcome.code == 0
    after = relaxations(folder)
    assert after[: len(done)] == done
    assert len(set(after)) == len(after), "a finished relaxation was computed again"
    assert (folder / "checkpoint" / "candidates.json").read_bytes() == before
    assert json.loads((folder / "run.json").read_text())["complete"] is True


@pytest.mark.slow
def test_generation_goes_on_where_it_stopped_and_ends_in_the_same_list(run: Run, tmp_path: Path) -> None:
    options = ("NaCl", "--candidates", "70", "--max-atoms", "4", "--no-relax")
    assert run("predict", *options, "--out", "whole").code == 0
    broken = tmp_path / "broken"
    assert run("predict", *options, "--out", broken).code == 0
    # As after an interrupt in the second part of the generation: its line is torn, and nothing came after.
    parts = broken / "checkpoint" / "generated.jsonl"
    *first, last = parts.read_text().splitlines()
    assert first
    parts.write_text("\n".join([*first, last[:200]]))
    (broken / "checkpoint" / "candidates.json").unlink()
    (broken / "summary.csv").unlink()
    assert run("predict", "--resume", "--out", broken).code == 0
    assert (broken / "summary.csv").read_bytes() == (tmp_path / "whole" / "summary.csv").read_bytes()
    lines = parts.read_text().splitlines()
    assert (lines[: len(first)], lines[-1]) == (first, last)


def test_torn_line_of_a_killed_run_does_not_swallow_the_next_one(run: Run, tmp_path: Path) -> None:
    assert run("predict", "NaCl", *RELAXED, "--out", "run").code == 0
    folder = tmp_path / "run"
    whole = (folder / "summary.csv").read_bytes()
    path = folder / "checkpoint" / "relaxations.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n" + lines[-2][:50])
    (folder / "summary.csv").unlink()
    for _ in range(2):  # the second time everything is there
        assert run("predict", "--resume", "--out", "run").code == 0
    assert (folder / "summary.csv").read_bytes() == whole
    assert len([line for line in path.read_text().splitlines() if line.endswith("}")]) == len(lines)


@pytest.mark.slow
def test_interrupt_in_a_list_names_the_command_for_the_whole_list(
    start: Callable[..., subprocess.Popen[str]],
    run: Run,
    tmp_path: Path,
    rows_of: Rows,
) -> None:
    folder = tmp_path / "batch"
    process = start("predict", "NaCl", "MgO", *QUICK, "--out", folder)
    _, err = interrupt_when(process, (folder / "MgO" / "checkpoint" / "request.json").is_file)
    assert process.returncode == 130
    assert f"Resume the whole list with: alphacrystal predict --resume --out {folder}" in err
    index = rows_of(folder / "index.csv")
    assert [row["status"] for row in index] == ["done", "interrupted"]
    kept = (folder / "NaCl" / "run.json").read_bytes()
    assert run("predict", "--resume", "--out", folder).code == 0
    assert (folder / "NaCl" / "run.json").read_bytes() == kept
    assert [row["status"] for row in rows_of(folder / "index.csv")] == ["done", "done"]


def test_finished_run_has_nothing_to_resume(run: Run, finished_run: Path) -> None:
    kept = (finished_run / "run.json").read_bytes()
    outcome = run("predict", "--resume", "--out", "run")
    assert outcome.code == 0
    assert "finished: there is nothing to resume" in outcome.out
    assert (finished_run / "run.json").read_bytes() == kept


def test_lost_report_is_written_again(run: Run, finished_run: Path) -> None:
    (finished_run / "report.html").unlink()
    (finished_run / "summary.csv").write_text("nonsense")
    assert run("view", "run").code == 2
    assert run("predict", "NaCl", *QUICK, "--resume", "--out", "run").code == 0
    assert (finished_run / "report.html").is_file()
    assert run("view", "run").code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["NaCl", "--seed", "3"], "started with seed = 0"),
        (["NaCl", "--space-group", "225"], "started with space_group = none"),
        (["--relax"], "started with relax = False"),
        (["KCl"], "is of NaCl, not of KCl"),
        (["NaCl", "KCl"], "is of NaCl, not of NaCl, KCl"),
    ],
)
def test_resumed_run_keeps_its_formula_and_settings(
    run: Run, finished_run: Path, arguments: list[str], sentence: str
) -> None:
    kept = (finished_run / "run.json").read_bytes()
    outcome = run("predict", *arguments, "--resume", "--out", "run")
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert (finished_run / "run.json").read_bytes() == kept


def test_resume_needs_a_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        outcome = run("predict", "NaCl", "--resume", "--out", name)
        assert outcome.code == 2
        assert f"{name} holds no run to resume" in outcome.sentence
    assert not (tmp_path / "missing").exists()


def test_damaged_checkpoint_is_named(run: Run, finished_run: Path) -> None:
    (finished_run / "report.html").unlink()
    for name in ("candidates.json", "request.json"):
        (finished_run / "checkpoint" / name).write_text("{")
        outcome = run("predict", "--resume", "--out", "run")
        assert outcome.code == 2
        assert f"{name} is damaged" in outcome.sentence


@pytest.mark.slow
def test_termination_is_an_interrupt_too(
    start_new_process: Callable[..., subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = start_new_process(
        "predict", "NaCl", "--candidates", "200", "--max-atoms", "8", "--no-relax", "--out", "run"
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Interrupted; resume with" in err

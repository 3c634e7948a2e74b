"""`alphacrystal campaign`: many formulas, bad ones among them, interrupts, and what is refused."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")


@pytest.fixture
def formulas(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("formula,space_group\nNaCl,\nNaXx,\nNaCl,221\n")
    return path


def test_each_formula_has_a_line_and_a_folder_without_a_page(
    run: Run, tmp_path: Path, formulas: Path, rows_of: Rows
) -> None:
    outcome = run("campaign", formulas, *QUICK, "--out", "all")
    assert outcome.code == 0, outcome.err
    assert "2 of 3 formulas done" in outcome.out
    assert "alphacrystal campaign --resume --out all --retry-failed" in outcome.out
    index = rows_of(tmp_path / "all" / "index.csv")
    assert [row["status"] for row in index] == ["done", "failed", "done"]
    assert {index[0]["space_group_number"], index[2]["space_group_number"]} == {"225", "221"}
    for row in (index[0], index[2]):
        folder = tmp_path / "all" / row["folder"]
        assert len(rows_of(folder / "summary.csv")) == int(row["structures"])
        assert not (folder / "report.html").exists()
        assert not (folder / "checkpoint").exists()
    failures = rows_of(tmp_path / "all" / "failures.csv")
    assert [(row["number"], row["formula"], row["failure_type"]) for row in failures] == [
        ("2", "NaXx", "input")
    ]
    assert "Xx" in failures[0]["reason"]
    # A second time there is nothing to do.
    before = {path: path.read_bytes() for path in (tmp_path / "all").glob("runs/*/*/run.json")}
    assert run("campaign", formulas, "--resume", "--out", "all").code == 0
    assert all(path.read_bytes() == content for path, content in before.items())


def test_packed_campaign_has_one_file_per_formula(
    run: Run, tmp_path: Path, formulas: Path, rows_of: Rows
) -> None:
    assert run("campaign", formulas, *QUICK, "--pack", "--report", "--out", "all").code == 0
    index = rows_of(tmp_path / "all" / "index.csv")
    with zipfile.ZipFile(tmp_path / "all" / index[0]["folder"]) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {"summary.csv", "results.json", "report.html", "run.json"} <= names
    assert [path.suffix for path in (tmp_path / "all").glob("runs/*/[!.]*")] == [".zip", ".zip"]
    # An outcome that the store lost is read from its file.
    for path in (tmp_path / "all").glob("campaign.sqlite*"):
        path.unlink()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "all").glob("runs/*/*.zip")}
    (tmp_path / "all" / "campaign.sqlite").touch()
    assert run("campaign", formulas, *QUICK, "--pack", "--report", "--out", "all").code == 0
    assert rows_of(tmp_path / "all" / "index.csv")[0]["structures"] == index[0]["structures"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_interrupt_keeps_what_is_finished_and_says_how_to_go_on(
    start: Callable[..., subprocess.Popen[str]], run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("NaF\nNaCl\nKF\n")
    folder = tmp_path / "all"
    process = start("campaign", listed, *QUICK, "--out", folder)
    for _ in range(12_000):
        if list(folder.glob("runs/*/*/run.json")):
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"Interrupted; resume with: alphacrystal campaign --resume --out {folder}" in err.splitlines()
    done = {row["formula"] for row in rows_of(folder / "index.csv") if row["status"] == "done"}
    assert len(rows_of(folder / "index.csv")) == 3
    assert len(done) < 3
    kept = {path: path.read_bytes() for path in folder.glob("runs/*/*/run.json")}
    assert run("campaign", "--resume", "--out", folder).code == 0
    assert {row["status"] for row in rows_of(folder / "index.csv")} == {"done"}
    whole = [path for path, content in kept.items() if b'"complete": true' in content]
    assert whole
    assert all(path.read_bytes() == kept[path] for path in whole)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Give a list of formulas, for example: alphacrystal campaign formulas.csv."),
        (("none.csv",), "none.csv cannot be read as a list of formulas: No such file or directory."),
        (("empty.txt",), "empty.txt holds no formula."),
        (("other.csv",), "other.csv has no column named formula; its first line is 'a,b'."),
        (("one.txt", "--potential", "newton"), "newton"),
        (("one.txt", "--hull", "none.json"), "There is no none.json, which the setting hull names."),
        (("one.txt", "--scheduler", "tcp://127.0.0.1:9", "--formula-seconds", "5"), "leave it out with"),
        (("one.txt", "--retry-failed"), "--retry-failed needs --resume."),
        (("one.txt", "--top", "0"), "Setting top"),
        (("--resume",), "--resume needs the folder"),
        (("--resume", "--out", "nothing"), "nothing holds no campaign to resume"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "one.txt").write_text("NaCl\n")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    outcome = run("campaign", *arguments, *(() if "--out" in arguments else ("--out", "all")))
    if arguments == ("--resume",):
        outcome = run("campaign", "--resume")
    assert outcome.code == 2
    assert sentence in outcome.sentence
    assert not list((tmp_path / "all").glob("runs/*"))


def test_campaign_keeps_its_list_its_settings_and_its_client(
    run: Run, tmp_path: Path, formulas: Path
) -> None:
    assert run("campaign", formulas, *QUICK, "--out", "all").code == 0
    again = run("campaign", formulas, *QUICK, "--out", "all")
    assert (again.code, "is not empty" in again.sentence) == (2, True)
    other = tmp_path / "other.txt"
    other.write_text("MgO\n")
    assert "another list" in run("campaign", other, "--resume", "--out", "all").sentence
    assert "candidates = 2" in run("campaign", "--resume", "--candidates", "3", "--out", "all").sentence
    assert "keeps its --report" in run("campaign", "--resume", "--report", "--out", "all").sentence
    lock = os.open(tmp_path / "all" / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert "in use by another process" in run("campaign", "--resume", "--out", "all").sentence
    os.close(lock)
    assert run("campaign", "--resume", "--out", "all").code == 0

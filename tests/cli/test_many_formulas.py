"""Several formulas in one command: subfolders, index.csv, and one that fails in the middle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Rows = Callable[[Path], list[dict[str, str]]]
QUICK = ("--candidates", "2", "--max-atoms", "4", "--no-relax")


def test_failing_formula_in_the_middle_does_not_stop_the_others(
    run: Run, tmp_path: Path, rows_of: Rows
) -> None:
    outcome = run("predict", "NaCl", "NaXx", "MgO", *QUICK, "--out", "batch")
    assert outcome.code == 2
    assert "NaXx: " in outcome.err
    assert "2 of 3 formulas done" in outcome.out
    index = rows_of(tmp_path / "batch" / "index.csv")
    assert [(row["formula"], row["status"], row["folder"]) for row in index] == [
        ("NaCl", "done", "NaCl"),
        ("NaXx", "failed", ""),
        ("MgO", "done", "MgO"),
    ]
    assert "Xx" in index[1]["reason"]
    assert index[0]["space_group_number"] == "225"
    for name in ("NaCl", "MgO"):
        assert rows_of(tmp_path / "batch" / name / "summary.csv")


def test_list_with_cells_and_space_groups_is_followed(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    (tmp_path / "list.csv").write_text(
        "formula,cell,space_group\nNaCl,,\nNaCl,Na2Cl2,\nNaCl,,221\nNaCl,Na2Cl,\nNaCl,,\n"
    )
    outcome = run("predict", "--from", "list.csv", *QUICK, "--out", "batch")
    assert outcome.code == 2
    index = rows_of(tmp_path / "batch" / "index.csv")
    assert [row["status"] for row in index] == ["done", "done", "done", "failed", "done"]
    folders = [row["folder"] for row in index]
    assert len(set(folders)) == 5
    assert {row["cell_formula"] for row in rows_of(tmp_path / "batch" / folders[1] / "summary.csv")} == {
        "Na2Cl2"
    }
    found = rows_of(tmp_path / "batch" / folders[2] / "summary.csv")
    assert {row["space_group_number"] for row in found} == {"221"}


def test_text_file_has_one_formula_a_line(run: Run, tmp_path: Path, rows_of: Rows) -> None:
    (tmp_path / "list.txt").write_text("# oxides\nMgO\n\nCaO\n")
    assert run("predict", "--from", "list.txt", *QUICK, "--out", "batch").code == 0
    assert [row["formula"] for row in rows_of(tmp_path / "batch" / "index.csv")] == ["MgO", "CaO"]


def test_resumed_list_keeps_what_is_finished(run: Run, finished_list: Path, rows_of: Rows) -> None:
    kept = (finished_list / "NaCl" / "run.json").read_bytes()
    (finished_list / "MgO" / "report.html").unlink()
    outcome = run("predict", "--resume", "--out", "batch")
    assert outcome.code == 0
    assert (finished_list / "NaCl" / "run.json").read_bytes() == kept
    assert (finished_list / "MgO" / "report.html").is_file()
    assert [row["status"] for row in rows_of(finished_list / "index.csv")] == ["done", "done"]


@pytest.mark.usefixtures("finished_list")
def test_resumed_list_must_be_the_same_list(run: Run) -> None:
    assert run("predict", "NaCl", "MgO", *QUICK, "--resume", "--out", "batch").code == 0
    outcome = run("predict", "NaCl", "CaO", "--resume", "--out", "batch")
    assert outcome.code == 2
    assert "another list of formulas" in outcome.sentence

"""inspect over lists: the same answers as one by one, as they come, and nothing lost on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[..., Any]
# Elements to quinaries; TiO2 twice, once after formulas that share its stoichiometry
FORMULAS = ["TiO2", "Fe", "CaF2", "KNaCaMgO3", "U13Np7", "SrTiO3", "MgF2", "TiO2"]


def test_a_list_gives_what_its_formulas_give_alone_in_their_order(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n".join(FORMULAS))
    assert run("inspect", "--from", "list.txt", "--output", "all.jsonl", "--max-atoms", "12").code == 2
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    kept = [formula for formula in FORMULAS if formula != "U13Np7"]  # 20 atoms do not fit in 12
    for formula, line in zip(kept, lines, strict=True):
        assert run("inspect", formula, "--output", "one.jsonl", "--max-atoms", "12").code == 0
        together, alone = json.loads(line), json.loads((tmp_path / "one.jsonl").read_text())
        assert together["formula"] == alone["formula"]
        assert together["hypotheses"] == alone["hypotheses"]
        for one, other in zip(together["cells"], alone["cells"], strict=True):
            assert one["cell_formula"] == other["cell_formula"]
            assert np.allclose(one["probabilities"], other["probabilities"], atol=2e-5)
    assert lines[0] == lines[-1]


def test_lines_are_what_a_json_writer_would_write(run: Run, tmp_path: Path) -> None:
    outcome = run("inspect", "Al2O3", "--json")
    assert outcome.out == json.dumps(json.loads(outcome.out)) + "\n"


def test_a_list_without_a_good_formula_leaves_an_empty_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("of an earlier run\n")
    (tmp_path / "list.txt").write_text("Xx\nYy\n")
    outcome = run("inspect", "--from", "list.txt", "--output", "out.jsonl")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 2
    assert (tmp_path / "out.jsonl").read_text() == ""


def test_a_bad_formula_leaves_an_older_file_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("of an earlier run\n")
    assert run("inspect", "Xx", "--output", "out.jsonl").code == 2
    assert (tmp_path / "out.jsonl").read_text() == "of an earlier run\n"


def test_long_lists_show_their_progress_and_short_ones_do_not(run: Run, tmp_path: Path) -> None:
    for count in (3, 20):
        (tmp_path / "list.txt").write_text("\n".join(["Fe"] * count))
        outcome = run("inspect", "--from", "list.txt", "--output", "out.jsonl", "--max-atoms", "2")
        assert outcome.code == 0
        assert (f"formulas {count}/{count}" in outcome.err) == (count == 20)
    assert outcome.err.splitlines()[0].startswith("inspect: formulas 1/20")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_list_keeps_what_is_finished(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "list.txt").write_text("\n".join(["NaCl", "MgO"] * 2000))
    target = tmp_path / "out.jsonl"
    process = start("inspect", "--from", tmp_path / "list.txt", "--output", target)
    deadline = time.monotonic() + 120
    while not (target.is_file() and target.read_text().count("\n") >= 3):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == 128 + number
    text = target.read_text()
    assert text.endswith("\n")
    formulas = [json.loads(line)["formula"] for line in text.splitlines()]
    assert 3 <= len(formulas) < 4000
    assert formulas == (["NaCl", "MgO"] * 2000)[: len(formulas)]


def test_list_is_not_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("NaCl\n")
    outcome = run("inspect", "--from", "list.txt", "--output", tmp_path / "list.txt")
    assert outcome.code == 2
    assert "list.txt is the list of formulas" in outcome.sentence
    assert (tmp_path / "list.txt").read_text() == "NaCl\n"

"""`alphacrystal benchmark models`: its options and errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_help_names_the_options(run: Run) -> None:
    outcome = run("benchmark", "models", "--help")
    assert outcome.code == 0
    for option in ("--data", "--out", "--cache", "--page", "--json", "--models", "--no-forests", "--trees"):
        assert option in outcome.out


def test_records_that_do_not_exist_are_named(run: Run) -> None:
    outcome = run("benchmark", "models", "--data", "nowhere.jsonl", "--out", "out", "--no-forests")
    assert outcome.code == 2
    assert "nowhere.jsonl" in outcome.sentence


def test_a_folder_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = run("benchmark", "models", "--data", "nowhere.jsonl", "--out", "file/out")
    assert outcome.code == 2
    assert "choose another --out" in outcome.sentence

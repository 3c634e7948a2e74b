"""Shell completion, and what it costs at the start: nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NAME = "alphacrystal"  # decides how the variables are called


def call(**environment: str) -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.argv = ['{NAME}']; from alphacrystal.cli import main; main()",
        ],
        check=False,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "completions"),
    [
        ("alphacrystal pre", ["predict"]),
        ("alphacrystal data s", ["stats", "subset"]),
        ("alphacrystal view --j", ["--json"]),
    ],
)
def test_verbs_and_options_are_completed(typed: str, completions: list[str]) -> None:
    asked = {"_ALPHACRYSTAL_COMPLETE": "complete_bash", "COMP_WORDS": typed}
    found = call(**asked, COMP_CWORD=str(len(typed.split()) - 1))
    assert sorted(found.split()) == completions

"""Shell completion, and what it costs at the start: nothing heavy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def test_bash_completes_with_what_the_command_prints_for_it() -> None:
    """In a real bash: the printed script is sourced, and its function answers as for the Tab key."""
    bash, script = shutil.which("bash"), Path(sys.executable).with_name(NAME)
    if bash is None or not script.is_file():
        pytest.skip("needs bash, and the command installed beside this Python")
    program = """
        source <(alphacrystal --show-completion bash)
        complete -p alphacrystal
        COMP_WORDS=(alphacrystal predict --po) COMP_CWORD=2
        _alphacrystal_completion alphacrystal
        echo "${COMPREPLY[@]}"
    """
    path = os.pathsep.join([str(script.parent), os.environ["PATH"]])
    done = subprocess.run(
        [bash, "--norc", "-c", program],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "complete -o default -F _alphacrystal_completion alphacrystal",
        "--potential",
    ]

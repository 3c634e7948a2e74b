"""Facts of a run that every result states: format, commit, versions, machine, date, seed and duration."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alphacrystal.report import RunRecord

UNKNOWN = "unknown"
FORMAT = 2  # of the results; format 1 had keys with blanks and commas


def measured(seed: int, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a computation with the facts of the run, and its wall time as ``minutes``."""
    facts, begin = run_facts(seed), time.monotonic()  # the checkout may change during the run
    result = compute()
    return {"format": FORMAT, **facts, **result, "minutes": round((time.monotonic() - begin) / 60, 1)}


def run_facts(seed: int) -> dict[str, Any]:
    """Commit, seed, UTC time, machine and package versions.

    The commit ends in "+" if the checkout has changes, and is "unknown" if the package was installed
    without its repository.
    """
    record = RunRecord(configuration={}, seed=seed)
    return {
        "commit": commit_of(Path(__file__)),
        "seed": seed,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(record.machine),
        "versions": dict(record.versions),
    }


def commit_of(file: Path) -> str:
    """Commit of the checkout that tracks a file, or "unknown" if none does."""
    folder = file.parent
    # A package installed below an unrelated repository (in a .venv, say) does not belong to its commit.
    if not _git(folder, "ls-files", "--", file.name):
        return UNKNOWN
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    return commit + ("+" if _git(folder, "status", "--porcelain") else "") if commit else UNKNOWN


def _git(folder: Path, *arguments: str) -> str:
    try:
        process = subprocess.run(  # the git of the user
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return process.stdout.strip()

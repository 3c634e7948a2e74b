"""What every benchmark prints beside its numbers: commit, versions, machine, date, seed."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alphacrystal.report import RunRecord

UNKNOWN = "unknown"


def run_facts(seed: int) -> dict[str, Any]:
    """Commit, seed, UTC time, machine and package versions.

    The commit ends in "+" where the tree has changes, and is "unknown" where the package was installed
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
    """Commit of the checkout that tracks a file, or "unknown" where none does."""
    folder = file.parent
    # A package installed below someone else's repository (a .venv, say) is not of that repository's commit.
    if not _git(folder, "ls-files", "--", file.name):
        return UNKNOWN
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    return commit + ("+" if _git(folder, "status", "--porcelain") else "") if commit else UNKNOWN


def _git(folder: Path, *arguments: str) -> str:
    try:
        found = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return found.stdout.strip()

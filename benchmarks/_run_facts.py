"""What every benchmark prints beside its numbers: commit, versions, machine, date, seed."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alphacrystal.report import RunRecord


def run_facts(seed: int) -> dict[str, Any]:
    """Commit (with "+" where the tree has changes), seed, UTC time, machine and package versions."""
    here = Path(__file__).parent
    commit = _git(here, "rev-parse", "--short", "HEAD") + ("+" if _git(here, "status", "--porcelain") else "")
    record = RunRecord(configuration={}, seed=seed)
    return {
        "commit": commit,
        "seed": seed,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(record.machine),
        "versions": dict(record.versions),
    }


def _git(folder: Path, *arguments: str) -> str:
    found = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return found.stdout.strip() or ""

"""Where a run goes when the user names no folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path


def default_folder(name: str) -> Path:
    """runs/NAME-TIME, with a suffix where two runs start in one second."""
    base = f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    folder = Path("runs") / base
    for number in range(2, 1000):
        if not folder.exists():
            break
        folder = Path("runs") / f"{base}-{number}"
    return folder

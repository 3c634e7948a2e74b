"""Data that lies beside the checkout or the working folder, for benchmarks that are given no --data."""

from __future__ import annotations

import sys
from pathlib import Path

DATA = Path("shared") / "data"


def data_beside(name: Path) -> Path | None:
    """A file or folder of ``shared/data`` next to the working folder, the checkout or the environment."""
    for folder in (Path.cwd().parent, *Path(__file__).parents, Path(sys.prefix).parent.parent):
        if (folder / DATA / name).exists():
            return folder / DATA / name
    return None

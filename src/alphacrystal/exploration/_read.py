"""Results of an exploration, read back from ``hull.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alphacrystal.errors import InputError
from alphacrystal.exploration._results import JSON_FILE
from alphacrystal.exploration._summary import MAX_PHASES, SHARED, HullFacts, HullSummary, parsed_facts
from alphacrystal.exploration._table import HullRow
from alphacrystal.runtime.bounded_files import read_bounded_text

MAX_BYTES = 50_000_000


class StoredHull(HullFacts):
    """A hull as ``hull.json`` has it.

    Attributes:
        failures: Reason by run folder.
        phases: The rows of ``hull.csv``, in its order.
    """

    format: Literal["alphacrystal-hull"]
    failures: dict[str, str]
    phases: tuple[HullRow, ...]


def parse_hull(content: bytes | str, path: Path) -> StoredHull:
    """The hull in the content of a ``hull.json``.

    Args:
        content: Content of the file.
        path: Path of the file, for messages.

    Raises:
        InputError: It is damaged, or of a newer version of this program.
    """
    return parsed_facts(StoredHull, content, path)


def summary_of(hull: StoredHull) -> HullSummary:
    """The summary of a hull that was read."""
    return HullSummary(
        **{name: getattr(hull, name) for name in SHARED},
        failed_formulas=len(hull.failures),
        all_phases=len(hull.phases),
        phases=hull.phases[:MAX_PHASES],
    )


def read_hull(folder: Path | str) -> StoredHull:
    """The hull of an exploration, or of one pressure of it.

    Args:
        folder: Folder of the exploration; of several pressures, its folder of one pressure, e.g. "20GPa".

    Raises:
        InputError: There is none, or it is damaged.
    """
    path = Path(folder) / JSON_FILE
    try:
        return parse_hull(read_bounded_text(path, MAX_BYTES), path)
    except FileNotFoundError as error:
        raise InputError(f"{folder} has no {JSON_FILE}: give the folder of an exploration.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: repeat the exploration with --resume.") from error

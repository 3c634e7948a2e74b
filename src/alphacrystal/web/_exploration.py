"""Explorations below the runs folder: those of the server and those of the command line."""

from __future__ import annotations

import errno
import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel

from alphacrystal.errors import FolderGoneError, InputError, MissingError, NewerFormatError
from alphacrystal.exploration import (
    JSON_FILE,
    LOG_FILE,
    MAX_PRESSURES,
    PAGE_FILE,
    PRESSURES_FIGURE,
    SUMMARY_FILE,
    ExploreLog,
    HullSummary,
    parse_hull,
    parse_log,
    parse_summary,
    summary_of,
)
from alphacrystal.report import pressure_folder
from alphacrystal.web._files import VersionedCache, is_regular, open_file, read_file, stat_entry, version_of
from alphacrystal.web._library import time_of
from alphacrystal.web._names import check_name, is_name

MAX_LOG_BYTES = 8_000_000  # of explore.json; one of 10,000 formulas has 1.5 MB
MAX_HULL_BYTES = 8_000_000  # of hull.json, which is read where there is no summary
MAX_SUMMARY_BYTES = 2_000_000  # of hull_summary.json; 200 phases have 0.15 MB
_MAX_KEPT = 64  # logs and hulls in memory
NOUN = "exploration"


class ExplorationLine(BaseModel):
    """An exploration in the list.

    Attributes:
        id: Name of its folder.
        system: For example "Li-P-S"; "" if it is damaged.
        pressures_gpa: GPa.
        formulas: Formulas that were predicted or have failed.
        rounds: Finished rounds.
        on_hull: Compounds on the hull at the lowest pressure.
        stopped: Why it ended, "" while it runs or if it was interrupted.
        written: When its results were written last.
        problem: One sentence if it cannot be read, else "".
    """

    id: str
    system: str = ""
    pressures_gpa: list[float] = []
    formulas: int = 0
    rounds: int = 0
    on_hull: list[str] = []
    stopped: str = ""
    written: datetime
    problem: str = ""


class ExplorationLibrary:
    """Reads explorations by the name of their folder; links are not followed below the root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._logs: VersionedCache[ExploreLog] = VersionedCache(_MAX_KEPT)
        self._hulls: VersionedCache[HullSummary] = VersionedCache(_MAX_KEPT)

    def names(self) -> list[str]:
        """Names of the folders of explorations, the one written last first.

        Raises:
            FolderGoneError: The runs folder cannot be read.
        """
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            raise FolderGoneError(
                "The runs folder is not there: restore it or restart the server."
            ) from error
        found = [name for name in names if is_name(name) and is_exploration(self.root, name)]
        return sorted(found, key=lambda name: (-self._written(name), name))

    def line(self, name: str) -> ExplorationLine:
        """One exploration of the list; a damaged one has a sentence."""
        written = time_of(self._written(name))
        try:
            log = self.log(name)
            hull = self.hull(name, log.pressures[0])
        except (MissingError, InputError) as error:
            return ExplorationLine(id=name, written=written, problem=str(error))
        return ExplorationLine(
            id=name,
            system="-".join(log.elements),
            pressures_gpa=log.pressures,
            formulas=0 if hull is None else hull.predicted_formulas,
            rounds=0 if hull is None else hull.rounds,
            on_hull=[] if hull is None else compounds(hull),
            stopped=log.stopped,
            written=written,
        )

    def log(self, name: str) -> ExploreLog:
        """The log of an exploration.

        Raises:
            MissingError: There is no exploration of this name.
            InputError: Its log is damaged.
        """
        check_name(name, NOUN)
        try:
            version = version_of(stat_entry(self.root, name, LOG_FILE))
            return self._logs.get((name,), version, lambda: read_exploration_log(self.root, name))
        except OSError as error:
            raise MissingError("There is no exploration of this name.") from error

    def hull(self, name: str, pressure_gpa: float) -> HullSummary | None:
        """The summary of the hull at a pressure, None before the end of the first round.

        Raises:
            MissingError: There is no exploration of this name, or it has no such pressure.
            InputError: A file is damaged.
        """
        folder = self.place(name, pressure_gpa)
        for file in (SUMMARY_FILE, JSON_FILE):  # folders of older versions have no summary
            place = (*folder, file)
            try:
                version = version_of(stat_entry(self.root, *place))
            except OSError:
                continue
            return self._hulls.get(place, version, partial(self._read_hull, name, place))
        return None

    def place(self, name: str, pressure_gpa: float) -> tuple[str, ...]:
        """Place of the results at a pressure below the runs folder.

        Raises:
            MissingError: There is no exploration of this name, or it has no such pressure.
            InputError: Its log is damaged.
        """
        pressures = self.log(name).pressures
        if pressure_gpa not in pressures:
            raise MissingError(f"The exploration has no hull at {pressure_gpa:g} GPa.")
        return (name, *_hull_folder(tuple(pressures), pressure_gpa))

    def open(self, place: tuple[str, ...]) -> BinaryIO:
        """Open a file of an exploration.

        Raises:
            MissingError: There is none, or it is a link.
        """
        try:
            return open_file(self.root, *place)
        except OSError as error:
            raise MissingError("The exploration has no such file yet.") from error

    def _read_hull(self, name: str, place: tuple[str, ...]) -> HullSummary:
        file = place[-1]
        try:
            if file == SUMMARY_FILE:
                content = read_file(self.root, *place, limit=MAX_SUMMARY_BYTES)
                return parse_summary(content, Path(file))
            content = read_file(self.root, *place, limit=MAX_HULL_BYTES)
            return summary_of(parse_hull(content, Path(file)))
        except NewerFormatError as error:
            raise NewerFormatError(f"The exploration {name}", error.version, error.supported) from error
        except OSError as error:
            if error.errno == errno.EFBIG and file == JSON_FILE:
                raise InputError(
                    f"The exploration {name} is of an older version, and its {JSON_FILE} has more than "
                    f"{MAX_HULL_BYTES / 1e6:g} MB: resume it with alphacrystal explore --resume, which "
                    f"writes {SUMMARY_FILE}."
                ) from error
            raise InputError(_damaged_hull(name, file)) from error
        except InputError as error:
            raise InputError(_damaged_hull(name, file)) from error

    def _written(self, name: str) -> int:
        """When the last file of a round was written, in ns: the others are then those of this round."""
        for place in self._last_files(name):
            with suppress(OSError):
                return stat_entry(self.root, *place).st_mtime_ns
        return 0

    def _last_files(self, name: str) -> Iterator[tuple[str, ...]]:
        """Places of the files of a round, the one that is written last first."""
        with suppress(MissingError, InputError):
            pressures = self.log(name).pressures
            if len(pressures) > 1:
                yield name, f"{PRESSURES_FIGURE}.svg"
            folder = self.place(name, pressures[-1])
            yield *folder, PAGE_FILE
            yield *folder, SUMMARY_FILE
            yield *folder, JSON_FILE
        yield name, LOG_FILE


def compounds(hull: HullSummary) -> list[str]:
    """The formulas on a hull, without the elements."""
    return [formula for formula in hull.on_hull if formula not in hull.elements]


def is_exploration(root: Path, name: str) -> bool:
    """Whether a folder below ``root`` contains an exploration."""
    return is_regular(root, name, LOG_FILE)


def has_hull(root: Path, name: str, pressures: tuple[float, ...]) -> bool:
    """Whether a hull of an exploration is written."""
    return any(is_regular(root, name, *_hull_folder(pressures, item), JSON_FILE) for item in pressures)


def is_finished(root: Path, name: str) -> bool:
    """Whether an exploration has ended with its budget, or because nothing is left."""
    try:
        return read_exploration_log(root, name).stopped != ""
    except (OSError, InputError):
        return False


def read_exploration_log(root: Path, name: str) -> ExploreLog:
    """The log of the exploration in a folder below ``root``.

    Raises:
        OSError: There is none.
        InputError: It is damaged, too large or of a newer version.
    """
    content = read_file(root, name, LOG_FILE, limit=MAX_LOG_BYTES)
    try:
        log = parse_log(content, Path(LOG_FILE))
    except NewerFormatError as error:
        raise NewerFormatError(f"The exploration {name}", error.version, error.supported) from error
    except InputError as error:
        raise InputError(_damaged_log(name)) from error
    pressures = log.pressures
    is_ascending = pressures == sorted(set(pressures)) and all(map(math.isfinite, pressures))
    symbols = all(re.fullmatch("[A-Z][a-z]?", symbol) for symbol in log.elements)
    if not symbols or not is_ascending or not 1 <= len(pressures) <= MAX_PRESSURES:
        raise InputError(_damaged_log(name))
    return log


def _hull_folder(pressures: tuple[float, ...], pressure_gpa: float) -> tuple[str, ...]:
    """Folder of the results at a pressure below that of an exploration: several have one each."""
    return (pressure_folder(Path(), pressure_gpa).name,) if len(pressures) > 1 else ()


def _damaged_hull(name: str, file: str) -> str:
    return f"The exploration {name} is damaged: {file} cannot be read; resume it."


def _damaged_log(name: str) -> str:
    return f"The exploration {name} is damaged: {LOG_FILE} cannot be read; start a new one."

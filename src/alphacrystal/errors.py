"""The errors of the package with their exit codes, and their sentences for the user."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


#: Error numbers of a full disk.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MAX_QUOTED = 300  # characters of a clause that may quote a file


class AlphaCrystalError(Exception):
    """Base class of all errors of this package; the message is one sentence."""

    exit_code = 1


class InputError(AlphaCrystalError):
    """The user's input cannot be used; the message names the input and the fix."""

    exit_code = 2


class NewerFormatError(InputError):
    """A file has a newer format than this version reads.

    Args:
        name: Name of the file, or its path.
        version: Its format version.
        supported: The newest format version that can be read.
    """

    def __init__(self, name: object, version: int, supported: int) -> None:
        self.version, self.supported = version, supported
        super().__init__(
            f"{name} was written by a newer AlphaCrystal (format {version}; this version reads up to "
            f"{supported}): upgrade."
        )


class WeightsError(AlphaCrystalError):
    """A weights file is missing, corrupt or not the one its model card describes."""

    exit_code = 2


class PotentialError(AlphaCrystalError):
    """A potential is unknown, cannot be loaded, or gives wrong reference energies."""

    exit_code = 2


class FolderInUseError(InputError):
    """Another process writes into the folder."""


class MissingError(InputError):
    """The server has no job, run or structure of this name."""


class ConflictError(InputError):
    """The state of a job or its folder does not allow the action."""


class TooLargeError(InputError):
    """A file is larger than the server accepts."""


class WrongTokenError(AlphaCrystalError):
    """The token of a request differs from that of the server."""


class QueueFullError(AlphaCrystalError):
    """Too many jobs wait."""


class StorageLimitError(AlphaCrystalError):
    """The runs have reached the limit of disk space."""


class FolderGoneError(AlphaCrystalError):
    """The runs folder was deleted or cannot be read."""


class OverloadedError(AlphaCrystalError):
    """Too many computations wait."""


class TimeLimitError(AlphaCrystalError):
    """A computation was stopped at its time limit."""


def explain(error: Exception) -> tuple[int, str]:
    """Exit code and sentence of an error: 2 for bad input, 1 for storage errors and internal failures."""
    if isinstance(error, AlphaCrystalError):
        return error.exit_code, str(error)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        where = f"Cannot write {error.filename}" if error.filename else "A file could not be written"
        return 1, f"{where}: the disk is full; free some space and repeat the command."
    if isinstance(error, RecursionError):
        return 2, "An input file is nested too deeply to be read."
    if isinstance(error, MemoryError):
        return 1, "The memory did not suffice: use a smaller --candidates or --max-atoms, or fewer --workers."
    return 1, (
        f"Internal failure ({type(error).__name__}: {error}). "
        "Set ALPHACRYSTAL_DEBUG=1 to see where, and please report it."
    )


def validation_problem(error: ValidationError) -> str:
    """The first field that a pydantic schema refuses and the reason, in one clause."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    message = _PROBLEMS.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return one_line(f"{field}: {message}" if field else message)


def one_line(text: str) -> str:
    """Text that may quote a file, shortened, with a question mark for each character that does not print."""
    shown = text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]} …"
    return "".join(character if character.isprintable() else "?" for character in shown)


#: Plain words for the problems that pydantic reports in terms of Python.
_PROBLEMS = {
    "missing": "it is missing",
    "finite_number": "it must be a finite number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "string_type": "it must be text",
    "bool_type": "it must be true or false",
    "list_type": "it must be a list",
    "model_type": "it must be an object with named values",
    "model_attributes_type": "it must be an object with named values",
    "dict_type": "it must be an object with named values",
    "too_short": "it has too few items",
    "too_long": "it has too many items",
}

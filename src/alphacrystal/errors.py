"""The errors a user can meet, each with the exit code the command line gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


MAX_QUOTED = 300  # characters of a clause that may quote a file


class AlphaCrystalError(Exception):
    """Base of every error this package raises on purpose; its text is one clear sentence."""

    exit_code = 1


class InputError(AlphaCrystalError):
    """The user's input cannot be used; the text names the input and the fix."""

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


class Interrupted(AlphaCrystalError):
    """The user stopped the run; the finished part is on disk."""

    exit_code = 130


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

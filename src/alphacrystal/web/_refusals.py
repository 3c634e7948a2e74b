"""Why the server says no, each with its HTTP status."""

from __future__ import annotations

from alphacrystal.errors import AlphaCrystalError, InputError


class MissingError(InputError):
    """There is no job, run or structure of this name."""

    status = 404


class ConflictError(InputError):
    """The job is not in a state that allows this."""

    status = 409


class BusyError(AlphaCrystalError):
    """Too many jobs wait already."""

    status = 429


class StorageLimitError(AlphaCrystalError):
    """The runs take as much of the disk as they may."""

    status = 409


class FolderGoneError(AlphaCrystalError):
    """The runs folder was deleted or cannot be read."""

    status = 503


class OverloadedError(AlphaCrystalError):
    """Too many computations wait already."""

    status = 503


class LateError(AlphaCrystalError):
    """A computation was stopped at its time limit."""

    status = 504


def status_of(error: AlphaCrystalError) -> int:
    """HTTP status: that of the refusal, 422 for other bad input, 500 for internal failures."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return status
    return 422 if error.exit_code == 2 else 500

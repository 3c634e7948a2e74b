"""The folder a command writes to, when one is named."""

from __future__ import annotations

from pathlib import Path


def make_folder(out: Path) -> None:
    """Make the folder a command writes to.

    Raises:
        InputError: It cannot be written.
    """
    from alphacrystal.errors import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The output folder {out} cannot be written ({error.strerror}): choose another --out."
        ) from error

"""Checks that writing and deleting never leave an output folder through a link."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from alphacrystal.errors import InputError


def refuse_links(folder: Path) -> None:
    """Refuse a folder with links in it: writing through one would change files outside.

    Hard links are refused too, and pipes, sockets and devices, which would block a reader. The folder itself
    may be reached through links.

    Raises:
        InputError: Names the first link or irregular file.
    """
    for place, folders, files in os.walk(folder):
        for name in sorted(folders):
            if Path(place, name).is_symlink():
                raise InputError(_link_sentence(Path(place, name)))
        for name in sorted(files):
            path = Path(place, name)
            state = path.lstat()
            if stat.S_ISLNK(state.st_mode) or (stat.S_ISREG(state.st_mode) and state.st_nlink > 1):
                raise InputError(_link_sentence(path))
            if not stat.S_ISREG(state.st_mode):
                raise InputError(f"{path} is no regular file; remove it.")


def check_inside(path: Path, root: Path) -> None:
    """Refuse a path that leads out of a folder, or reaches its place through a link below the folder.

    Args:
        path: ``root`` / something; it need not exist.
        root: The folder; it may itself be reached through links.

    Raises:
        InputError: The path leads out of the folder, or a link is part of it.
    """
    try:
        below = path.relative_to(root)
        inside = ".." not in below.parts and path.resolve() == root.resolve() / below
    except (ValueError, OSError, RuntimeError):
        inside = False
    if not inside:
        raise InputError(f"{path} leads out of the folder {root}: remove the link.")


def remove_folder(folder: Path, root: Path) -> None:
    """Delete a folder below ``root`` with all its files; links in it are deleted, never followed.

    Raises:
        InputError: It is not below ``root``, or is reached through a link.
        OSError: The system refused it.
    """
    check_inside(folder, root)
    if folder.resolve() == root.resolve():
        raise InputError(f"{folder} is not below {root}, and is not deleted.")
    if folder.is_dir():
        shutil.rmtree(folder)


def _link_sentence(path: Path) -> str:
    return f"{path} is a link to another place; replace it by its target, or remove it."

"""Potentials from Python files that the user registered once, by name.

Only files in the user's folder are imported, and only when their name is used: a name from a run folder, a
campaign or a web request selects a registered file and can do no more.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from alphacrystal.errors import InputError, PotentialError
from alphacrystal.runtime.atomic_write import write_text_atomically
from alphacrystal.runtime.bounded_files import read_bounded_text

FOLDER_VARIABLE = "ALPHACRYSTAL_POTENTIALS"
FACTORY = "make_potential"  # function of a registered file
MAX_FILE_BYTES = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


def potentials_folder() -> Path:
    """Folder of the registered files.

    $ALPHACRYSTAL_POTENTIALS, or alphacrystal/potentials in $XDG_CONFIG_HOME or ~/.config.
    """
    if folder := os.environ.get(FOLDER_VARIABLE):
        return Path(folder)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "alphacrystal" / "potentials"


def registered_files() -> dict[str, Callable[[], object]]:
    """Functions that import the registered files and return their factories, by name of the potential."""
    try:
        files = sorted(potentials_folder().glob("*.py"))
    except (OSError, RuntimeError):  # no home folder
        return {}
    return {path.stem: _importer(path) for path in files if _NAME.fullmatch(path.stem) and path.is_file()}


def register_file(source: Path, name: str | None = None) -> str:
    """Copy a Python file into the folder of the user, so that its name is that of a potential.

    Args:
        source: File with a function ``make_potential`` without arguments, which returns an ASE calculator, a
            torch-sim model, a `Potential` or an `EnergyModel`.
        name: Name of the potential; that of the file if None.

    Returns:
        The name.

    Raises:
        InputError: The file cannot be read or is not Python, or the name is not allowed.
        AlphaCrystalError: The copy cannot be written.
    """
    chosen = source.stem if name is None else name
    if not _NAME.fullmatch(chosen) or chosen.endswith("+d3"):
        raise InputError(
            f"{chosen[:80]!r} cannot name a potential: use letters, digits, '.', '_' and '-' (--name NAME)."
        )
    try:
        text = read_bounded_text(source, MAX_FILE_BYTES)
        compile(text, str(source), "exec")
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{source} is not a Python file that can be registered: {error}.") from error
    folder = potentials_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be created: {error.strerror}.") from error
    write_text_atomically(folder / f"{chosen}.py", text)
    return chosen


def unregister_file(name: str) -> None:
    """Remove a registered file.

    Raises:
        InputError: No registered file has this name.
    """
    if name not in registered_files():
        names = ", ".join(registered_files()) or "none"
        raise InputError(f"No registered file has the name {name[:80]!r}; registered: {names}.")
    (potentials_folder() / f"{name}.py").unlink()


def _importer(path: Path) -> Callable[[], object]:
    def imported() -> object:
        if path.stat().st_mode & stat.S_IWOTH or path.parent.stat().st_mode & stat.S_IWOTH:
            raise PotentialError(
                f"Other users may write {path}, so it is not imported: chmod o-w the file and its folder."
            )
        spec = spec_from_file_location(f"alphacrystal_registered_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        if not callable(factory := getattr(module, FACTORY, None)):
            raise PotentialError(f"{path} has no function {FACTORY}: add one that returns the potential.")
        return factory

    return imported

"""Write structures of a run folder in the formats of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.export import _programs
from alphacrystal.export._listed import ListedStructure, listed_structures, parse_rows
from alphacrystal.export._optimade import optimade_json
from alphacrystal.export._supplement import supplement_zip
from alphacrystal.report import read_run_folder
from alphacrystal.runtime.atomic_write import replacing, storage_sentence
from alphacrystal.runtime.contained_paths import check_inside, refuse_links

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.report import RunSummary

#: Programs with a folder of input files for each structure: function of structure and name.
PROGRAMS: Mapping[str, Callable[[Structure, str], Mapping[str, str]]] = {
    "vasp": _programs.vasp,
    "qe": _programs.qe,
    "aims": _programs.aims,
    "cp2k": _programs.cp2k,
    "lammps": _programs.lammps,
}
#: Names of the export formats.
FORMATS = (*PROGRAMS, "optimade", "supplement")
EXPORT_FOLDER = "export"  # in the run folder
ROWS = (1, 2, 3, 4, 5)  # default, as far as the list has them
MAX_ATOMS = 5000  # in one exported structure

__all__ = ["FORMATS", "export", "parse_rows"]


def export(
    run: str | Path,
    to: str,
    *,
    rows: Sequence[int] | None = None,
    supercell: Sequence[int] = (1, 1, 1),
    primitive: bool = False,
    folder: str | Path | None = None,
    force: bool = False,
) -> list[Path]:
    """Write structures of a run folder for another program; the same input gives the same files.

    Args:
        run: The run folder.
        to: One of FORMATS.
        rows: Ranks; the first five by default.
        supercell: Multiples of the lattice vectors; only for programs.
        primitive: Primitive instead of conventional cells; only for programs.
        folder: Output folder; RUN/export/FORMAT if None.
        force: Replace files of an earlier export.

    Returns:
        The files.

    Raises:
        InputError: The format or a row does not exist, the run is damaged, or a file exists.
        AlphaCrystalError: A file cannot be written.
    """
    if to not in FORMATS:
        raise InputError(f"There is no export format {to[:40]}: choose from {', '.join(FORMATS)}.")
    if len(supercell) != 3 or any(number < 1 for number in supercell):
        raise InputError("A supercell needs three positive whole numbers, e.g. 2,2,2.")
    changes_cells = primitive or tuple(supercell) != (1, 1, 1)
    if to not in PROGRAMS and changes_cells:
        raise InputError(
            f"An export to {to} has the cells of the run: leave out --supercell and --primitive."
        )
    summary = read_run_folder(Path(run))
    if rows is None:
        rows = [row.rank for row in summary.rows if row.rank in ROWS]
    if not rows:
        raise InputError(f"The run {run} has no structure to export.")
    _check_sizes(summary, rows, supercell)
    listed = listed_structures(summary, rows, supercell=supercell, primitive=primitive)
    target = Path(folder) if folder is not None else Path(run) / EXPORT_FOLDER / to
    return _write(target, _contents(to, summary, listed), force=force)


def _check_sizes(run: RunSummary, rows: Sequence[int], supercell: Sequence[int]) -> None:
    """Refuse supercells that are too large before they are built."""
    multiple = supercell[0] * supercell[1] * supercell[2]
    largest = max((4 * row.n_atoms for row in run.rows if row.rank in rows), default=0)
    if multiple > 1 and multiple * largest > 4 * MAX_ATOMS:
        raise InputError(f"The supercell would have more than {MAX_ATOMS} atoms: choose a smaller one.")


def _contents(to: str, run: RunSummary, listed: Sequence[ListedStructure]) -> dict[str, bytes]:
    """Content of the files of an export by their paths in the output folder."""
    if to == "optimade":
        return {"optimade.json": optimade_json(run, listed).encode("utf-8")}
    if to == "supplement":
        return {"supplement.zip": supplement_zip(run, listed)}
    return {
        f"{item.name}/{name}": text.encode("utf-8")
        for item in listed
        for name, text in PROGRAMS[to](item.structure, item.name).items()
    }


def _write(target: Path, contents: Mapping[str, bytes], *, force: bool) -> list[Path]:
    if target.is_dir():
        refuse_links(target)
    paths = [target / name for name in contents]
    for path in paths:
        if path.exists() and not (force and path.is_file()):
            raise InputError(f"{path} exists: choose another folder with --out, or replace it with --force.")
    for path, data in zip(paths, contents.values(), strict=True):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            check_inside(path, target)
            with replacing(path) as unfinished:
                unfinished.write_bytes(data)
        except OSError as error:
            raise AlphaCrystalError(storage_sentence(path, error)) from error
    return paths

"""Uploaded structure files: their place in a run folder, and the check before a job is queued."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alphacrystal.errors import InputError, TooLargeError
from alphacrystal.report import INPUTS_FOLDER
from alphacrystal.web._fields import MAX_STORED_NAME
from alphacrystal.web._settings import Limits

SEEDS_FOLDER = (INPUTS_FOLDER, "seeds")
FRAMEWORK_FOLDER = (INPUTS_FOLDER, "framework")
DISORDERED_FOLDER = (INPUTS_FOLDER, "disordered")
PARENT_FOLDER = (INPUTS_FOLDER, "parent")
MAX_SEED_FILES = 20  # of a job; each may contain several structures
#: Imported before the first file is read, so that no time limit counts it.
PRELOAD = (
    "alphacrystal.web._inputs",
    "alphacrystal.composition",
    "alphacrystal.data",
    "alphacrystal.pipeline.preflight",
    "alphacrystal.generate.generators.ordering",
    "alphacrystal.generate.generators.sublattice",
)


def plain_name(name: str) -> str:
    """Name of an uploaded file in the run folder, of letters, digits, dots and hyphens, e.g. "a_1_.cif".

    The name decides on the format (POSCAR, XDATCAR, .cif), so its beginning and ending stay.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "structure"
    keep = MAX_STORED_NAME // 2
    return plain if len(plain) <= MAX_STORED_NAME else plain[:keep] + plain[-keep:]


def check_sizes(files: Iterable[bytes], limits: Limits) -> None:
    """Refuse structure files that are together larger than the limit.

    Raises:
        TooLargeError: They are.
    """
    if sum(map(len, files)) > limits.structures_bytes:
        raise TooLargeError(
            f"The structure files are together larger than {limits.structures_mb:g} MB, the limit of this "
            "server: give fewer or smaller ones."
        )


def check_structures(
    formula: str, files: Mapping[tuple[str, ...], bytes], settings: Mapping[str, Any]
) -> None:
    """Refuse structure files that the prediction would refuse, with the same sentence.

    Args:
        formula: The formula.
        files: Contents by place below the run folder.
        settings: Settings of the prediction that limit its cells.

    Raises:
        InputError: A file cannot be read, is of another composition, or is no part of the formula.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.config import make_config
    from alphacrystal.pipeline.framework import units_of_framework
    from alphacrystal.pipeline.preflight import formula_units_to_try
    from alphacrystal.pipeline.seeds import read_seeds

    with _files(files) as paths:
        values = dict(settings)
        if seeds := paths.get(SEEDS_FOLDER):
            values["seed_structures"] = seeds
        if framework := paths.get(FRAMEWORK_FOLDER):
            values["fix_sublattice"] = framework[0]
        config = make_config(**values)
        parsed = parse_formula(formula)
        read_seeds(parsed, config)
        if paths.keys() & {DISORDERED_FOLDER, PARENT_FOLDER}:
            return  # the cells are those of the disordered crystal
        units_of_framework(parsed, formula_units_to_try(parsed, config), config)


def check_disordered(
    formula: str, files: Mapping[tuple[str, ...], bytes], settings: Mapping[str, Any]
) -> str | None:
    """Refuse a disordered crystal or parent that the prediction would refuse, with the same sentence.

    Args:
        formula: The formula; "" for that of the disordered crystal.
        files: Contents by place below the run folder.
        settings: Settings of the prediction that limit the approximants.

    Returns:
        The formula of the disordered crystal where ``formula`` is "", else None.

    Raises:
        InputError: The file cannot be read, is of another composition, or has no ordered approximant.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.config import make_config
    from alphacrystal.pipeline.disorder import approximated_formula, parent_formula
    from alphacrystal.pipeline.preflight import check_generators

    with _files(files) as paths:
        values = {
            **settings,
            "disordered": next(iter(paths.get(DISORDERED_FOLDER, ())), None),
            "solid_solution": next(iter(paths.get(PARENT_FOLDER, ())), None),
        }
        config = make_config(**values)
        found = None
        if not formula.strip() and config.disordered is not None:
            found = parent_formula(config.disordered, config.order_max_atoms)
        check_generators(approximated_formula(parse_formula(found or formula), config), (), config)
        return found


@contextmanager
def _files(files: Mapping[tuple[str, ...], bytes]) -> Iterator[dict[tuple[str, ...], list[Path]]]:
    """Paths of files in a temporary folder, by their folder; sentences of errors do not name it."""
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[tuple[str, ...], list[Path]] = {}
        for place, content in files.items():
            path = Path(folder).joinpath(*place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            paths.setdefault(place[:-1], []).append(path)
        try:
            yield paths
        except InputError as error:
            raise InputError(re.sub(rf"{re.escape(folder)}/(?:\w+/)*", "", str(error))) from error

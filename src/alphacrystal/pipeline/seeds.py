"""Structures of the user among the candidates of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.config import MAX_ATOMS
from alphacrystal.errors import InputError
from alphacrystal.generate import Candidate

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.ranking import RankedStructure

MAX_SEEDS = 1000  # structures in all files together


def read_seeds(formula: Formula, config: PredictConfig) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The structures of the user as candidates, and the notes of the readers.

    Raises:
        InputError: A file cannot be read, has another composition than the formula, or there are too many.
    """
    if not config.seed_structures:
        return (), ()
    from alphacrystal.composition import parse_formula
    from alphacrystal.data import read_crystals
    from alphacrystal.pipeline.energies import primitive_cell
    from alphacrystal.ranking import SEED

    seeds: list[Candidate] = []
    notes: list[str] = []
    for path in _files(config.seed_structures):
        for number, crystal in enumerate(read_crystals(path)):
            found = parse_formula(crystal.structure.composition.formula.replace(" ", ""))
            if found.counts != formula.counts:
                raise InputError(
                    f"The seed structure {crystal.name} is {found.reduced_formula}, not "
                    f"{formula.reduced_formula}: give structures of the predicted formula."
                )
            if len(seeds) == MAX_SEEDS:
                raise InputError(f"There are more than {MAX_SEEDS} seed structures: give fewer.")
            provenance: dict[str, object] = {"file": path.name, "frame": number}
            seeds.append(Candidate(primitive_cell(crystal.structure), SEED, None, None, provenance))
            notes += [f"{crystal.name}: {note}" for note in crystal.notes]
    return tuple(seeds), tuple(notes)


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files, and the structure files of the folders among them."""
    from alphacrystal.data.structure_files import is_structure_file

    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(entry for entry in path.iterdir() if entry.is_file() and is_structure_file(entry))
        if not inside:
            raise InputError(f"The folder {path} contains no structure file: give other --seed-structures.")
        files += inside
    return files


def scored_seeds(
    seeds: Sequence[Candidate], formula: Formula, formula_units: Sequence[int], config: PredictConfig
) -> list[Candidate]:
    """The seeds with the log-probabilities of their structure types.

    A seed whose type the networks do not propose has none. The probabilities are those among all structure
    types of the cells of the run and of the seeds; space group and lattice of the run do not restrict them.
    """
    if not seeds:
        return []
    from alphacrystal.learn import StructureType, types_under_pressure

    sizes = {len(seed.structure) for seed in seeds if len(seed.structure) <= MAX_ATOMS}
    units = sorted({*formula_units, *(size // formula.num_atoms for size in sizes)})
    types, logs = types_under_pressure(formula, units, config.pressure, models=config.models)
    table = dict(zip(types, logs.tolist(), strict=True))
    scored = []
    for seed in seeds:
        log = table.get(StructureType(*_type(seed.structure, formula)), -math.inf)
        scored.append(replace(seed, log_probability=log if math.isfinite(log) else None))
    return scored


def _type(structure: Structure, formula: Formula) -> tuple[int, tuple[str, ...]]:
    """Space group and Wyckoff letters of each element of a formula."""
    from alphacrystal.crystal import describe_symmetry

    numbers = np.array([site.specie.Z for site in structure], dtype=np.int64)
    found = describe_symmetry(structure.lattice.matrix, structure.frac_coords, numbers)
    occupation = found.occupation()
    return found.space_group, tuple(occupation[symbol] for symbol in formula.elements)


def seed_notes(candidates: Sequence[Candidate], ranked: Sequence[RankedStructure]) -> list[str]:
    """A sentence on each seed among the candidates: its row, or that it is not in the list."""
    from alphacrystal.ranking import SEED

    rows = {index: item.rank for item in ranked for index in (item.candidate_index, *item.duplicates)}
    notes = []
    for index, seed in enumerate(candidates):
        if seed.generator != SEED:
            continue
        frame = seed.provenance.get("frame")
        name = f"The seed structure {seed.provenance.get('file')}"
        name += f" (structure {frame + 1})" if isinstance(frame, int) and frame else ""
        notes.append(f"{name} is row {rows[index]}." if index in rows else f"{name} is not in the list.")
    return notes

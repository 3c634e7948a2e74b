"""``candidates.extxyz``: every candidate of a run as one frame, relaxed where a relaxation ran."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alphacrystal.crystal import as_atoms

if TYPE_CHECKING:
    from ase import Atoms

    from alphacrystal.report._prediction import Prediction

NOT_RELAXED = "not relaxed"


def candidates_extxyz(prediction: Prediction) -> str:
    """Extended XYZ text; ``ase.io.read(path, index=":")`` gives one ``Atoms`` per candidate.

    Each frame's ``info`` holds ``candidate`` (index from 0), ``formula``, ``generator`` and ``status`` and,
    where known, ``log_probability``, ``energy_per_atom_ev``, ``max_force_ev_per_a`` and ``rank`` (the row of
    ``summary.csv`` it stands in or is a duplicate of). Lengths in Å.
    """
    rank_of = {
        index: ranked.rank
        for ranked in prediction.ranked
        for index in (ranked.candidate_index, *ranked.duplicates)
    }
    frames = []
    for index, candidate in enumerate(prediction.candidates):
        relaxation = prediction.relaxations.get(index)
        known: dict[str, Any] = {
            "candidate": index,
            "formula": prediction.formula,
            "generator": candidate.generator,
            "status": NOT_RELAXED if relaxation is None else str(relaxation.status),
            "log_probability": candidate.log_probability,
            "energy_per_atom_ev": relaxation.energy_per_atom if relaxation else None,
            "max_force_ev_per_a": relaxation.max_force if relaxation else None,
            "rank": rank_of.get(index),
        }
        atoms = as_atoms(candidate.structure if relaxation is None else relaxation.structure)
        frames.append(_frame(atoms, {name: value for name, value in known.items() if _is_known(value)}))
    return "".join(frames)


def _frame(atoms: Atoms, info: Mapping[str, Any]) -> str:
    """One frame, as ``ase.io.extxyz`` writes it; the import of ase.io takes longer than the whole file."""
    cell = " ".join(map(str, atoms.cell.array.ravel().tolist()))
    words = [f'Lattice="{cell}"', "Properties=species:S:1:pos:R:3"]
    for name, value in info.items():
        text = str(value)
        words.append(f'{name}="{text}"' if " " in text else f"{name}={text}")
    words.append('pbc="T T T"')
    lines = [str(len(atoms)), " ".join(words)]
    for symbol, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True):
        lines.append(f"{symbol:<2} {x:16.8f} {y:16.8f} {z:16.8f}")
    return "\n".join(lines) + "\n"


def _is_known(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))

"""Fitting the coordinates of structure types, and what they are worth on validation structures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from alphacrystal.crystal import (
    LETTERS,
    LatticeParameters,
    min_image_distances,
    orbit_parameters,
    space_group,
)
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.coordinates.prototypes import TypeCoordinates, TypeCoordinatesConfig
from alphacrystal.learn.distances.template_fitting import clusters_of, element_slots
from alphacrystal.learn.structure_types import StructureType, free_of_type
from alphacrystal.learn.symmetry.training import occupations
from alphacrystal.typing import FloatArray, IntArray

ALIKE = 0.08  # of the cell: crystals whose coordinates are this near those of the middle one are averaged


def fit_coordinates(
    data: PreparedStructures,
    config: TypeCoordinatesConfig | None = None,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> TypeCoordinates:
    """Mean coordinates of the training structures of each type, one structure (the stablest) of a formula.

    Args:
        data: Structures; those of the validation split are not looked at.
        config: How many clusters.
        on_progress: Called with (types done, types).
    """
    config = config or TypeCoordinatesConfig()
    members = _members(data, np.flatnonzero(~data.validation))
    clusters: list[int] = []
    counts: list[int] = []
    letters: list[int] = []
    values: list[float] = []
    for place, (kind, rows) in enumerate(members.items()):
        reduced = np.array([_distances(data, row) / data.volumes[row] ** (1 / 3) for row in rows])
        labels = clusters_of(reduced, config.most_clusters, config.formulas_per_cluster)
        clusters.append(int(labels.max()) + 1)
        for label in np.argsort(-np.bincount(labels), kind="stable").tolist():  # the commonest first
            own = np.flatnonzero(labels == label)
            counts.append(len(own))
            spread = np.abs(reduced[own] - reduced[own].mean(0)).sum(1)
            ordered = own[np.argsort(spread, kind="stable")]
            setting, coordinates = _averaged(data, kind.space_group, [rows[i] for i in ordered])
            letters += setting
            values += coordinates.tolist()
        if on_progress and (place + 1) % 200 == 0:
            on_progress(place + 1, len(members))
    return TypeCoordinates(
        config,
        list(members),
        {
            "clusters": torch.tensor(clusters, dtype=torch.int16),
            "counts": torch.tensor(counts, dtype=torch.int16),
            "letters": torch.tensor(letters, dtype=torch.uint8),
            "values": torch.tensor(values),
        },
    )


def measure_coordinates(model: TypeCoordinates, data: PreparedStructures) -> dict[str, float]:
    """How well the remembered coordinates fit the validation structures whose type has some.

    Each structure keeps its own cell; distances between like atoms of one orbit and element are compared in
    order of length.

    Returns:
        ``share_known``; mean RMSE in Å of the distances of the best cluster (``best_rmse``), and of the one
        of most formulas (``largest_rmse``).
    """
    best, largest, asked = [], [], 0
    kinds = [kind for kind, _ in occupations(data)]
    for row in np.flatnonzero(data.validation).tolist():
        kind = kinds[row]
        if not free_of_type(kind):
            continue
        asked += 1
        places = model.positions(kind)
        if not len(places):
            continue
        group = space_group(kind.space_group)
        cell = group.primitive_basis(LatticeParameters(*data.lattices[row].tolist()).matrix())
        errors = _errors(data, row, min_image_distances(cell, places @ group.to_primitive.T))
        best.append(errors.min())
        largest.append(errors[0])
    return {
        "share_known": len(best) / max(asked, 1),
        "best_rmse": float(np.mean(best)) if best else np.nan,
        "largest_rmse": float(np.mean(largest)) if largest else np.nan,
    }


def _members(data: PreparedStructures, rows: IntArray) -> dict[StructureType, list[int]]:
    """The stablest structure of each formula of each type that has free coordinates."""
    chosen: dict[StructureType, dict[str, int]] = {}
    kinds = [kind for kind, _ in occupations(data)]
    above = np.nan_to_num(data.above_hull, nan=np.inf)
    for row in rows.tolist():
        kind = kinds[row]
        if free_of_type(kind):
            own = chosen.setdefault(kind, {})
            formula = str(data.formulas[row])
            if formula not in own or above[row] < above[own[formula]]:
                own[formula] = row
    return {kind: list(own.values()) for kind, own in chosen.items()}


def _distances(data: PreparedStructures, row: int) -> FloatArray:
    return data.distances[data.pairs(row)].astype(np.float64)


def _averaged(data: PreparedStructures, number: int, rows: Sequence[int]) -> tuple[list[int], FloatArray]:
    """Letters of the orbits of the first structure, and mean coordinates of those that are like it."""
    letters, solutions = _orbits(data, number, rows[0])
    centre = np.concatenate([own[0] for own in solutions])
    differences = [np.zeros_like(centre)]
    for row in rows[1:]:
        others, choices = _orbits(data, number, row)
        if others != letters:
            continue
        difference, begin = np.zeros_like(centre), 0
        for own in choices:
            part = slice(begin, begin + own.shape[1])
            moved = own - centre[part]
            moved -= moved.round()
            difference[part] = moved[np.abs(moved).max(1, initial=0).argmin()]
            begin = part.stop
        if np.abs(difference).max() < ALIKE:
            differences.append(difference)
    return letters, (centre + np.mean(differences, axis=0)) % 1.0


def _orbits(data: PreparedStructures, number: int, row: int) -> tuple[list[int], list[FloatArray]]:
    """Letter index of each orbit in the setting of the structure, and all values of its coordinates."""
    where = data.atoms(row)
    first = np.unique(data.orbits[where], return_index=True)[1]
    letters = (data.setting_letters[where][first] - 1).tolist()
    places = data.positions[where][first].astype(np.float64)
    conventional = places @ np.linalg.inv(space_group(number).to_primitive).T
    return letters, [
        orbit_parameters(number, LETTERS[letter], place)
        for letter, place in zip(letters, conventional, strict=True)
    ]


def _errors(data: PreparedStructures, row: int, matrices: FloatArray) -> FloatArray:
    """RMSE in Å to the distances of a structure, those between like atoms in order; (n, a, a) -> (n,)."""
    where = data.atoms(row)
    size = matrices.shape[-1]
    _, kinds = np.unique(
        np.stack([element_slots(data.numbers[where]), data.letters[where]]), axis=1, return_inverse=True
    )
    rows, columns = np.triu_indices(size, 1)
    low, high = np.sort(np.stack([kinds.reshape(-1)[rows], kinds.reshape(-1)[columns]]), axis=0)
    block = (low * size + high) * 1e3  # Å; more than any distance
    mine = np.sort(block + _distances(data, row))
    return np.asarray(np.sqrt(np.square(np.sort(block + matrices[:, rows, columns]) - mine).mean(1)))

"""Fit prototype coordinates, and measure their errors on validation structures."""

from __future__ import annotations

from collections.abc import Sequence

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
from alphacrystal.learn.coordinates.clusters import crystal_clusters
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates, PrototypeCoordinatesConfig
from alphacrystal.learn.distances.templates import FEATURES, element_slots
from alphacrystal.learn.model_inputs import occupations
from alphacrystal.learn.structure_types import free_coordinate_count
from alphacrystal.typing import FloatArray, StageProgress

MAX_DEVIATION = 0.08  # fractional; crystals with coordinates this close to the central one are averaged


def fit_prototype_coordinates(
    data: PreparedStructures,
    config: PrototypeCoordinatesConfig | None = None,
    *,
    on_progress: StageProgress | None = None,
) -> PrototypeCoordinates:
    """Mean coordinates of the training structures of each type; the most stable structure of each formula.

    Args:
        data: Structures; the validation split is not used.
        config: Numbers of clusters.
        on_progress: Called with the number of types done and the number of types.
    """
    config = config or PrototypeCoordinatesConfig()
    found = crystal_clusters(data, config.most_clusters, config.formulas_per_cluster, on_progress=on_progress)
    counts: list[int] = []
    letters: list[int] = []
    values: list[float] = []
    features: list[FloatArray] = []
    shapes: list[FloatArray] = []
    for structure_type, clusters in found.items():
        for cluster in clusters:
            counts.append(len(cluster.rows))
            setting, coordinates = _averaged(data, structure_type.space_group, cluster.rows)
            letters += setting
            values += coordinates.tolist()
            features.append(cluster.features.mean(0))
            shapes.append(cluster.shapes.mean(0))
    return PrototypeCoordinates(
        config,
        list(found),
        {
            "clusters": torch.tensor([len(clusters) for clusters in found.values()], dtype=torch.int16),
            "counts": torch.tensor(counts, dtype=torch.int16),
            "letters": torch.tensor(letters, dtype=torch.uint8),
            "values": torch.tensor(values),
            "features": torch.as_tensor(np.concatenate(features or [np.zeros((0, FEATURES))])),
            "shapes": torch.as_tensor(np.array(shapes).reshape(-1, 6)),
        },
    )


def measure_prototype_coordinates(model: PrototypeCoordinates, data: PreparedStructures) -> dict[str, float]:
    """Errors of the prototype coordinates on validation structures with free coordinates.

    Prototypes are placed in the true cell. Distances are sorted within pairs of equal elements and letters.

    Returns:
        Share of structures whose type has prototypes (``share_known``), and the mean RMSE in Å of the
        distances of the best cluster (``best_rmse``) and of the largest cluster (``largest_rmse``).
    """
    best, largest, total = [], [], 0
    structure_types = [structure_type for structure_type, _ in occupations(data)]
    for row in np.flatnonzero(data.validation).tolist():
        structure_type = structure_types[row]
        if not free_coordinate_count(structure_type):
            continue
        total += 1
        positions = model.positions(structure_type)
        if not len(positions):
            continue
        group = space_group(structure_type.space_group)
        cell = group.primitive_basis(LatticeParameters(*data.lattices[row].tolist()).matrix())
        errors = _errors(data, row, min_image_distances(cell, positions @ group.to_primitive.T))
        best.append(errors.min())
        largest.append(errors[0])
    return {
        "share_known": len(best) / max(total, 1),
        "best_rmse": float(np.mean(best)) if best else np.nan,
        "largest_rmse": float(np.mean(largest)) if largest else np.nan,
    }


def _distances(data: PreparedStructures, row: int) -> FloatArray:
    return data.distances[data.pairs(row)].astype(np.float64)


def _averaged(data: PreparedStructures, number: int, rows: Sequence[int]) -> tuple[list[int], FloatArray]:
    """Letters of the orbits of the first structure, and mean coordinates of the structures close to it."""
    letters, solutions = _orbits(data, number, rows[0])
    centre = np.concatenate([values[0] for values in solutions])
    differences = [np.zeros_like(centre)]
    for row in rows[1:]:
        row_letters, row_solutions = _orbits(data, number, row)
        if row_letters != letters:
            continue
        difference, begin = np.zeros_like(centre), 0
        for values in row_solutions:
            part = slice(begin, begin + values.shape[1])
            shifts = values - centre[part]
            shifts -= shifts.round()
            difference[part] = shifts[np.abs(shifts).max(1, initial=0).argmin()]
            begin = part.stop
        if np.abs(difference).max() < MAX_DEVIATION:
            differences.append(difference)
    return letters, (centre + np.mean(differences, axis=0)) % 1.0


def _orbits(data: PreparedStructures, number: int, row: int) -> tuple[list[int], list[FloatArray]]:
    """Letter index of each orbit in the setting of the structure, and all solutions for its coordinates."""
    atoms = data.atoms(row)
    first = np.unique(data.orbits[atoms], return_index=True)[1]
    letters = (data.setting_letters[atoms][first] - 1).tolist()
    points = data.positions[atoms][first].astype(np.float64)
    conventional = points @ np.linalg.inv(space_group(number).to_primitive).T
    return letters, [
        orbit_parameters(number, LETTERS[letter], point)
        for letter, point in zip(letters, conventional, strict=True)
    ]


def _errors(data: PreparedStructures, row: int, matrices: FloatArray) -> FloatArray:
    """RMSE in Å of distance matrices to a structure, sorted within pairs of sites; (n, a, a) -> (n,)."""
    atoms = data.atoms(row)
    size = matrices.shape[-1]
    _, sites = np.unique(
        np.stack([element_slots(data.numbers[atoms]), data.letters[atoms]]), axis=1, return_inverse=True
    )
    rows, columns = np.triu_indices(size, 1)
    low, high = np.sort(np.stack([sites.reshape(-1)[rows], sites.reshape(-1)[columns]]), axis=0)
    block = (low * size + high) * 1e3  # Å; above any distance
    true = np.sort(block + _distances(data, row))
    return np.asarray(np.sqrt(np.square(np.sort(block + matrices[:, rows, columns]) - true).mean(1)))

"""Distance templates of an unseen structure type, from types that occupy the same Wyckoff positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alphacrystal.crystal import min_image_distances, multiplicities
from alphacrystal.learn.distances.templates import MAX_CLUSTERS, TemplateBatch, TypeTemplates
from alphacrystal.learn.orbit_matching import OrbitMatcher, property_table
from alphacrystal.learn.structure_types import StructureType, orbit_letters
from alphacrystal.typing import FloatArray, IntArray

MAX_RELATED_TYPES = 200


def fill_derivative_templates(
    batch: TemplateBatch,
    templates: TypeTemplates,
    types: Sequence[StructureType | None],
    numbers: IntArray,
) -> None:
    """Fill the samples of unseen structure types with the clusters of related types, in place.

    The clusters with the most similar elements on each position are used. The orbits of a cluster are
    assigned to the elements so that the similarity is largest.

    Args:
        batch: Templates of equal-sized cells, empty for unseen types.
        templates: Templates of all known types.
        types: Structure type of each sample, None for samples without one.
        numbers: Atomic numbers of the atoms, shape (batch, atoms).
    """
    if batch.means.shape[1] == 0:
        return
    for sample, structure_type in enumerate(types):
        if structure_type is None or structure_type in templates.rows:
            continue
        elements = tuple(dict.fromkeys(numbers[sample].tolist()))
        for slot, (cluster, atoms) in enumerate(_nearest(templates, structure_type, elements)):
            batch.fill(sample, slot, templates, cluster, atoms)


def fill_from_coordinates(
    batch: TemplateBatch,
    sample: int,
    cell: FloatArray,
    positions: FloatArray,
    numbers: IntArray,
    shape: FloatArray,
) -> None:
    """Fill the first template of a sample with the distances of a crystal, in place.

    Args:
        batch: Templates of equal-sized cells; the sample has none.
        sample: Its place in the batch.
        cell: Primitive rows in Å, shape (3, 3).
        positions: Fractional coordinates in the primitive cell, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
        shape: Lattice targets of the cell, shape (6,).
    """
    distances = min_image_distances(cell, positions)[np.triu_indices(len(numbers), 1)]
    unit = (abs(np.linalg.det(cell)) / len(numbers)) ** (1 / 3)
    batch.counts[sample, 0] = 1
    batch.means[sample, :, 0] = torch.as_tensor(distances / unit).float()
    batch.features[sample, :, 0] = torch.as_tensor(property_table()[numbers]).float()
    batch.shapes[sample, 0] = torch.as_tensor(shape).float()


def _nearest(
    templates: TypeTemplates, structure_type: StructureType, elements: tuple[int, ...]
) -> list[tuple[int, IntArray]]:
    """Clusters of related types, the most similar first, each with its atom for each atom of the new type."""
    group, target = structure_type.space_group, orbit_letters(structure_type)
    matcher = OrbitMatcher(structure_type, elements)
    matches: list[tuple[float, int, IntArray]] = []
    for row in templates.related_rows(structure_type)[:MAX_RELATED_TYPES]:
        related = templates.types[row]
        clusters = templates.clusters_of(row)
        features = [templates.features_of(cluster, len(related.letters)) for cluster in clusters]
        found = matcher.matches(related, features)
        matches += [(cost, cluster, chosen) for cluster, (cost, chosen) in zip(clusters, found, strict=False)]
    matches.sort(key=lambda match: (match[0], match[1]))
    sizes = [multiplicities(group)[letter] for letter in target]
    return [(cluster, _atoms(chosen, sizes)) for _, cluster, chosen in matches[:MAX_CLUSTERS]]


def _atoms(chosen: IntArray, sizes: Sequence[int]) -> IntArray:
    """Atoms of the chosen orbits of a related type; ``sizes`` are the sizes of the orbits of the new type."""
    related_sizes = np.zeros(len(chosen), dtype=np.int64)
    related_sizes[chosen] = sizes
    starts = np.cumsum(related_sizes) - related_sizes
    return np.concatenate([starts[orbit] + np.arange(related_sizes[orbit]) for orbit in chosen])

"""Templates of a structure type never seen, from types with the same positions filled by other elements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from alphacrystal.composition import element_features
from alphacrystal.crystal import multiplicities
from alphacrystal.learn.distances.templates import MOST_CLUSTERS, TemplateBatch, TypeTemplates
from alphacrystal.learn.structure_types import StructureType, orbit_letters, settings_with
from alphacrystal.typing import FloatArray, IntArray

MOST_RELATIVES = 200  # types looked at


def add_related(
    batch: TemplateBatch,
    templates: TypeTemplates,
    kinds: Sequence[StructureType | None],
    numbers: IntArray,
) -> None:
    """Fill the samples of a batch whose type is new with the clusters of related types, in place.

    Taken are the clusters whose elements on each position are most like those asked for; the orbits of a
    cluster are handed to the elements so that they are.

    Args:
        batch: Of equal-sized cells, nothing filled in for types never seen.
        templates: What is known of all types.
        kinds: Type of each sample, None where none is given.
        numbers: Atomic numbers of the atoms, shape (batch, atoms).
    """
    if batch.means.shape[1] == 0:
        return
    for place, kind in enumerate(kinds):
        if kind is None or kind in templates.rows:
            continue
        elements = tuple(dict.fromkeys(numbers[place].tolist()))
        for slot, (cluster, atoms) in enumerate(_nearest(templates, kind, elements)):
            batch.fill(place, slot, templates, cluster, atoms)


def _nearest(
    templates: TypeTemplates, kind: StructureType, elements: tuple[int, ...]
) -> list[tuple[int, IntArray]]:
    """Clusters of related types, the likest first, each with its atom that stands for each atom asked for."""
    from scipy.optimize import linear_sum_assignment  # imported late: only new structure types need it

    features = _features()[list(elements)]  # (elements, FEATURES)
    wanted = orbit_letters(kind)
    asked = np.repeat(features, [len(own) for own in kind.letters], axis=0)  # (orbits, FEATURES)
    found: list[tuple[float, int, IntArray]] = []
    for row in templates.related_rows(kind)[:MOST_RELATIVES]:
        known = templates.types[row]
        owners = np.repeat(np.arange(len(known.letters)), [len(own) for own in known.letters])
        letters = next(settings_with(kind.space_group, orbit_letters(known), wanted), None)
        if letters is None:
            continue
        apart = np.array(letters)[None, :] != np.array(wanted)[:, None]
        for cluster in templates.clusters_of(row):
            own = templates.features_of(cluster, len(known.letters))[owners]
            costs = np.square(asked[:, None] - own).sum(-1)
            chosen = linear_sum_assignment(np.where(apart, 1e6, costs))[1]
            cost = float(costs[np.arange(len(chosen)), chosen].mean())
            found.append((cost, cluster, chosen))
    found.sort(key=lambda item: (item[0], item[1]))
    sizes = [multiplicities(kind.space_group)[letter] for letter in wanted]
    return [(cluster, _atoms(chosen, sizes)) for _, cluster, chosen in found[:MOST_CLUSTERS]]


def _atoms(chosen: IntArray, sizes: Sequence[int]) -> IntArray:
    """Atoms of the chosen orbits of a related type; ``sizes`` are those of the orbits asked for."""
    own = np.zeros(len(chosen), dtype=np.int64)
    own[chosen] = sizes
    starts = np.cumsum(own) - own
    return np.concatenate([starts[orbit] + np.arange(own[orbit]) for orbit in chosen])


@lru_cache(1)
def _features() -> FloatArray:
    return np.nan_to_num(element_features())

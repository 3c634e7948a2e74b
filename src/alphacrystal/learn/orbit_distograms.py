"""Predict distograms of the symmetry-distinct pairs of hypotheses, for cells of any size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ase.data import atomic_numbers

from alphacrystal.crystal import (
    OrbitDistogram,
    SymmetryHypothesis,
    atom_sites,
    encode,
    orbit_pairs,
    space_group,
)
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.coordinates.similar_prototypes import (
    RELATED_COUNT,
    Prototype,
    similar_prototypes,
)
from alphacrystal.learn.distances.network import BIN_CENTRES, BIN_EDGES
from alphacrystal.learn.distograms import CLASS_STRIDE, FUNCTIONAL, hypothesis_type, lattice_shapes
from alphacrystal.learn.orbit_distances.inputs import EXACT_COUNT, OrbitSample, PositionTemplate, collate
from alphacrystal.learn.orbit_distances.network import OrbitDistanceNet
from alphacrystal.learn.orbit_matching import property_table
from alphacrystal.learn.proposed_types import subgroup_type
from alphacrystal.learn.weight_files import load_model, models_folder
from alphacrystal.runtime.torch_setup import one_torch_thread
from alphacrystal.typing import FloatArray

BATCH_PAIRS = 20_000


def nearest_prototypes(
    hypotheses: Sequence[SymmetryHypothesis], *, models: Path | None = None
) -> list[list[Prototype]]:
    """Prototypes of each hypothesis with the most similar elements, see ``similar_prototypes``.

    A subgroup type without any has the coordinates of its parent type.

    Args:
        hypotheses: Elements in electronegativity order, as from ``predict_hypotheses``.
        models: Folder of weights; the shipped ones by default.
    """
    net = load_model("coordinates", models_folder(models))
    assert isinstance(net, PrototypeCoordinates)
    return [
        similar_prototypes(
            net,
            hypothesis_type(hypothesis),
            [atomic_numbers[symbol] for symbol in hypothesis.occupation],
        )
        or _parent_prototypes(hypothesis, models)
        for hypothesis in hypotheses
    ]


def _parent_prototypes(hypothesis: SymmetryHypothesis, models: Path | None) -> list[Prototype]:
    """Coordinates of the parent type of a subgroup type, none for other types."""
    derived = subgroup_type(hypothesis, models)
    if derived is None:
        return []
    sites = atom_sites(hypothesis)
    starts = np.unique(sites.orbits, return_index=True)[1]
    (shape,) = lattice_shapes([hypothesis], [sites])
    features = property_table()[sites.numbers[starts]]
    return [Prototype(*derived.prototype(), RELATED_COUNT, features, shape)]


@one_torch_thread()
def predict_orbit_distograms(
    hypotheses: Sequence[SymmetryHypothesis],
    prototypes: Sequence[Sequence[Prototype]],
    *,
    models: Path | None = None,
) -> list[OrbitDistogram]:
    """Distogram of the symmetry-distinct pairs of each hypothesis, from its structure type and cell.

    Args:
        hypotheses: Elements in electronegativity order.
        prototypes: Of each hypothesis, from ``nearest_prototypes``.
        models: Folder of weights; the shipped ones by default.
    """
    net = load_model("orbit_distance", models_folder(models))
    assert isinstance(net, OrbitDistanceNet)
    shapes = lattice_shapes(hypotheses, [atom_sites(hypothesis) for hypothesis in hypotheses])
    samples = [_sample(*item) for item in zip(hypotheses, prototypes, shapes, strict=True)]
    groups: dict[int, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        groups[len(sample.numbers)].append(index)
    results: dict[int, OrbitDistogram] = {}
    for members in groups.values():
        members.sort(key=lambda index: len(samples[index].pairs))
        longest = len(samples[members[-1]].pairs)
        step = max(1, BATCH_PAIRS // max(longest, 1))
        for start in range(0, len(members), step):
            rows = members[start : start + step]
            with torch.no_grad():
                log_probabilities = net(*collate([samples[row] for row in rows]))
            for row, values in zip(rows, log_probabilities.exp().numpy(), strict=True):
                sample, sites = samples[row], atom_sites(hypotheses[row])
                results[row] = OrbitDistogram(
                    sites.numbers,
                    sample.pairs,
                    BIN_EDGES,
                    BIN_CENTRES,
                    values[: len(sample.pairs)].astype(np.float32),
                    sample.numbers * CLASS_STRIDE + sample.letters,
                )
    return [results[index] for index in range(len(hypotheses))]


def _sample(
    hypothesis: SymmetryHypothesis, prototypes: Sequence[Prototype], shape: FloatArray
) -> OrbitSample:
    """Input of the network for one hypothesis."""
    number = hypothesis.space_group
    encoding = encode(hypothesis)
    group = space_group(number)
    starts = np.unique(encoding.orbits, return_index=True)[1]
    numbers = encoding.numbers[starts]
    # The basis maps conventional to reduced rows; this is its part from primitive to reduced rows.
    change = np.rint(encoding.basis @ group.to_primitive.T)
    templates = [
        PositionTemplate(item.positions(number), item.count, item.features, item.shape) for item in prototypes
    ]
    if not encoding.free:
        positions = encoding.positions(np.zeros(0)) @ change
        templates = [PositionTemplate(positions, EXACT_COUNT, property_table()[numbers], shape)]
    sites = atom_sites(hypothesis)
    return OrbitSample(
        space_group=number,
        numbers=numbers,
        letters=encoding.letters[starts],
        free=np.array([group.positions[letter].free for letter in sites.orbit_letters]),
        pairs=orbit_pairs(encoding.orbits),
        functional=FUNCTIONAL,
        shape=shape,
        lattice=encoding.lattice(np.zeros(6)),
        change=change,
        templates=templates,
    )

"""Predict distograms of cell contents and symmetry hypotheses."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from ase.data import atomic_numbers
from numpy.typing import NDArray

from alphacrystal.composition import CellContent
from alphacrystal.crystal import (
    AtomSites,
    Distogram,
    SymmetryHypothesis,
    atom_sites,
    lattice_points,
    sorted_letters,
    space_group,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.errors import InputError
from alphacrystal.learn.distances.derivative_templates import fill_derivative_templates, fill_from_coordinates
from alphacrystal.learn.distances.network import (
    BIN_CENTRES,
    BIN_EDGES,
    AtomTokens,
    DistanceNet,
    full_matrices,
)
from alphacrystal.learn.distances.sorted_distances import median_distances
from alphacrystal.learn.distances.templates import element_slots
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.proposed_types import subgroup_type
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.weight_files import load_model, models_folder
from alphacrystal.runtime.torch_setup import one_torch_thread
from alphacrystal.typing import Float32Array, FloatArray, IntArray

FUNCTIONAL = FUNCTIONALS.index("PBE")
MAX_DISTANCE_ATOMS = 20  # in cells whose distances the network predicts
BATCH_PAIRS = 20_000
CLASS_STRIDE = 32  # above the number of Wyckoff letters; atoms of one element and letter are interchangeable
MAX_MIXED_TYPES = 12  # structure types in the distogram of a cell content
MIN_PROBABILITY = 0.01  # of these types, relative to all types of the cell content


@one_torch_thread()
def predict_cell_distogram(
    cell: CellContent, hypotheses: Sequence[SymmetryHypothesis], *, models: Path | None = None
) -> Distogram:
    """Distogram of a cell content: the mean over its probable structure types, weighted by probability.

    Without hypotheses for the cell, the network predicts from the composition alone. ``Distogram.expected``
    is the matrix with the smallest expected error over the types (``median_distances``), since the mean of
    matrices of different structure types is the matrix of none.

    Args:
        cell: The cell content.
        hypotheses: Hypotheses of the composition, best first; those with another number of formula units are
            ignored.
        models: Folder of weights; the shipped ones by default.

    Raises:
        InputError: The cell holds more atoms than the network was trained for.
    """
    numbers = np.array(
        [atomic_numbers[symbol] for symbol, count in cell.counts.items() for _ in range(count)]
    )
    matching = [h for h in hypotheses if h.formula_units == cell.formula_units]
    total = sum(math.exp(h.log_probability) for h in matching)
    chosen = [h for h in matching[:MAX_MIXED_TYPES] if math.exp(h.log_probability) > MIN_PROBABILITY * total]
    if chosen:
        shares = np.array([math.exp(h.log_probability) for h in chosen])
        sites = [atom_sites(hypothesis) for hypothesis in chosen]
        parts = np.concatenate([pairs for _, pairs in _batches(chosen, sites, models)])
        # All cells have one size, so the batches keep the order of the hypotheses.
        mixed = np.tensordot(shares / shares.sum(), parts, 1)
        nearest = median_distances(numbers, parts.astype(np.float64) @ BIN_CENTRES, shares)
        answer = np.zeros((len(numbers), len(numbers)))
        answer[np.triu_indices(len(numbers), 1)] = nearest
        answer += answer.T
    else:
        answer = None
        zeros = np.zeros((1, len(numbers)), dtype=np.int64)
        (mixed,) = _pair_probabilities(numbers[None], zeros, zeros, [None], np.zeros((1, 6)), models)
    matrix = _matrices(mixed[None], len(numbers))[0]
    return Distogram(numbers, BIN_EDGES, BIN_CENTRES, matrix, answer=answer)


@one_torch_thread()
def predict_distograms(
    hypotheses: Sequence[SymmetryHypothesis], *, models: Path | None = None
) -> list[Distogram]:
    """Distogram of each hypothesis from its structure type and cell; atoms in the order of ``encode``.

    Raises:
        InputError: A cell holds more atoms than the network was trained for.
    """
    sites = [atom_sites(hypothesis) for hypothesis in hypotheses]
    results: dict[int, Distogram] = {}
    for rows, pairs in _batches(hypotheses, sites, models):
        for index, matrix in zip(rows, _matrices(pairs, len(sites[rows[0]].numbers)), strict=True):
            atoms = sites[index]
            classes = atoms.numbers * CLASS_STRIDE + atoms.letters
            results[index] = Distogram(atoms.numbers, BIN_EDGES, BIN_CENTRES, matrix, classes)
    return [results[index] for index in range(len(hypotheses))]


def _batches(
    hypotheses: Sequence[SymmetryHypothesis], sites: Sequence[AtomSites], models: Path | None
) -> Iterator[tuple[list[int], Float32Array]]:
    """Rows of hypotheses with equal numbers of atoms, and their pair probabilities (rows, pairs, bins)."""
    shapes = lattice_shapes(hypotheses, sites)
    groups: dict[int, list[int]] = defaultdict(list)
    for index, atoms in enumerate(sites):
        groups[len(atoms.numbers)].append(index)
    for size, members in groups.items():
        step = max(1, BATCH_PAIRS // size**2)
        for start in range(0, len(members), step):
            rows = members[start : start + step]
            yield (
                rows,
                _pair_probabilities(
                    np.stack([sites[i].numbers for i in rows]),
                    np.stack([sites[i].letters for i in rows]),
                    np.stack([np.bincount(sites[i].orbits)[sites[i].orbits] for i in rows]),
                    [hypotheses[i] for i in rows],
                    shapes[rows],
                    models,
                ),
            )


def hypothesis_type(hypothesis: SymmetryHypothesis) -> StructureType:
    """Structure type of a hypothesis."""
    return StructureType(hypothesis.space_group, tuple(map(sorted_letters, hypothesis.occupation.values())))


def lattice_shapes(hypotheses: Sequence[SymmetryHypothesis], sites: Sequence[AtomSites]) -> FloatArray:
    """Lattice targets of the cells of the hypotheses, shape (n, 6)."""
    if not hypotheses:
        return np.zeros((0, 6))
    cells = np.array([list(hypothesis.lattice.as_dict().values()) for hypothesis in hypotheses])
    volumes = [
        hypothesis.lattice.volume / (lattice_points(hypothesis.space_group) * len(atoms.numbers))
        for hypothesis, atoms in zip(hypotheses, sites, strict=True)
    ]
    return lattice_targets(cells, np.array(volumes)).astype(np.float64)


def _pair_probabilities(
    numbers: IntArray,
    letters: IntArray,
    multiplicities: IntArray,
    hypotheses: Sequence[SymmetryHypothesis | None],
    shapes: FloatArray,
    models: Path | None,
) -> Float32Array:
    """Probabilities of the pairs i < j row by row, shape (batch, pairs, bins)."""
    net = load_model("distance", models_folder(models))
    assert isinstance(net, DistanceNet)
    if numbers.shape[1] > net.config.max_atoms:
        raise InputError(
            f"A cell of {numbers.shape[1]} atoms is larger than the {net.config.max_atoms} the distance "
            "network was trained for: use a smaller --cell or --max-atoms."
        )
    groups = [hypothesis.space_group if hypothesis else 0 for hypothesis in hypotheses]
    types = [hypothesis_type(hypothesis) if hypothesis else None for hypothesis in hypotheses]
    tokens = AtomTokens(
        numbers=torch.as_tensor(numbers),
        letters=torch.as_tensor(letters),
        multiplicities=torch.as_tensor(multiplicities),
        space_groups=torch.tensor(groups),
        functionals=torch.full((len(numbers),), FUNCTIONAL),
        shapes=torch.as_tensor(shapes.astype(np.float32)),
    )
    rows = np.array(
        [
            -1 if structure_type is None else net.templates.rows.get(structure_type, -1)
            for structure_type in types
        ]
    )
    templates = net.templates.batch(rows, element_slots(numbers))
    fill_derivative_templates(templates, net.templates, types, numbers)
    for sample in np.flatnonzero(templates.counts.sum(1).numpy() == 0).tolist():
        hypothesis = hypotheses[sample]
        derived = subgroup_type(hypothesis, models) if hypothesis else None
        if hypothesis and derived:
            group = space_group(hypothesis.space_group)
            cell = group.primitive_basis(hypothesis.lattice.matrix())
            positions = derived.positions() @ group.to_primitive.T
            fill_from_coordinates(templates, sample, cell, positions, numbers[sample], shapes[sample])
    with torch.no_grad():
        log_probabilities = net(tokens, templates)
    return np.asarray(log_probabilities.exp().numpy(), dtype=np.float32)


def _matrices(pairs: NDArray[np.floating], size: int) -> Float32Array:
    """Symmetric matrices (batch, size, size, bins) of the pairs i < j; the diagonal is in the first bin."""
    full = full_matrices(torch.as_tensor(pairs, dtype=torch.float32), size).numpy()
    full[:, np.arange(size), np.arange(size), 0] = 1
    return np.asarray(full)

"""From cell contents or hypotheses to distograms."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ase.data import atomic_numbers
from numpy.typing import NDArray

from alphacrystal.composition import CellContent
from alphacrystal.crystal import CrystalEncoding, Distogram, SymmetryHypothesis, encode, letter_index
from alphacrystal.data import FUNCTIONALS
from alphacrystal.errors import InputError
from alphacrystal.learn._distance_net import BIN_CENTRES, BIN_EDGES, AtomTokens, DistanceNet, full_matrices
from alphacrystal.learn._lattice_net import lattice_targets
from alphacrystal.learn._structure_types import StructureType
from alphacrystal.learn._template_fitting import element_slots
from alphacrystal.learn._weights import load_model, models_folder

FUNCTIONAL = FUNCTIONALS.index("PBE")
BATCH_PAIRS = 20_000
LETTERS = 32  # more than there are Wyckoff letters: atoms of one element and letter are interchangeable
MIXED_TYPES = 12  # likeliest structure types whose distograms make that of a cell content
LEAST_SHARE = 0.01  # types less likely than this are left out of it


def predict_cell_distogram(
    cell: CellContent, hypotheses: Sequence[SymmetryHypothesis], *, models: Path | None = None
) -> Distogram:
    """Distogram of a cell content: that of each likely structure type, weighted by its probability.

    Without any likely type it is what the network says of the composition alone.

    Args:
        cell: The cell content.
        hypotheses: Of the composition, best first; those of another number of formula units are passed over.
        models: Folder of weights; the shipped ones by default.

    Raises:
        InputError: The cell holds more atoms than the network was trained for.
    """
    numbers = np.array(
        [atomic_numbers[symbol] for symbol, count in cell.counts.items() for _ in range(count)]
    )
    own = [h for h in hypotheses if sum(_type(h).counts()) == len(numbers)]
    total = sum(math.exp(h.log_probability) for h in own)
    chosen = [h for h in own[:MIXED_TYPES] if math.exp(h.log_probability) > LEAST_SHARE * total]
    if chosen:
        shares = np.array([math.exp(h.log_probability) for h in chosen])
        parts = [distogram.probabilities for distogram in predict_distograms(chosen, models=models)]
        mixed = np.tensordot(shares / shares.sum(), np.stack(parts), 1)
    else:
        zeros = np.zeros((1, len(numbers)), dtype=np.int64)
        (mixed,) = _evaluate(
            numbers[None], zeros, zeros, np.zeros(1, dtype=np.int64), [None], np.zeros((1, 6)), models
        )
    return Distogram(numbers, BIN_EDGES, BIN_CENTRES, mixed.astype(np.float32))


def predict_distograms(
    hypotheses: Sequence[SymmetryHypothesis], *, models: Path | None = None
) -> list[Distogram]:
    """One distogram per hypothesis, given its structure type and cell; atoms in the order of ``encode``.

    Raises:
        InputError: A cell holds more atoms than the network was trained for.
    """
    encodings = [encode(hypothesis) for hypothesis in hypotheses]
    types = [_type(hypothesis) for hypothesis in hypotheses]
    shapes = _shapes(hypotheses, encodings)
    groups: dict[int, list[int]] = defaultdict(list)
    for index, encoding in enumerate(encodings):
        groups[len(encoding.numbers)].append(index)
    results: dict[int, Distogram] = {}
    for size, rows in groups.items():
        step = max(1, BATCH_PAIRS // size**2)
        for start in range(0, len(rows), step):
            own = rows[start : start + step]
            probabilities = _evaluate(
                np.stack([encodings[i].numbers for i in own]),
                np.stack([encodings[i].letters for i in own]),
                np.stack([_orbit_sizes(encodings[i]) for i in own]),
                np.array([hypotheses[i].space_group for i in own]),
                [types[i] for i in own],
                shapes[own],
                models,
            )
            for index, values in zip(own, probabilities, strict=True):
                own_atoms = encodings[index]
                classes = own_atoms.numbers * LETTERS + own_atoms.letters
                results[index] = Distogram(own_atoms.numbers, BIN_EDGES, BIN_CENTRES, values, classes)
    return [results[index] for index in range(len(hypotheses))]


def _type(hypothesis: SymmetryHypothesis) -> StructureType:
    letters = ("".join(sorted(own, key=letter_index)) for own in hypothesis.occupation.values())
    return StructureType(hypothesis.space_group, tuple(letters))


def _orbit_sizes(encoding: CrystalEncoding) -> NDArray[np.int64]:
    return np.bincount(encoding.orbits)[encoding.orbits]


def _shapes(
    hypotheses: Sequence[SymmetryHypothesis], encodings: Sequence[CrystalEncoding]
) -> NDArray[np.float64]:
    """Lattice targets of the cells of the hypotheses, shape (n, 6)."""
    if not hypotheses:
        return np.zeros((0, 6))
    cells = np.array([list(hypothesis.lattice.as_dict().values()) for hypothesis in hypotheses])
    primitive = np.array([abs(np.linalg.det(encoding.lattice(np.zeros(6)))) for encoding in encodings])
    atoms = np.array([len(encoding.numbers) for encoding in encodings])
    return lattice_targets(cells, primitive / atoms).astype(np.float64)


def _evaluate(
    numbers: NDArray[np.int64],
    letters: NDArray[np.int64],
    multiplicities: NDArray[np.int64],
    groups: NDArray[np.int64],
    types: Sequence[StructureType | None],
    shapes: NDArray[np.float64],
    models: Path | None,
) -> NDArray[np.float32]:
    """Probabilities, shape (batch, atoms, atoms, bins)."""
    net = load_model("distance", models_folder(models))
    assert isinstance(net, DistanceNet)
    if numbers.shape[1] > net.config.max_atoms:
        raise InputError(
            f"A cell of {numbers.shape[1]} atoms is larger than the {net.config.max_atoms} the distance "
            "network was trained for: use a smaller --cell or --max-atoms."
        )
    tokens = AtomTokens(
        numbers=torch.as_tensor(numbers),
        letters=torch.as_tensor(letters),
        multiplicities=torch.as_tensor(multiplicities),
        space_groups=torch.as_tensor(groups),
        functionals=torch.full((len(numbers),), FUNCTIONAL),
        shapes=torch.as_tensor(shapes.astype(np.float32)),
    )
    rows = np.array([-1 if kind is None else net.templates.rows.get(kind, -1) for kind in types])
    with torch.no_grad():
        log_probabilities = net(tokens, net.templates.batch(rows, element_slots(numbers)))
    size = numbers.shape[1]
    probabilities = full_matrices(log_probabilities.exp(), size).numpy()
    probabilities[:, np.arange(size), np.arange(size), 0] = 1  # the diagonal means nothing
    return np.asarray(probabilities, dtype=np.float32)

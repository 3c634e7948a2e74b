"""From cell contents or hypotheses to distograms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ase.data import atomic_numbers
from numpy.typing import NDArray

from alphacrystal.composition import CellContent
from alphacrystal.crystal import CrystalEncoding, Distogram, SymmetryHypothesis, encode
from alphacrystal.data import FUNCTIONALS
from alphacrystal.errors import InputError
from alphacrystal.learn._distance_net import BIN_CENTRES, BIN_EDGES, AtomTokens, DistanceNet
from alphacrystal.learn._weights import load_model, models_folder

FUNCTIONAL = FUNCTIONALS.index("PBE")
BATCH_PAIRS = 20_000


def predict_cell_distogram(cell: CellContent, *, models: Path | None = None) -> Distogram:
    """Distogram of a cell content with nothing known about its symmetry.

    Raises:
        InputError: The cell holds more atoms than the network was trained for.
    """
    numbers = np.array(
        [atomic_numbers[symbol] for symbol, count in cell.counts.items() for _ in range(count)]
    )
    zeros = np.zeros((1, len(numbers)), dtype=np.int64)
    (probabilities,) = _evaluate(numbers[None], zeros, zeros, np.zeros(1, dtype=np.int64), models)
    return Distogram(numbers, BIN_EDGES, BIN_CENTRES, probabilities)


def predict_distograms(
    hypotheses: Sequence[SymmetryHypothesis], *, models: Path | None = None
) -> list[Distogram]:
    """One distogram per hypothesis, given its space group and letters; atoms in the order of ``encode``.

    Raises:
        InputError: A cell holds more atoms than the network was trained for.
    """
    encodings = [encode(hypothesis) for hypothesis in hypotheses]
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
                models,
            )
            for index, values in zip(own, probabilities, strict=True):
                results[index] = Distogram(encodings[index].numbers, BIN_EDGES, BIN_CENTRES, values)
    return [results[index] for index in range(len(hypotheses))]


def _orbit_sizes(encoding: CrystalEncoding) -> NDArray[np.int64]:
    return np.bincount(encoding.orbits)[encoding.orbits]


def _evaluate(
    numbers: NDArray[np.int64],
    letters: NDArray[np.int64],
    multiplicities: NDArray[np.int64],
    groups: NDArray[np.int64],
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
    )
    with torch.no_grad():
        return np.asarray(net(tokens).softmax(-1).numpy(), dtype=np.float32)

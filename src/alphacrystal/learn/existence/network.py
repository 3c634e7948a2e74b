"""The existence network: the probability that a compound exists at a composition of a chemical system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from ase.data import atomic_numbers
from torch import Tensor, nn

from alphacrystal.composition import (
    ANY_RATIO_ATOMS,
    charge_imbalance,
    element_features,
    system_ratios,
)
from alphacrystal.learn.space_groups import composition_statistics
from alphacrystal.learn.structure_types import MAX_ELEMENTS
from alphacrystal.typing import BoolArray, Float32Array, FloatArray, IntArray

SLOTS = 4  # elements of a composition at most
BALANCED = 1e-9  # charge per atom
MAX_FORMULA_ATOMS = 40  # in the formula unit
SIMILARITY_WIDTH = 1.5  # distance of standardised element properties at which the similarity is exp(-1/2)
SMALLEST_SUM = 1e-6  # of similarities, in the logarithm
FREQUENT = 3  # known compounds of a ratio with more than ANY_RATIO_ATOMS atoms that make it worth considering
_BASE = 64  # of the keys of ratios, above every count


@dataclass(frozen=True, slots=True)
class ExistenceNetConfig:
    """Sizes of the network."""

    width: int = 128
    dropout: float = 0.3


def ratio_keys(counts: IntArray) -> IntArray:
    """One whole number for each ratio, shape (n,), of counts of shape (n, SLOTS) with 0 in unused slots."""
    return np.asarray(counts @ _BASE ** np.arange(SLOTS), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Compositions:
    """Compositions as arrays; the elements of each are in order of electronegativity.

    Attributes:
        numbers: Atomic numbers, 0 in unused slots, shape (n, SLOTS).
        counts: Atoms in the reduced formula, 0 in unused slots, shape (n, SLOTS).
        imbalance: Smallest charge per atom over the common oxidation states, shape (n,).
    """

    numbers: IntArray
    counts: IntArray
    imbalance: FloatArray

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of_system(cls, symbols: Sequence[str], ratios: IntArray) -> Compositions:
        """Compositions of one set of elements.

        Args:
            symbols: At most SLOTS elements, least electronegative first.
            ratios: Atoms of each, shape (n, elements).
        """
        numbers = np.zeros((len(ratios), SLOTS), dtype=np.int64)
        counts = np.zeros_like(numbers)
        numbers[:, : len(symbols)] = [atomic_numbers[symbol] for symbol in symbols]
        counts[:, : len(symbols)] = ratios
        return cls(numbers, counts, charge_imbalance(symbols, ratios))

    @classmethod
    def joined(cls, parts: Sequence[Compositions]) -> Compositions:
        """All compositions of several."""
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.imbalance for part in parts]),
        )

    def chosen(self, rows: IntArray | BoolArray) -> Compositions:
        """The compositions of some rows."""
        return Compositions(self.numbers[rows], self.counts[rows], self.imbalance[rows])


def frequent_ratios(known: Compositions) -> IntArray:
    """Ratios of more than ANY_RATIO_ATOMS atoms that several known compounds have, as those of Th6Mn23.

    Returns:
        Shape (ratios, SLOTS), 0 in unused slots.
    """
    large = known.counts[known.counts.sum(1) > ANY_RATIO_ATOMS]
    ratios, members = np.unique(large, axis=0, return_counts=True)
    return np.asarray(ratios[members >= FREQUENT])


def considered_ratios(symbols: Sequence[str], max_atoms: int, frequent: IntArray) -> IntArray:
    """Ratios of the atoms of a set of elements at which a compound is considered.

    Those of `alphacrystal.composition.system_ratios`, then the frequent ratios that are not among them.

    Args:
        symbols: At most SLOTS elements, least electronegative first.
        max_atoms: Atoms in the formula unit at most.
        frequent: Of `frequent_ratios`.

    Returns:
        Shape (ratios, elements).
    """
    ratios, size = system_ratios(symbols, max_atoms), len(symbols)
    fitting = (frequent[:, :size] > 0).all(1) & (frequent[:, size:] == 0).all(1)
    more = frequent[fitting & (frequent.sum(1) <= max_atoms)][:, :size]
    present = set(map(tuple, ratios.tolist()))
    new = [row for row in more.tolist() if tuple(row) not in present]
    return np.concatenate([ratios, np.array(new, dtype=ratios.dtype).reshape(-1, size)])


def similarity_sums(
    known: Compositions, compositions: Compositions, same: BoolArray | None = None
) -> FloatArray:
    """Sum and maximum of the similarities to known compounds of the same ratio, and their number.

    The similarity of two compounds is exp(-d²/2) with d² the squared distances of the standardised
    properties of their elements, element by element in order of electronegativity, over SIMILARITY_WIDTH².

    Args:
        known: Known compounds.
        compositions: Those that are compared with them.
        same: Whether a composition is itself one of the known ones and is left out, shape (compositions,).

    Returns:
        Columns sum, maximum, number; shape (compositions, 3).
    """
    properties = np.nan_to_num(element_features())
    square = ((properties[:, None] - properties[None]) ** 2).sum(-1)
    factor = np.exp(-square / (2 * SIMILARITY_WIDTH**2)).astype(np.float32)  # (104, 104)
    left_out = np.zeros(len(compositions), dtype=bool) if same is None else same
    result = np.zeros((len(compositions), 3))
    known_keys, composition_keys = ratio_keys(known.counts), ratio_keys(compositions.counts)
    known_order, composition_order = (
        np.argsort(keys, kind="stable") for keys in (known_keys, composition_keys)
    )
    keys, starts = np.unique(composition_keys[composition_order], return_index=True)
    ends = [*starts[1:], len(compositions)]
    begins = np.searchsorted(known_keys[known_order], keys, "left")
    stops = np.searchsorted(known_keys[known_order], keys, "right")
    for start, end, begin, stop in zip(starts, ends, begins, stops, strict=True):
        if begin == stop:
            continue
        members = known.numbers[known_order[begin:stop]]
        for first in range(start, end, 2048):
            rows = composition_order[first : min(first + 2048, end)]
            numbers = compositions.numbers[rows]
            like = np.ones((len(rows), len(members)), dtype=np.float32)
            for slot in range(SLOTS):
                like *= factor[numbers[:, slot][:, None], members[None, :, slot]]
            itself = left_out[rows][:, None] & (numbers[:, None] == members[None]).all(-1)
            like[itself] = 0
            result[rows, 0] = like.sum(1)
            result[rows, 1] = like.max(1)
            result[rows, 2] = len(members) - itself.sum(1)
    return result


def inputs(known: Compositions, compositions: Compositions, same: BoolArray | None = None) -> Float32Array:
    """Inputs of the network, shape (compositions, features); arguments as for `similarity_sums`."""
    padded = np.zeros((len(compositions), MAX_ELEMENTS), dtype=np.int64)
    amounts = padded.astype(np.float32)
    padded[:, :SLOTS], amounts[:, :SLOTS] = compositions.numbers, compositions.counts
    sums = similarity_sums(known, compositions, same)
    extra = np.column_stack(
        [
            np.log(sums[:, 0] + SMALLEST_SUM) / 5,
            sums[:, 1],
            np.log1p(sums[:, 2]) / 5,
            compositions.imbalance < BALANCED,
            np.minimum(compositions.imbalance, 1),
            compositions.counts.sum(1) / MAX_FORMULA_ATOMS,
        ]
    )
    return np.concatenate([composition_statistics(padded, amounts), extra.astype(np.float32)], axis=1)


class ExistenceNet(nn.Module):
    """Log-odds that a compound exists, from the composition and the known compounds of the same ratio.

    Args:
        config: Sizes.
        known: Training compounds: atomic numbers and counts, shape (compounds, 2, SLOTS), uint8.
    """

    known: Tensor

    def __init__(self, config: ExistenceNetConfig, known: Tensor) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("known", known)
        one = Compositions.of_system(["Na", "Cl"], np.array([[1, 1]]))
        size, width = inputs(one, one).shape[1], config.width
        self.layers = nn.Sequential(
            nn.Linear(size, width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Log-odds, shape (batch,), of inputs of shape (batch, features)."""
        odds: Tensor = self.layers(features)[:, 0]
        return odds

    def compounds(self) -> Compositions:
        """The training compounds; their charges are not needed and are zero."""
        table = self.known.numpy().astype(np.int64)
        return Compositions(table[:, 0], table[:, 1], np.zeros(len(table)))


def probabilities(net: ExistenceNet, compositions: Compositions) -> FloatArray:
    """Probability that a compound exists at each composition, shape (n,).

    A training compound is not counted as known for itself.
    """
    features = inputs(net.compounds(), compositions, np.ones(len(compositions), dtype=bool))
    with torch.no_grad():
        odds = net(torch.as_tensor(features))
    return np.asarray(odds.double().sigmoid().numpy())

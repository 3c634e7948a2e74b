"""Training of the symmetry prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from ase.data import atomic_numbers
from numpy.typing import NDArray
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn._structure_types import MAX_ELEMENTS, StructureType, reduced_counts
from alphacrystal.learn._symmetry_net import SymmetryNet, SymmetryNetConfig

BATCH = 256
FAMILIES = 6
# This share of the batches is scored without type embeddings, so that the parts learn to stand alone.
PARTS_ONLY_SHARE = 0.25


def occupations(data: PreparedStructures) -> list[tuple[StructureType, tuple[str, ...]]]:
    """Structure type and elements (electronegativity order) of every structure."""
    rows = []
    for index in range(len(data)):
        occupation = data.occupation(index)
        kind = StructureType(int(data.space_groups[index]), tuple(occupation.values()))
        rows.append((kind, tuple(occupation)))
    return rows


def composition_arrays(
    elements: Sequence[Sequence[str]], counts: Sequence[Sequence[int]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Atomic numbers and reduced counts, shape (compositions, MAX_ELEMENTS) each, 0 where unused.

    Elements beyond MAX_ELEMENTS have no place; callers leave such compositions out.
    """
    numbers = np.zeros((len(elements), MAX_ELEMENTS), dtype=np.int64)
    amounts = np.zeros((len(elements), MAX_ELEMENTS), dtype=np.float32)
    for row, (symbols, own) in enumerate(zip(elements, counts, strict=True)):
        slots = min(len(symbols), MAX_ELEMENTS)
        numbers[row, :slots] = [atomic_numbers[symbol] for symbol in symbols[:slots]]
        amounts[row, :slots] = reduced_counts(own)[:slots]
    return numbers, amounts


def sample_weights(data: PreparedStructures) -> NDArray[np.float32]:
    """Experimental and stable entries weigh more: they are what a chemist asks for."""
    experimental = np.where(data.experimental == 1, 1.0, 0.5)
    stable = np.where(np.isnan(data.above_hull), 1.0, np.exp(-np.nan_to_num(data.above_hull) / 0.1) + 0.1)
    return (experimental * stable).astype(np.float32)


class SymmetryTask:
    """Trains a SymmetryNet on the training split of prepared structures."""

    def __init__(
        self, data: PreparedStructures, config: SymmetryNetConfig | None = None, seed: int = 0
    ) -> None:
        rows = occupations(data)
        few = data.elements_per_structure <= MAX_ELEMENTS
        self.train = np.flatnonzero(~data.validation & few)
        self.validation = np.flatnonzero(data.validation & few)
        vocabulary = {kind: place for place, kind in enumerate(dict.fromkeys(rows[i][0] for i in self.train))}
        counts = [kind.counts() for kind, _ in rows]
        self.kinds = [kind for kind, _ in rows]
        self.numbers, self.counts = map(
            torch.as_tensor, composition_arrays([elements for _, elements in rows], counts)
        )
        stoichiometries: dict[tuple[int, ...], int] = {}
        for kind in vocabulary:
            stoichiometries.setdefault(kind.stoichiometry(), len(stoichiometries))
        self.type_stoichiometry = torch.tensor([stoichiometries[kind.stoichiometry()] for kind in vocabulary])
        self.elements_of = np.array([len(key) for key in stoichiometries])
        self.stoichiometry = torch.tensor([stoichiometries.get(reduced_counts(c), -1) for c in counts])
        self.target = torch.tensor([vocabulary.get(kind, -1) for kind, _ in rows])
        self.groups = torch.as_tensor(data.space_groups)
        self.weights = torch.as_tensor(sample_weights(data))
        self.experimental = data.experimental == 1
        torch.manual_seed(seed)
        self.model: SymmetryNet = SymmetryNet(config or SymmetryNetConfig(), list(vocabulary))

    def batches(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Shuffled batches of the training split.

        Each batch draws from one of FAMILIES random groups of stoichiometries, so that only the types of that
        group need scores; the groups are drawn anew every epoch. Compositions of up to three, four, and more
        elements stay apart, so that short ones are not padded.
        """
        family = rng.integers(FAMILIES, size=len(self.elements_of)) * 3 + np.clip(self.elements_of, 3, 5) - 3
        order = rng.permutation(self.train)
        own = family[self.stoichiometry.numpy()[order]]
        parts = [order[own == number] for number in range(3 * FAMILIES)]
        batches = [part[start : start + BATCH] for part in parts for start in range(0, len(part), BATCH)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def _masked(self, scores: Tensor, batch: NDArray[np.int64], kinds: Tensor) -> Tensor:
        wrong = self.stoichiometry[batch][:, None] != kinds[None]
        return scores.masked_fill(wrong, -1e4)

    def loss(self, batch: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """Weighted cross-entropy over the types of the same stoichiometry."""
        rows = np.flatnonzero(np.isin(self.type_stoichiometry.numpy(), self.stoichiometry[batch].numpy()))
        place = torch.full((len(self.type_stoichiometry),), -1)
        place[rows] = torch.arange(len(rows))
        parts_only = bool(rng.random() < PARTS_ONLY_SHARE)
        slots = int((self.numbers[batch] > 0).sum(1).max())
        numbers, counts = self.numbers[batch, :slots], self.counts[batch, :slots]
        scores = self.model(numbers, counts, rows, parts_only=parts_only)
        masked = self._masked(scores, batch, self.type_stoichiometry[rows])
        losses = nn.functional.cross_entropy(masked, place[self.target[batch]], reduction="none")
        weights = self.weights[batch]
        return (losses * weights).sum() / weights.sum()

    def scores(self, model: nn.Module, batch: NDArray[np.int64]) -> Tensor:
        """Scores of all known types, those of another stoichiometry put far below, shape (batch, types)."""
        return self._masked(model(self.numbers[batch], self.counts[batch]), batch, self.type_stoichiometry)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Ranks of the true type and space group on the validation split: all entries, experimental ones."""
        type_ranks, group_ranks, losses = [], [], []
        for start in range(0, len(self.validation), 256):
            batch = self.validation[start : start + 256]
            scores = self.scores(model, batch)
            probabilities = scores.softmax(-1)
            by_group = torch.zeros(len(batch), 231).index_add_(
                1,
                model.table.space_group,  # type: ignore[union-attr, arg-type]
                probabilities,
            )
            known = self.stoichiometry[batch] >= 0
            target, group = self.target[batch], self.groups[batch]
            seen = (target >= 0) & known
            own = scores.gather(1, target.clamp(min=0)[:, None])
            rank = (scores > own).sum(1).double()
            rank[~seen] = float("inf")
            type_ranks.append(rank)
            own_group = by_group.gather(1, group[:, None])
            group_rank = (by_group > own_group).sum(1).double()
            group_rank[~known | (own_group[:, 0] <= 0)] = float("inf")
            group_ranks.append(group_rank)
            loss = nn.functional.cross_entropy(scores, target.clamp(min=0), reduction="none")
            losses.append((loss[seen], self.weights[batch][seen]))
        types, groups = torch.cat(type_ranks).numpy(), torch.cat(group_ranks).numpy()
        experimental = self.experimental[self.validation]
        loss_sum = sum(float((loss * weight).sum()) for loss, weight in losses)
        metrics = {
            "val_loss": loss_sum / sum(float(weight.sum()) for _, weight in losses),
            **{f"type_top{k}": float((types < k).mean()) for k in (1, 5, 20)},
            **{f"group_top{k}": float((groups < k).mean()) for k in (1, 5)},
        }
        if experimental.any():  # a source may not say which of its entries are experimental
            metrics |= {
                f"type_top{k}_experimental": float((types < k)[experimental].mean()) for k in (1, 5, 20)
            }
            metrics |= {
                f"group_top{k}_experimental": float((groups < k)[experimental].mean()) for k in (1, 5)
            }
        return metrics

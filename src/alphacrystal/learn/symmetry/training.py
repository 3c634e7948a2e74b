"""Training of the symmetry network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.model_inputs import (
    EVIDENCE_WEIGHTS,
    SMALL_CELL,
    composition_arrays,
    evidence_levels,
    occupations,
    size_subsets,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS, reduced_counts
from alphacrystal.learn.symmetry.member_table import MemberTable, exchanged_members
from alphacrystal.learn.symmetry.neighbours import Family
from alphacrystal.learn.symmetry.network import ANY, EXPERIMENTAL, SymmetryNet, SymmetryNetConfig
from alphacrystal.typing import Float32Array, IntArray

BATCH = 256
CHUNK = 96  # compositions of one stoichiometry that stay together in a batch
SPACE_GROUP_LOSS_WEIGHT = 0.5  # of the cross-entropy of space groups; that of types has weight 1


def sample_weights(data: PreparedStructures) -> Float32Array:
    """Weight of each entry: experimental and stable entries have larger weights, shape (structures,)."""
    experimental = np.where(data.experimental == 1, 1.0, 0.5)
    stable = np.where(np.isnan(data.above_hull), 1.0, np.exp(-np.nan_to_num(data.above_hull) / 0.1) + 0.1)
    return (experimental * stable).astype(np.float32)


class SymmetryTask:
    """Trains a SymmetryNet on the training split of prepared structures.

    One sample is one composition. Its target is a distribution over the recorded types of the composition.
    Training compounds of the same composition are excluded from its neighbours (leave one out).

    Attributes:
        train, validation: Rows of the two splits.
        structure_types: Structure type of each entry.
        compounds: One entry for each training composition.
    """

    def __init__(
        self, data: PreparedStructures, config: SymmetryNetConfig | None = None, seed: int = 0
    ) -> None:
        rows = occupations(data)
        supported = data.elements_per_structure <= MAX_ELEMENTS
        self.train = np.flatnonzero(~data.validation & supported)
        self.validation = np.flatnonzero(data.validation & supported)
        self.structure_types = [structure_type for structure_type, _ in rows]
        distinct = dict.fromkeys(self.structure_types[row] for row in self.train)
        vocabulary = {structure_type: row for row, structure_type in enumerate(distinct)}
        counts = [structure_type.counts() for structure_type in self.structure_types]
        self.numbers, self.counts = map(
            torch.as_tensor, composition_arrays([elements for _, elements in rows], counts)
        )
        stoichiometries: dict[tuple[int, ...], int] = {}
        for structure_type in vocabulary:
            stoichiometries.setdefault(structure_type.stoichiometry(), len(stoichiometries))
        self.stoichiometries = list(stoichiometries)
        self.stoichiometry = torch.tensor([stoichiometries.get(reduced_counts(c), -1) for c in counts])
        self.target = torch.tensor([vocabulary.get(known, -1) for known in self.structure_types])
        self.groups = torch.as_tensor(data.space_groups)
        self.weights = torch.as_tensor(sample_weights(data))
        self.experimental = data.experimental == 1
        self.small, self.sizes = data.sizes <= SMALL_CELL, data.sizes
        evidence = evidence_levels(data)
        self._group_compounds(evidence)
        known = self.numbers.numpy()[self.train], self.target.numpy()[self.train], evidence[self.train]
        exchanged = exchanged_members(*known, list(vocabulary))
        members = MemberTable.of(*(np.concatenate(both) for both in zip(known, exchanged, strict=True)))
        torch.manual_seed(seed)
        self.model: SymmetryNet = SymmetryNet(config or SymmetryNetConfig(), list(vocabulary), members)

    def _group_compounds(self, evidence: IntArray) -> None:
        """Group the training entries by composition; the entry with the best evidence represents it."""
        rows = self.train
        keys = np.column_stack([self.numbers.numpy()[rows], self.counts.numpy()[rows].astype(np.int64)])
        _, compound = np.unique(keys, axis=0, return_inverse=True)
        order = np.lexsort([evidence[rows], compound])
        rows, compound = rows[order], compound[order]
        starts = np.searchsorted(compound, np.arange(compound[-1] + 1))
        self.compounds = rows[starts]
        self.compound_weight = torch.as_tensor(np.maximum.reduceat(self.weights.numpy()[rows], starts))
        self.compound_class = np.where(self.experimental[self.compounds], EXPERIMENTAL, ANY)
        share = EVIDENCE_WEIGHTS[evidence[rows]]
        share = share / np.add.reduceat(share, starts)[compound]
        self.entries = np.split(np.arange(len(rows)), starts[1:])
        self.entry_target, self.entry_share = self.target[rows], torch.as_tensor(share, dtype=torch.float32)
        self.compound_of = np.full(len(self.weights), -1)
        self.compound_of[self.compounds] = np.arange(len(starts))

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches with one row of each training composition.

        A batch consists of chunks of up to CHUNK compositions of one stoichiometry, because each
        stoichiometry costs one comparison with all its members. Compositions with up to three, four, and more
        elements are in separate batches to avoid padding.
        """
        order = rng.permutation(self.compounds)
        order = order[np.argsort(self.stoichiometry.numpy()[order], kind="stable")]
        edges = np.flatnonzero(np.diff(self.stoichiometry.numpy()[order])) + 1
        chunks = [
            rows[start : start + CHUNK]
            for rows in np.split(order, edges)
            for start in range(0, len(rows), CHUNK)
        ]
        shuffled = [chunks[i] for i in rng.permutation(len(chunks))]
        batches = []
        for low, high in ((1, 3), (4, 4), (5, MAX_ELEMENTS)):
            group = [c for c in shuffled if low <= int((self.numbers[c[0]] > 0).sum()) <= high]
            if not group:
                continue
            rows = np.concatenate(group)
            batches += [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Weighted cross-entropy of the types and of the space groups."""
        model = self.model
        slots = int((self.numbers[batch] > 0).sum(1).max())
        numbers, counts = self.numbers[batch, :slots], self.counts[batch, :slots]
        compounds = self.compound_of[batch]
        classes = self.compound_class[compounds]
        summary, elements = model.encode(numbers, counts, torch.as_tensor(classes))
        block_numbers = self.stoichiometry[batch].numpy() * 2 + classes
        blocks = []
        for number in np.unique(block_numbers):
            family = model.family(self.stoichiometries[number // 2])
            assert family is not None
            blocks.append((int(number), family, np.flatnonzero(block_numbers == number)))
        rows = np.unique(np.concatenate([family.rows.numpy() for _, family, _ in blocks]))
        parts = model.part_scores((summary, elements), model.table.subset(rows))
        total = parts.new_zeros(())
        for number, family, places in blocks:
            key = self.stoichiometries[number // 2]
            columns = torch.as_tensor(np.searchsorted(rows, family.rows.numpy()))
            at = torch.as_tensor(places)
            scores = model.family_scores(
                parts[at[:, None], columns],
                summary[at],
                numbers[at, : len(key)],
                counts[at[0], : len(key)],
                family,
                compounds=number % 2,
                leave_one_out=True,
            )
            weight = self.compound_weight[compounds[places]]
            total = total + (self._cross_entropy(scores, family, compounds[places]) * weight).sum()
        return total / self.compound_weight[compounds].sum()

    def _cross_entropy(self, scores: Tensor, family: Family, compounds: IntArray) -> Tensor:
        """Loss of each composition, shape (compositions,)."""
        entries = np.concatenate([self.entries[compound] for compound in compounds])
        places = np.repeat(np.arange(len(compounds)), [len(self.entries[compound]) for compound in compounds])
        columns = torch.searchsorted(family.rows, self.entry_target[entries])
        target = torch.zeros_like(scores)
        target.index_put_((torch.as_tensor(places), columns), self.entry_share[entries], accumulate=True)
        log_types = scores.log_softmax(-1)
        used, inverse = family.groups.unique(return_inverse=True)
        zeros = torch.zeros(len(scores), len(used))
        groups = zeros.index_add(1, inverse, log_types.exp()).clamp(min=1e-9).log()
        group_target = zeros.index_add(1, inverse, target)
        return -(target * log_types).sum(1) - SPACE_GROUP_LOSS_WEIGHT * (group_target * groups).sum(1)

    def scores(
        self,
        model: nn.Module,
        batch: IntArray,
        compounds: int = EXPERIMENTAL,
        *,
        leave_one_out: bool = True,
    ) -> Tensor:
        """Scores of the vocabulary, shape (batch, types).

        By default, training compounds of the composition of a row are excluded from its neighbours. Otherwise
        the scores of training rows would be too good.
        """
        scores: Tensor = model(
            self.numbers[batch], self.counts[batch], compounds=compounds, leave_one_out=leave_one_out
        )
        return scores

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Ranks of the true type and space group on the validation split."""
        type_ranks, group_ranks, losses = [], [], []
        order = self.validation[np.argsort(self.stoichiometry.numpy()[self.validation], kind="stable")]
        for start in range(0, len(order), 256):
            batch = order[start : start + 256]
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
            true_scores = scores.gather(1, target.clamp(min=0)[:, None])
            rank = (scores > true_scores).sum(1).double()
            rank[~seen] = float("inf")
            type_ranks.append(rank)
            true_group = by_group.gather(1, group[:, None])
            group_rank = (by_group > true_group).sum(1).double()
            group_rank[~known | (true_group[:, 0] <= 0)] = float("inf")
            group_ranks.append(group_rank)
            likelihood = nn.functional.cross_entropy(scores, target.clamp(min=0), reduction="none")
            losses.append(torch.where(seen, likelihood, torch.nan))
        types, groups = torch.cat(type_ranks).numpy(), torch.cat(group_ranks).numpy()
        loss, weight = torch.cat(losses).numpy(), self.weights[order].numpy()
        ranked, experimental = ~np.isnan(loss), self.experimental[order]
        subsets = {
            "": np.ones(len(order), dtype=bool),
            "_experimental": experimental,
            f"_experimental_{SMALL_CELL}": experimental & self.small[order],
            **size_subsets(self.sizes[order], experimental, "_experimental"),
        }
        # Experimental entries decide; a source without such labels uses all entries.
        evaluated = ranked & experimental if (ranked & experimental).any() else ranked
        metrics = {"val_loss": float(np.average(loss[evaluated], weights=weight[evaluated]))}
        metrics["val_loss_all"] = float(np.average(loss[ranked], weights=weight[ranked]))
        for name, subset in subsets.items():
            if subset.any():
                metrics |= {f"type_top{k}{name}": float((types < k)[subset].mean()) for k in (1, 5, 20)}
                metrics |= {f"group_top{k}{name}": float((groups < k)[subset].mean()) for k in (1, 5)}
        return metrics

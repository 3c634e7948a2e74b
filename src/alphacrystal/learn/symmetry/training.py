"""Training of the symmetry prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from ase.data import atomic_numbers
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType, reduced_counts
from alphacrystal.learn.symmetry.member_table import MemberTable, evidence, exchanged
from alphacrystal.learn.symmetry.neighbours import Family
from alphacrystal.learn.symmetry.network import EXPERIMENTAL, SymmetryNet, SymmetryNetConfig
from alphacrystal.typing import Float32Array, IntArray

BATCH = 256
PIECE = 96  # compositions of one stoichiometry that stay together in a batch
SMALL = 12  # atoms in the primitive cell, of a subset that the metrics tell apart
GROUP_SHARE = 0.5  # weight of the cross-entropy of space groups beside that of types
# Weight of an entry among all of its composition, by evidence.
SHARE = np.array([1.0, 0.3, 0.1, 0.03])


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
) -> tuple[IntArray, Float32Array]:
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


def sample_weights(data: PreparedStructures) -> Float32Array:
    """Experimental and stable entries weigh more: they are what a chemist asks for."""
    experimental = np.where(data.experimental == 1, 1.0, 0.5)
    stable = np.where(np.isnan(data.above_hull), 1.0, np.exp(-np.nan_to_num(data.above_hull) / 0.1) + 0.1)
    return (experimental * stable).astype(np.float32)


class SymmetryTask:
    """Trains a SymmetryNet on the training split of prepared structures.

    One sample is one composition; its target is a distribution over the types it is known to take. The
    network never sees those while it is asked: compounds of the composition are left out of its neighbours.
    """

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
        self.stoichiometries = list(stoichiometries)
        self.stoichiometry = torch.tensor([stoichiometries.get(reduced_counts(c), -1) for c in counts])
        self.target = torch.tensor([vocabulary.get(kind, -1) for kind, _ in rows])
        self.groups = torch.as_tensor(data.space_groups)
        self.weights = torch.as_tensor(sample_weights(data))
        self.experimental = data.experimental == 1
        self.small = data.sizes <= SMALL
        self._compounds(evidence(data))
        known = self.numbers.numpy()[self.train], self.target.numpy()[self.train], evidence(data)[self.train]
        swapped = exchanged(*known, list(vocabulary))
        members = MemberTable.of(*(np.concatenate(both) for both in zip(known, swapped, strict=True)))
        torch.manual_seed(seed)
        self.model: SymmetryNet = SymmetryNet(config or SymmetryNetConfig(), list(vocabulary), members)

    def _compounds(self, sure: IntArray) -> None:
        """One row for each training composition, with what is known of it."""
        rows = self.train
        keys = np.column_stack([self.numbers.numpy()[rows], self.counts.numpy()[rows].astype(np.int64)])
        _, compound = np.unique(keys, axis=0, return_inverse=True)
        order = np.lexsort([sure[rows], compound])
        rows, compound = rows[order], compound[order]
        starts = np.searchsorted(compound, np.arange(compound[-1] + 1))
        self.compounds = rows[starts]
        self.compound_weight = torch.as_tensor(np.maximum.reduceat(self.weights.numpy()[rows], starts))
        self.wanted = np.where(self.experimental[self.compounds], 0, 1)
        share = SHARE[sure[rows]]
        share = share / np.add.reduceat(share, starts)[compound]
        self.entries = np.split(np.arange(len(rows)), starts[1:])
        self.entry_target, self.entry_share = self.target[rows], torch.as_tensor(share, dtype=torch.float32)
        self.compound_of = np.full(len(self.weights), -1)
        self.compound_of[self.compounds] = np.arange(len(starts))

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches of one row of each training composition.

        A batch is made of pieces of up to PIECE compositions of one stoichiometry, because each stoichiometry
        in it costs a comparison with all its members. Compositions of up to three, four, and more elements
        stay apart, so that short ones are not padded.
        """
        order = rng.permutation(self.compounds)
        order = order[np.argsort(self.stoichiometry.numpy()[order], kind="stable")]
        edges = np.flatnonzero(np.diff(self.stoichiometry.numpy()[order])) + 1
        pieces = [
            own[start : start + PIECE]
            for own in np.split(order, edges)
            for start in range(0, len(own), PIECE)
        ]
        shuffled = [pieces[i] for i in rng.permutation(len(pieces))]
        batches = []
        for low, high in ((1, 3), (4, 4), (5, MAX_ELEMENTS)):
            waiting = [p for p in shuffled if low <= int((self.numbers[p[0]] > 0).sum()) <= high]
            if not waiting:
                continue
            rows = np.concatenate(waiting)
            batches += [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Weighted cross-entropy of the types, and of the space groups, of each stoichiometry."""
        model = self.model
        slots = int((self.numbers[batch] > 0).sum(1).max())
        numbers, counts = self.numbers[batch, :slots], self.counts[batch, :slots]
        compounds = self.compound_of[batch]
        wanted = self.wanted[compounds]
        summary, elements = model.encode(numbers, counts, torch.as_tensor(wanted))
        own = self.stoichiometry[batch].numpy() * 2 + wanted
        blocks = []
        for number in np.unique(own):
            family = model.family(self.stoichiometries[number // 2])
            assert family is not None
            blocks.append((int(number), family, np.flatnonzero(own == number)))
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
                wanted=number % 2,
                leave_own_out=True,
            )
            weight = self.compound_weight[compounds[places]]
            total = total + (self._cross_entropy(scores, family, compounds[places]) * weight).sum()
        return total / self.compound_weight[compounds].sum()

    def _cross_entropy(self, scores: Tensor, family: Family, compounds: IntArray) -> Tensor:
        """Loss of each composition, shape (compositions,)."""
        entries = np.concatenate([self.entries[compound] for compound in compounds])
        places = np.repeat(np.arange(len(compounds)), [len(self.entries[compound]) for compound in compounds])
        kinds = torch.searchsorted(family.rows, self.entry_target[entries])
        target = torch.zeros_like(scores)
        target.index_put_((torch.as_tensor(places), kinds), self.entry_share[entries], accumulate=True)
        log_types = scores.log_softmax(-1)
        used, inverse = family.groups.unique(return_inverse=True)
        zeros = torch.zeros(len(scores), len(used))
        groups = zeros.index_add(1, inverse, log_types.exp()).clamp(min=1e-9).log()
        group_target = zeros.index_add(1, inverse, target)
        return -(target * log_types).sum(1) - GROUP_SHARE * (group_target * groups).sum(1)

    def scores(
        self,
        model: nn.Module,
        batch: IntArray,
        wanted: int = EXPERIMENTAL,
        *,
        leave_own_out: bool = True,
    ) -> Tensor:
        """Scores of all known types, those of another stoichiometry put far below, shape (batch, types).

        By default the own composition of a row does not vote, so that training rows are scored as honestly as
        others.
        """
        scores: Tensor = model(
            self.numbers[batch], self.counts[batch], wanted=wanted, leave_own_out=leave_own_out
        )
        return scores

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Ranks of the true type and space group on the validation split: all entries, experimental ones."""
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
            own = scores.gather(1, target.clamp(min=0)[:, None])
            rank = (scores > own).sum(1).double()
            rank[~seen] = float("inf")
            type_ranks.append(rank)
            own_group = by_group.gather(1, group[:, None])
            group_rank = (by_group > own_group).sum(1).double()
            group_rank[~known | (own_group[:, 0] <= 0)] = float("inf")
            group_ranks.append(group_rank)
            likelihood = nn.functional.cross_entropy(scores, target.clamp(min=0), reduction="none")
            losses.append(torch.where(seen, likelihood, torch.nan))
        types, groups = torch.cat(type_ranks).numpy(), torch.cat(group_ranks).numpy()
        loss, weight = torch.cat(losses).numpy(), self.weights[order].numpy()
        ranked, experimental = ~np.isnan(loss), self.experimental[order]
        subsets = {
            "": np.ones(len(order), dtype=bool),
            "_experimental": experimental,
            f"_experimental_{SMALL}": experimental & self.small[order],
        }
        # What a chemist asks for; a source may not say which of its entries are experimental.
        judged = ranked & experimental if (ranked & experimental).any() else ranked
        metrics = {"val_loss": float(np.average(loss[judged], weights=weight[judged]))}
        metrics["val_loss_all"] = float(np.average(loss[ranked], weights=weight[ranked]))
        for name, subset in subsets.items():
            if subset.any():
                metrics |= {f"type_top{k}{name}": float((types < k)[subset].mean()) for k in (1, 5, 20)}
                metrics |= {f"group_top{k}{name}": float((groups < k)[subset].mean()) for k in (1, 5)}
        return metrics

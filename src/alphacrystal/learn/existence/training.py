"""Training of the existence network: known compounds against other ratios of their chemical systems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import (
    ANY_RATIO_ATOMS,
    charge_imbalance,
    parse_formula,
    reduced_ratios,
)
from alphacrystal.data import (
    StructureRecord,
    benchmark_formulas,
    read_records,
    split_of_formula,
    without_benchmarks,
)
from alphacrystal.learn.existence.network import (
    BALANCED,
    MAX_FORMULA_ATOMS,
    SLOTS,
    Compositions,
    ExistenceNet,
    ExistenceNetConfig,
    considered_ratios,
    frequent_ratios,
    inputs,
    probabilities,
    ratio_keys,
)
from alphacrystal.typing import BoolArray, FloatArray, IntArray

BATCH = 1024
DRAWS = 40  # ratios drawn for each compound; those without a compound are negative samples
STABLE = 0.03  # eV/atom above the hull up to which a computed compound counts as one that exists
RANKED_SYSTEMS = 100  # with validation compounds, whose ranks in their systems are measured

#: Counts of the atoms of one compound, in the order of the symbols of its system.
Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KnownFormulas:
    """Formulas of a record source by chemical system (symbols, least electronegative first).

    Attributes:
        compounds: Compounds that exist, each with whether it is of the validation split.
        other: Formulas that are neither known to exist nor known not to: hypothetical and benchmark ones.
        structures: Number of records that were read.
    """

    compounds: Mapping[tuple[str, ...], Mapping[Counts, bool]]
    other: Mapping[tuple[str, ...], frozenset[Counts]]
    structures: int

    def __len__(self) -> int:
        return self.structures

    @property
    def validation(self) -> BoolArray:
        """Whether each compound is of the validation split, shape (compounds,)."""
        return np.array(
            [split for members in self.compounds.values() for split in members.values()], dtype=bool
        )

    @property
    def frequent(self) -> IntArray:
        """Frequent ratios of the training compounds, see `frequent_ratios`."""
        rows = [
            (*counts, *(0,) * (SLOTS - len(counts)))
            for members in self.compounds.values()
            for counts, validation in members.items()
            if not validation
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, SLOTS)
        return frequent_ratios(Compositions(np.zeros_like(table), table, np.zeros(len(table))))

    def digest(self) -> str:
        """Hash of the content."""
        others = {symbols: sorted(counts) for symbols, counts in self.other.items()}
        return sha256(repr((self.compounds, others)).encode()).hexdigest()


def read_formulas(source: Path) -> KnownFormulas:
    """The formulas of a record source; benchmark compounds are neither compounds nor negative samples.

    Raises:
        InputError: The source cannot be read.
    """
    return known_formulas(without_benchmarks(read_records(source)))


def known_formulas(records: Iterable[StructureRecord]) -> KnownFormulas:
    """Compounds that exist, and other formulas.

    A compound exists if an entry is experimental or at most STABLE above the hull. If no record states
    either, as in files of crystals, all compounds exist. Formulas of one element, of more than SLOTS elements
    or of more than MAX_FORMULA_ATOMS atoms are left out.
    """
    existing: dict[tuple[str, ...], dict[Counts, bool]] = {}
    other: dict[tuple[str, ...], set[Counts]] = {}
    read = [(r.reduced_formula, r.icsd, r.e_above_hull, r.split) for r in records]
    stated = any(icsd is not None or above is not None for _, icsd, above, _ in read)
    for text, icsd, above, given_split in read:
        formula = parse_formula(text)
        symbols, counts = formula.elements, tuple(formula.counts.values())
        if not 2 <= len(symbols) <= SLOTS or formula.num_atoms > MAX_FORMULA_ATOMS:
            continue
        if icsd or not stated or (above is not None and above <= STABLE):
            split = given_split or split_of_formula(formula.reduced_formula)
            existing.setdefault(symbols, {})[counts] = split == "val"
        else:
            other.setdefault(symbols, set()).add(counts)
    for text in benchmark_formulas():
        formula = parse_formula(text)
        other.setdefault(formula.elements, set()).add(tuple(formula.counts.values()))
    return KnownFormulas(
        {symbols: dict(sorted(existing[symbols].items())) for symbols in sorted(existing)},
        {
            symbols: frozenset(other[symbols] - existing[symbols].keys())
            for symbols in sorted(existing)
            if symbols in other
        },
        len(read),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Compositions with labels.

    Attributes:
        compositions: n compositions.
        exists: 1 for compounds, 0 for ratios without a compound, shape (n,).
        offset: Logarithm of the number of ratios for each negative sample of the system, shape (n,).
        validation: Shape (n,). Negative samples are split at random.
    """

    compositions: Compositions
    exists: FloatArray
    offset: FloatArray
    validation: BoolArray


def draw_samples(known: KnownFormulas, rng: np.random.Generator) -> Samples:
    """All compounds, and ratios of their systems that have no compound."""
    share, frequent = known.validation.mean(), ratio_keys(known.frequent)
    parts: list[Compositions] = []
    exists, offset, validation = [], [], []
    for symbols, members in known.compounds.items():
        table = reduced_ratios(len(symbols), MAX_FORMULA_ATOMS)
        draws = min(DRAWS * len(members), len(table))
        rows = table[np.sort(rng.choice(len(table), draws, replace=False))]
        often = np.isin(ratio_keys(np.pad(rows, ((0, 0), (0, SLOTS - len(symbols))))), frequent)
        balanced = charge_imbalance(symbols, rows) < BALANCED
        rows = rows[(rows.sum(1) <= ANY_RATIO_ATOMS) | balanced | often]
        taken = members.keys() | known.other.get(symbols, frozenset())
        free = [row for row in map(tuple, rows.tolist()) if row not in taken]
        parts.append(Compositions.of_system(symbols, np.array([*members, *free])))
        exists += [1.0] * len(members) + [0.0] * len(free)
        offset += [np.log(len(table) / draws)] * (len(members) + len(free))
        validation += [*members.values(), *(rng.random(len(free)) < share)]
    return Samples(
        Compositions.joined(parts), np.array(exists), np.array(offset), np.array(validation, dtype=bool)
    )


class ExistenceTask:
    """Trains an ExistenceNet on compounds and ratios without a compound.

    A negative sample represents several ratios, which raises the odds among the samples by ``offset``; the
    network gives the odds among all ratios of a system.
    """

    def __init__(self, known: KnownFormulas, config: ExistenceNetConfig | None = None, seed: int = 0) -> None:
        self.known = known
        samples = draw_samples(known, np.random.default_rng(seed))
        compounds = samples.compositions.chosen((samples.exists == 1) & ~samples.validation)
        table = np.stack([compounds.numbers, compounds.counts], axis=1).astype(np.uint8)
        self.train = np.flatnonzero(~samples.validation)
        self.validation = np.flatnonzero(samples.validation)
        itself = (samples.exists == 1) & ~samples.validation
        self.inputs = torch.as_tensor(inputs(compounds, samples.compositions, itself))
        self.exists = torch.as_tensor(samples.exists, dtype=torch.float32)
        self.offset = torch.as_tensor(samples.offset, dtype=torch.float32)
        torch.manual_seed(seed)
        self.model = ExistenceNet(config or ExistenceNetConfig(), torch.as_tensor(table))

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches."""
        order = rng.permutation(self.train)
        return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Cross-entropy of the samples."""
        del rng
        odds = self.model(self.inputs[batch]) + self.offset[batch]
        return nn.functional.binary_cross_entropy_with_logits(odds, self.exists[batch])

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, area under the ROC curve, calibration, and ranks of held-out compounds in their systems."""
        assert isinstance(model, ExistenceNet)
        rows = self.validation
        with torch.no_grad():
            odds = model(self.inputs[rows])
            loss = nn.functional.binary_cross_entropy_with_logits(odds + self.offset[rows], self.exists[rows])
        exists = self.exists[rows].numpy() == 1
        weights = np.where(exists, 1.0, np.exp(self.offset[rows].numpy()))
        expected = float((weights * odds.double().sigmoid().numpy()).sum())
        ranks = self._ranks(model)
        areas = {} if exists.all() else {"auc": _auc(odds.numpy(), exists, weights)}
        return {
            "val_loss": float(loss),
            **areas,
            "expected_over_observed": expected / max(1, int(exists.sum())),
            **{f"recall_first_{k}": float((ranks < k).mean()) for k in (10, 20, 50, 100)},
        }

    def _ranks(self, model: ExistenceNet) -> IntArray:
        """Rank of held-out compounds among the ratios of their systems, without the training compounds."""
        ranks, frequent = [], self.known.frequent
        systems = [symbols for symbols, members in self.known.compounds.items() if any(members.values())]
        step = max(1, len(systems) // RANKED_SYSTEMS)
        for symbols in systems[::step]:
            members = self.known.compounds[symbols]
            held_out = {counts for counts, validation in members.items() if validation}
            rows = [
                row
                for row in map(tuple, considered_ratios(symbols, MAX_FORMULA_ATOMS, frequent).tolist())
                if row not in members or row in held_out
            ]
            scores = probabilities(model, Compositions.of_system(symbols, np.array(rows)))
            for row, score in zip(rows, scores, strict=True):
                if row in held_out:
                    ranks.append(int((scores > score).sum()))
        return np.array(ranks)


def _auc(scores: FloatArray, exists: BoolArray, weights: FloatArray) -> float:
    """Area under the ROC curve: a compound has a higher score than a weighted negative sample."""
    order = np.argsort(scores[~exists], kind="stable")
    negatives = scores[~exists][order]
    below = np.concatenate([[0.0], np.cumsum(weights[~exists][order])])
    positives = scores[exists]
    lower, upper = (below[np.searchsorted(negatives, positives, side)] for side in ("left", "right"))
    return float(((lower + upper) / 2).mean() / below[-1])

"""Training of the lattice model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import shape_to_cell, space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.cells import held_shapes, predicted_shapes
from alphacrystal.learn.lattice.network import (
    LatticeNet,
    LatticeNetConfig,
    LatticeQuery,
    free_targets,
    lattice_targets,
)
from alphacrystal.learn.lattice.regression import TypeEvidence, fitted_weights, left_out_evidence
from alphacrystal.learn.lattice.statistics import atomic_log_volumes, held_in_range, type_moments
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.learn.symmetry.network import TypeTable
from alphacrystal.learn.symmetry.training import composition_arrays, occupations
from alphacrystal.typing import FloatArray, IntArray

BATCH = 256
MEMBERS = 64  # crystals of a type that train together, each predicted from the others
LONE_SHARE = 0.2  # of the crystals train without the others of their type, as types never seen
MEMBERS_AT_ONCE = 256  # the same where nothing is trained
NEAR_HULL = 0.1  # eV/atom
FEW_ATOMS = 12
COVERAGES = (0.5, 0.68, 0.9)


class LatticeTask:
    """Trains a LatticeNet on the training split of prepared structures.

    Each crystal is predicted from others of its structure type with other formulas, as a new compound is.
    Batches are arrays of shape (types, members) with -1 where a type has fewer members.
    """

    def __init__(
        self, data: PreparedStructures, config: LatticeNetConfig | None = None, seed: int = 0
    ) -> None:
        rows = occupations(data)
        few = data.elements_per_structure <= MAX_ELEMENTS
        self.data = data
        self.train = np.flatnonzero(~data.validation & few)
        self.validation = np.flatnonzero(data.validation & few)
        self.kinds = [kind for kind, _ in rows]
        vocabulary = list(dict.fromkeys(self.kinds[i] for i in self.train))
        torch.manual_seed(seed)
        self.model = LatticeNet(config or LatticeNetConfig(), vocabulary)
        distinct = {kind: row for row, kind in enumerate(dict.fromkeys(self.kinds))}
        self.table = TypeTable.of(list(distinct))
        self.table_rows = np.array([distinct[kind] for kind in self.kinds])
        self.types = torch.tensor([self.model.rows.get(kind, len(vocabulary)) for kind in self.kinds])
        self.numbers, self.counts = map(
            torch.as_tensor,
            composition_arrays([elements for _, elements in rows], [kind.counts() for kind in self.kinds]),
        )
        self.slots = (self.numbers > 0).sum(1).numpy()
        self.targets = torch.as_tensor(lattice_targets(data.lattices, data.volumes))
        self.mask = free_targets(self.kinds)
        self.functionals = torch.as_tensor(data.functionals)
        self.formulas = np.unique(data.formulas, return_inverse=True)[1]
        self._prepare_types()

    def _prepare_types(self) -> None:
        """Atomic volumes, moments of the types, and the targets of the regressions."""
        counts = self.counts.double().numpy()
        fractions = np.zeros((len(counts), 104))
        for slot in range(MAX_ELEMENTS):
            share = counts[:, slot] / np.maximum(counts.sum(1), 1)
            np.add.at(fractions, (np.arange(len(counts)), self.numbers[:, slot].numpy()), share)
        fractions[:, 0] = 0
        volumes = atomic_log_volumes(fractions[self.train], self.targets[self.train, 0].double().numpy())
        self.model.atom_volume.copy_(torch.as_tensor(volumes))
        self.volumes = self.model.composition_volumes(self.numbers, self.counts)
        excess = self.excess(self.targets).double().numpy()
        middle = np.median(excess[self.train], 0) if len(self.train) else np.zeros(6)
        held = held_in_range(excess, middle) * self.mask.double().numpy()
        types = self.types.numpy()
        for buffer, moment in zip(
            (self.model.type_count, self.model.type_mean, self.model.type_spread),
            type_moments(held[self.train], types[self.train], len(self.model.types)),
            strict=True,
        ):
            buffer[:-1] = torch.as_tensor(moment)
        self.related = self.model.related(self.kinds)
        self.regressed = torch.as_tensor(held, dtype=torch.float32) - self.related[0] * self.mask
        by_type = self.train[np.argsort(types[self.train], kind="stable")]
        self.members = np.split(by_type, np.cumsum(np.bincount(types[self.train]))[:-1])

    def excess(self, targets: Tensor) -> Tensor:
        """Targets less the atomic volumes, for all crystals."""
        return torch.cat([targets[:, :1] - self.volumes[:, None], targets[:, 1:]], 1)

    def contexts(
        self, rng: np.random.Generator, size: int, chosen: IntArray | None = None
    ) -> Iterator[IntArray]:
        """Groups of up to ``size`` training crystals of one type, no formula twice in any.

        Every crystal stands in one group at least; further crystals of a formula get a group of their own,
        filled up with others of the type.

        Args:
            rng: Who goes with whom.
            size: Crystals in a group.
            chosen: Rows of the types; all by default.
        """
        for row in range(len(self.members)) if chosen is None else chosen:
            members = rng.permutation(self.members[row])
            formulas = self.formulas[members]
            earlier = np.array([np.sum(formulas[:i] == f) for i, f in enumerate(formulas)])
            for times in range(int(earlier.max()) + 1):
                own = members[earlier == times]
                if times and len(own) < size:
                    others = (earlier == 0) & ~np.isin(formulas, self.formulas[own])
                    own = np.concatenate([own, members[others][: size - len(own)]])
                yield from np.array_split(own, math.ceil(len(own) / size))

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches of groups that are alike in size and number of elements."""
        groups: list[IntArray] = []
        for group in self.contexts(rng, MEMBERS):
            alone = (rng.random(len(group)) < LONE_SHARE) & (len(group) > 1)
            groups += [part for part in (group[~alone], *group[alone][:, None]) if len(part)]
        return self._packed(groups, rng)

    def _packed(self, groups: list[IntArray], rng: np.random.Generator) -> list[IntArray]:
        """Groups of similar size and number of elements together, as arrays padded with -1."""
        sizes = np.array([len(group) for group in groups])
        slots = np.clip(self.slots[[group[0] for group in groups]], 3, 5)
        keys = np.ceil(np.log2(sizes)).astype(np.int64) * 3 + slots - 3
        batches = []
        for key in np.unique(keys):
            alike = rng.permutation(np.flatnonzero(keys == key))
            step = max(1, BATCH // int(sizes[alike].max()))
            for start in range(0, len(alike), step):
                own = [groups[i] for i in alike[start : start + step]]
                batch = np.full((len(own), max(map(len, own))), -1)
                for row, group in enumerate(own):
                    batch[row, : len(group)] = group
                batches.append(batch)
        return [batches[i] for i in rng.permutation(len(batches))]

    def _query(self, rows: IntArray) -> LatticeQuery:
        slots = int(self.slots[rows].max())
        return LatticeQuery(
            self.numbers[rows, :slots],
            self.counts[rows, :slots],
            self.table.subset(self.table_rows[rows]),
            self.functionals[rows],
            (self.related[0][rows], self.related[1][rows]),
            self.mask[rows],
        )

    def _left_out(self, model: LatticeNet, batch: IntArray) -> tuple[Tensor, Tensor, TypeEvidence]:
        """Centre and log scale of each crystal of a batch from the others of its group, row by row."""
        present = torch.as_tensor(batch >= 0)
        rows = batch[batch >= 0]
        query = self._query(rows)
        summary, features = model.encode(query)
        padded = torch.zeros(*batch.shape, features.shape[1]).masked_scatter(present[..., None], features)
        targets = torch.zeros(*batch.shape, 6)
        targets[present] = self.regressed[rows]
        evidence = left_out_evidence(padded, targets, present.float(), model.prior()).subset(present)
        centre, log_scale = model.read(summary, query, evidence)
        return centre, log_scale, evidence

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Mean of likelihood, absolute error, and absolute error of the regression alone."""
        del rng
        rows = batch[batch >= 0]
        centre, log_scale, evidence = self._left_out(self.model, batch)
        true, free = self.excess(self.targets)[rows], self.mask[rows]
        error = (centre - true).abs()
        likelihood = error / log_scale.exp() + log_scale
        alone = (self.related[0][rows] + evidence.shift - true).abs()
        return ((0.2 * likelihood + 10 * error + 2 * alone) * free).sum() / len(rows)

    @torch.no_grad()
    def fit(self, model: LatticeNet) -> None:
        """Regress the crystals of every type and keep the weights in the model."""
        features = torch.zeros(len(self.data), model.config.features)
        order = self.train[np.argsort(self.slots[self.train], kind="stable")]
        for start in range(0, len(order), 1024):
            rows = order[start : start + 1024]
            features[rows] = model.encode(self._query(rows))[1]
        prior = model.prior()
        sizes = np.array([len(members) for members in self.members])
        for size in np.unique(sizes):
            alike = np.flatnonzero(sizes == size)
            for types in np.array_split(alike, math.ceil(len(alike) * size / 4096)):
                members = np.stack([self.members[row] for row in types])
                own = features[members]
                weights, errors = fitted_weights(own, self.regressed[members], prior)
                model.type_features[types] = own.mean(1)
                model.type_error[types] = errors * self.mask[members[:, 0]]
                free = model.weight_rows[types]
                model.type_weights[free[free > 0]] = weights[free > 0]

    @torch.no_grad()
    def predictions(self, model: LatticeNet, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Centre and scale of the cells of crystals, see ``predicted_shapes``, shape (rows, 6) each.

        Crystals of the training split are predicted from others of their type with other formulas, the rest
        from all training crystals, as compounds never seen are.
        """
        model.eval()
        centre, log_scale = torch.zeros(len(self.data), 6), torch.zeros(len(self.data), 6)
        trained = np.isin(rows, self.train)
        types = np.unique(self.types.numpy()[rows[trained]])
        rng = np.random.default_rng(0)
        for batch in self._packed(list(self.contexts(rng, MEMBERS_AT_ONCE, types)), rng):
            own = batch[batch >= 0]
            centre[own], log_scale[own], _ = self._left_out(model, batch)
        fresh = rows[~trained]
        for start in range(0, len(fresh), 1024):
            own = fresh[start : start + 1024]
            summary, features = model.encode(query := self._query(own))
            evidence = model.evidence(features, self.types[own])
            centre[own], log_scale[own] = model.read(summary, query, evidence)
        centre[:, 0] += self.volumes
        return held_shapes(
            [self.kinds[i] for i in rows], centre[rows].double().numpy(), log_scale[rows].double().numpy()
        )

    def predicted(
        self,
        kinds: Sequence[StructureType],
        elements: Sequence[Sequence[str]],
        functionals: Sequence[int] | IntArray,
    ) -> FloatArray:
        """Centres of the cells of any hypotheses by the trained model, see ``predicted_shapes``."""
        return predicted_shapes(self.model, kinds, elements, functionals)[0]

    @torch.no_grad()
    def validate(self, model: LatticeNet) -> dict[str, float]:
        """Volume and length errors (relative), angle errors (degrees) and coverage of the spread.

        For all validation crystals, and ("..._near_hull") for those of up to 12 atoms in the primitive cell
        that are experimental or at most 0.1 eV/atom above the hull. A model in training is fitted first, one
        loaded from its weights is measured as it is.
        """
        if any(parameter.requires_grad for parameter in model.parameters()):
            self.fit(model)
        rows = self.validation
        centre, scale = self.predictions(model, rows)
        true, free = self.targets[rows].double().numpy(), self.mask[rows].numpy() > 0
        lengths, angles = self._cells(centre, rows)
        volume = np.abs(np.expm1(centre[:, 0] - true[:, 0]))
        length = np.abs(lengths / self.data.lattices[rows, :3] - 1)
        off = np.abs(centre - true)[free] / scale[free]
        near = (self.data.experimental[rows] == 1) | (self.data.above_hull[rows] <= NEAR_HULL)
        near &= self.data.sizes[rows] <= FEW_ATOMS
        metrics = {"val_loss": float((off + np.log(scale[free])).sum() / len(rows))}
        for name, chosen in (("", np.ones(len(rows), dtype=bool)), ("_near_hull", near)):
            for what, error in (("volume", volume), ("length", length)):
                if chosen.any():
                    metrics[f"{what}_mean_error{name}"] = float(error[chosen].mean())
                    metrics[f"{what}_median_error{name}"] = float(np.median(error[chosen]))
        oblique = free[:, 4]
        if oblique.any():
            error = np.abs(angles - self.data.lattices[rows, 3:])[oblique]
            metrics["angle_mean_error_deg"] = float(error.mean())
        for share in COVERAGES:  # a Laplace distribution holds this share within -ln(1 - share) scales
            metrics[f"coverage_{round(100 * share)}"] = float((off < -np.log(1 - share)).mean())
        return metrics

    def _cells(self, centre: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Lengths (Å) and angles (°) of the conventional cells, shape (rows, 3) each."""
        groups = [space_group(int(number)) for number in self.data.space_groups[rows]]
        shape = centre.copy()
        shape[:, 0] += np.log(self.data.sizes[rows] * np.array([len(group.centring) for group in groups]))
        cells = shape_to_cell(shape)
        lengths = np.linalg.norm(cells, axis=-1)
        units = cells / lengths[..., None]
        cosines = np.stack([(units[:, i] * units[:, j]).sum(-1) for i, j in ((1, 2), (0, 2), (0, 1))], -1)
        return lengths, np.degrees(np.arccos(np.clip(cosines, -1, 1)))

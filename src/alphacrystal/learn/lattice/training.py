"""Training of the lattice network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import shape_to_cell, space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.lattice.network import (
    LatticeNet,
    LatticeNetConfig,
    LatticeQuery,
    free_targets,
    lattice_targets,
)
from alphacrystal.learn.lattice.prediction import predicted_shapes, symmetric_shapes
from alphacrystal.learn.lattice.regression import TypeEvidence, fitted_weights, leave_one_out_evidence
from alphacrystal.learn.lattice.statistics import atomic_log_volumes, clip_outliers, type_moments
from alphacrystal.learn.model_inputs import (
    SMALL_CELL,
    TypeTable,
    composition_arrays,
    occupations,
    size_subsets,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.typing import FloatArray, IntArray

BATCH = 256
GROUP_SIZE = 64  # crystals of a type per training group; each is predicted from the others of its group
ISOLATED_SHARE = 0.2  # of the crystals that train without others of their type, as unseen types
VALIDATION_GROUP_SIZE = 256  # crystals of a type per group in validation
NEAR_HULL = 0.1  # eV/atom
COVERAGES = (0.5, 0.68, 0.9)


class LatticeTask:
    """Trains a LatticeNet on the training split of prepared structures.

    Each crystal is predicted from crystals of its structure type with other formulas, like a new compound.
    Batches are arrays of shape (types, members), padded with -1.
    """

    def __init__(
        self, data: PreparedStructures, config: LatticeNetConfig | None = None, seed: int = 0
    ) -> None:
        rows = occupations(data)
        supported = data.elements_per_structure <= MAX_ELEMENTS
        self.data = data
        self.train = np.flatnonzero(~data.validation & supported)
        self.validation = np.flatnonzero(data.validation & supported)
        self.structure_types = [structure_type for structure_type, _ in rows]
        vocabulary = list(dict.fromkeys(self.structure_types[i] for i in self.train))
        torch.manual_seed(seed)
        self.model = LatticeNet(config or LatticeNetConfig(), vocabulary)
        distinct = {
            structure_type: row for row, structure_type in enumerate(dict.fromkeys(self.structure_types))
        }
        self.table = TypeTable.of(list(distinct))
        self.table_rows = np.array([distinct[structure_type] for structure_type in self.structure_types])
        self.types = torch.tensor(
            [self.model.rows.get(structure_type, len(vocabulary)) for structure_type in self.structure_types]
        )
        self.numbers, self.counts = map(
            torch.as_tensor,
            composition_arrays(
                [elements for _, elements in rows],
                [structure_type.counts() for structure_type in self.structure_types],
            ),
        )
        self.slots = (self.numbers > 0).sum(1).numpy()
        self.targets = torch.as_tensor(lattice_targets(data.lattices, data.volumes))
        self.mask = free_targets(self.structure_types)
        self.functionals = torch.as_tensor(data.functionals)
        self.formulas = np.unique(data.formulas, return_inverse=True)[1]
        self._prepare_types()

    def _prepare_types(self) -> None:
        """Set the atomic volumes and the moments of the types, and compute the regression targets."""
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
        median = np.median(excess[self.train], 0) if len(self.train) else np.zeros(6)
        clipped = clip_outliers(excess, median) * self.mask.double().numpy()
        types = self.types.numpy()
        for buffer, moment in zip(
            (self.model.type_count, self.model.type_mean, self.model.type_spread),
            type_moments(clipped[self.train], types[self.train], len(self.model.types)),
            strict=True,
        ):
            buffer[:-1] = torch.as_tensor(moment)
        self.related = self.model.related(self.structure_types)
        self.regressed = torch.as_tensor(clipped, dtype=torch.float32) - self.related[0] * self.mask
        by_type = self.train[np.argsort(types[self.train], kind="stable")]
        self.members = np.split(by_type, np.cumsum(np.bincount(types[self.train]))[:-1])

    def excess(self, targets: Tensor) -> Tensor:
        """Targets relative to the atomic volumes, for all crystals, shape (crystals, 6)."""
        return torch.cat([targets[:, :1] - self.volumes[:, None], targets[:, 1:]], 1)

    def groups(
        self, rng: np.random.Generator, size: int, chosen: IntArray | None = None
    ) -> Iterator[IntArray]:
        """Groups of up to ``size`` training crystals of one type with distinct formulas.

        Every crystal is in at least one group. Further crystals of a formula form additional groups, which
        are filled with other crystals of the type.

        Args:
            rng: Shuffles the crystals of each type.
            size: Crystals in a group.
            chosen: Rows of the types; all by default.
        """
        for row in range(len(self.members)) if chosen is None else chosen:
            members = rng.permutation(self.members[row])
            formulas = self.formulas[members]
            earlier = np.array([np.sum(formulas[:i] == f) for i, f in enumerate(formulas)])
            for times in range(int(earlier.max()) + 1):
                group = members[earlier == times]
                if times and len(group) < size:
                    others = (earlier == 0) & ~np.isin(formulas, self.formulas[group])
                    group = np.concatenate([group, members[others][: size - len(group)]])
                yield from np.array_split(group, math.ceil(len(group) / size))

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches of groups with similar sizes and numbers of elements."""
        groups: list[IntArray] = []
        for group in self.groups(rng, GROUP_SIZE):
            isolated = (rng.random(len(group)) < ISOLATED_SHARE) & (len(group) > 1)
            groups += [part for part in (group[~isolated], *group[isolated][:, None]) if len(part)]
        return self._packed(groups, rng)

    def _packed(self, groups: list[IntArray], rng: np.random.Generator) -> list[IntArray]:
        """Batches of groups with similar sizes and numbers of elements, as arrays padded with -1."""
        sizes = np.array([len(group) for group in groups])
        slots = np.clip(self.slots[[group[0] for group in groups]], 3, 5)
        keys = np.ceil(np.log2(sizes)).astype(np.int64) * 3 + slots - 3
        batches = []
        for key in np.unique(keys):
            similar = rng.permutation(np.flatnonzero(keys == key))
            step = max(1, BATCH // int(sizes[similar].max()))
            for start in range(0, len(similar), step):
                selected = [groups[i] for i in similar[start : start + step]]
                batch = np.full((len(selected), max(map(len, selected))), -1)
                for row, group in enumerate(selected):
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

    def _leave_one_out(self, model: LatticeNet, batch: IntArray) -> tuple[Tensor, Tensor, TypeEvidence]:
        """Centre and log scale of each crystal of a batch from the others of its group."""
        present = torch.as_tensor(batch >= 0)
        rows = batch[batch >= 0]
        query = self._query(rows)
        summary, features = model.encode(query)
        padded = torch.zeros(*batch.shape, features.shape[1]).masked_scatter(present[..., None], features)
        targets = torch.zeros(*batch.shape, 6)
        targets[present] = self.regressed[rows]
        evidence = leave_one_out_evidence(padded, targets, present.float(), model.prior()).subset(present)
        centre, log_scale = model.read(summary, query, evidence)
        return centre, log_scale, evidence

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Weighted sum of negative log-likelihood, absolute error and absolute error of the regression."""
        del rng
        rows = batch[batch >= 0]
        centre, log_scale, evidence = self._leave_one_out(self.model, batch)
        true, free = self.excess(self.targets)[rows], self.mask[rows]
        error = (centre - true).abs()
        negative_log = error / log_scale.exp() + log_scale
        regression = (self.related[0][rows] + evidence.shift - true).abs()
        return ((0.2 * negative_log + 10 * error + 2 * regression) * free).sum() / len(rows)

    @torch.no_grad()
    def fit(self, model: LatticeNet) -> None:
        """Fit the regression of every type and store the weights in the model."""
        features = torch.zeros(len(self.data), model.config.features)
        order = self.train[np.argsort(self.slots[self.train], kind="stable")]
        for start in range(0, len(order), 1024):
            rows = order[start : start + 1024]
            features[rows] = model.encode(self._query(rows))[1]
        prior = model.prior()
        sizes = np.array([len(members) for members in self.members])
        for size in np.unique(sizes):
            equal = np.flatnonzero(sizes == size)
            for types in np.array_split(equal, math.ceil(len(equal) * size / 4096)):
                members = np.stack([self.members[row] for row in types])
                chosen = features[members]
                weights, errors = fitted_weights(chosen, self.regressed[members], prior)
                model.type_features[types] = chosen.mean(1)
                model.type_error[types] = errors * self.mask[members[:, 0]]
                free = model.weight_rows[types]
                model.type_weights[free[free > 0]] = weights[free > 0]

    @torch.no_grad()
    def predictions(self, model: LatticeNet, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Centre and scale of the cells of crystals, see ``predicted_shapes``, shape (rows, 6) each.

        Training crystals are predicted from crystals of their type with other formulas, other crystals from
        all training crystals.
        """
        model.eval()
        centre, log_scale = torch.zeros(len(self.data), 6), torch.zeros(len(self.data), 6)
        trained = np.isin(rows, self.train)
        types = np.unique(self.types.numpy()[rows[trained]])
        rng = np.random.default_rng(0)
        for batch in self._packed(list(self.groups(rng, VALIDATION_GROUP_SIZE, types)), rng):
            chosen = batch[batch >= 0]
            centre[chosen], log_scale[chosen], _ = self._leave_one_out(model, batch)
        unseen = rows[~trained]
        for start in range(0, len(unseen), 1024):
            chosen = unseen[start : start + 1024]
            summary, features = model.encode(query := self._query(chosen))
            evidence = model.evidence(features, self.types[chosen])
            centre[chosen], log_scale[chosen] = model.read(summary, query, evidence)
        centre[:, 0] += self.volumes
        return symmetric_shapes(
            [self.structure_types[i] for i in rows],
            centre[rows].double().numpy(),
            log_scale[rows].double().numpy(),
        )

    def predicted(
        self,
        structure_types: Sequence[StructureType],
        elements: Sequence[Sequence[str]],
        functionals: Sequence[int] | IntArray,
    ) -> FloatArray:
        """Centres of the predicted cells of any hypotheses, see ``predicted_shapes``."""
        return predicted_shapes(self.model, structure_types, elements, functionals)[0]

    @torch.no_grad()
    def validate(self, model: LatticeNet) -> dict[str, float]:
        """Volume and length errors (relative), angle errors (degrees) and coverage of the predicted spread.

        Metrics cover all validation crystals and ("..._near_hull") those of up to 12 atoms in the primitive
        cell that are experimental or at most 0.1 eV/atom above the hull. ``fit`` runs first unless the model
        is frozen.
        """
        if any(parameter.requires_grad for parameter in model.parameters()):
            self.fit(model)
        rows = self.validation
        centre, scale = self.predictions(model, rows)
        true, free = self.targets[rows].double().numpy(), self.mask[rows].numpy() > 0
        lengths, angles = self._cells(centre, rows)
        volume = np.abs(np.expm1(centre[:, 0] - true[:, 0]))
        length = np.abs(lengths / self.data.lattices[rows, :3] - 1)
        deviation = np.abs(centre - true)[free] / scale[free]
        near = (self.data.experimental[rows] == 1) | (self.data.above_hull[rows] <= NEAR_HULL)
        near &= self.data.sizes[rows] <= SMALL_CELL
        metrics = {"val_loss": float((deviation + np.log(scale[free])).sum() / len(rows))}
        experimental = self.data.experimental[rows] == 1
        subsets = {"": np.ones(len(rows), dtype=bool), "_near_hull": near}
        subsets |= size_subsets(self.data.sizes[rows], experimental, "_experimental")
        for name, chosen in subsets.items():
            for quantity, error in (("volume", volume), ("length", length)):
                if chosen.any():
                    metrics[f"{quantity}_mean_error{name}"] = float(error[chosen].mean())
                    metrics[f"{quantity}_median_error{name}"] = float(np.median(error[chosen]))
        oblique = free[:, 4]
        if oblique.any():
            error = np.abs(angles - self.data.lattices[rows, 3:])[oblique]
            metrics["angle_mean_error_deg"] = float(error.mean())
        for share in COVERAGES:  # of a Laplace distribution within -ln(1 - share) scales
            metrics[f"coverage_{round(100 * share)}"] = float((deviation < -np.log(1 - share)).mean())
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

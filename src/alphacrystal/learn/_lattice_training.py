"""Training of the lattice model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphacrystal.crystal import FREE_SHAPE, space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.learn._lattice_net import LatticeNet, LatticeNetConfig, cell_from_targets, lattice_targets
from alphacrystal.learn._structure_types import MAX_ELEMENTS
from alphacrystal.learn._symmetry_net import TypeTable
from alphacrystal.learn._symmetry_training import composition_arrays, occupations, sample_weights

BATCH = 256
HIDDEN_TYPE_SHARE = (
    0.3  # of the samples train without their type embedding, so that types never seen get cells too
)


class LatticeTask:
    """Trains a LatticeNet on the training split of prepared structures."""

    def __init__(
        self, data: PreparedStructures, config: LatticeNetConfig | None = None, seed: int = 0
    ) -> None:
        rows = occupations(data)
        few = data.elements_per_structure <= MAX_ELEMENTS
        self.data = data
        self.train = np.flatnonzero(~data.validation & few)
        self.validation = np.flatnonzero(data.validation & few)
        vocabulary = list(dict.fromkeys(rows[i][0] for i in self.train))
        torch.manual_seed(seed)
        self.model = LatticeNet(config or LatticeNetConfig(), vocabulary)
        self.table = TypeTable.of([kind for kind, _ in rows])
        self.types = torch.tensor([self.model.rows.get(kind, len(vocabulary)) for kind, _ in rows])
        self.numbers, self.counts = map(
            torch.as_tensor,
            composition_arrays([elements for _, elements in rows], [kind.counts() for kind, _ in rows]),
        )
        self.slots = (self.numbers > 0).sum(1).numpy()
        self.targets = torch.as_tensor(lattice_targets(data.lattices, data.volumes))
        self.systems = [space_group(int(number)).crystal_system for number in data.space_groups]
        mask = np.zeros((len(data), 6), dtype=np.float32)
        for row, system in enumerate(self.systems):
            mask[row, list(FREE_SHAPE[system])] = 1
        self.mask = torch.as_tensor(mask)
        self.functionals = torch.as_tensor(data.functionals)
        self.weights = torch.as_tensor(np.maximum(sample_weights(data), 0.1))

    def batches(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Shuffled batches with similar numbers of elements."""
        order = rng.permutation(self.train)
        batches = []
        for few, many in ((1, 3), (4, 4), (5, MAX_ELEMENTS)):
            own = order[(self.slots[order] >= few) & (self.slots[order] <= many)]
            batches += [own[start : start + BATCH] for start in range(0, len(own), BATCH)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def _predict(self, model: nn.Module, batch: NDArray[np.int64], types: Tensor) -> tuple[Tensor, Tensor]:
        slots = int(self.slots[batch].max())
        centre, log_scale = model(
            self.numbers[batch, :slots],
            self.counts[batch, :slots],
            self.table.subset(batch),
            types,
            self.functionals[batch],
        )
        return centre, log_scale

    def _negative_log_likelihood(self, centre: Tensor, log_scale: Tensor, batch: NDArray[np.int64]) -> Tensor:
        """Laplace negative log-likelihood summed over the free targets, shape (batch,)."""
        residual = (centre - self.targets[batch]).abs()
        return ((residual / log_scale.exp() + log_scale) * self.mask[batch]).sum(1)

    def loss(self, batch: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """Weighted mean of likelihood plus absolute error, which keeps outliers from owning the gradient."""
        hidden = torch.as_tensor(rng.random(len(batch)) < HIDDEN_TYPE_SHARE)
        types = torch.where(hidden, len(self.model.types), self.types[batch])
        centre, log_scale = self._predict(self.model, batch, types)
        error = ((centre - self.targets[batch]).abs() * self.mask[batch]).sum(1)
        losses = 0.2 * self._negative_log_likelihood(centre, log_scale, batch) + 10 * error
        weights = self.weights[batch]
        return (losses * weights).sum() / weights.sum()

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Volume and length errors (relative), angle errors (degrees) and coverage of the 1-sigma spread."""
        likelihood, volume, length, angle, covered = [], [], [], [], []
        for start in range(0, len(self.validation), 256):
            batch = self.validation[start : start + 256]
            centre, log_scale = self._predict(model, batch, self.types[batch])
            likelihood.append(self._negative_log_likelihood(centre, log_scale, batch))
            volume.append(((centre - self.targets[batch])[:, 0].exp() - 1).abs())
            inside = (centre - self.targets[batch]).abs() < np.sqrt(2) * log_scale.exp()
            covered.append(inside[self.mask[batch] > 0])
            for place, row in enumerate(batch):
                atoms = self.data.sizes[row] * len(space_group(int(self.data.space_groups[row])).centring)
                cell = cell_from_targets(self.systems[row], centre[place].double().numpy(), int(atoms))
                true = self.data.lattices[row]
                length += list(np.abs(np.array([cell.a, cell.b, cell.c]) / true[:3] - 1))
                if self.systems[row] in ("monoclinic", "triclinic"):
                    angle += list(np.abs(np.array([cell.alpha, cell.beta, cell.gamma]) - true[3:]))
        volumes = torch.cat(volume).numpy()
        metrics = {
            "val_loss": float(torch.cat(likelihood).mean()),
            "volume_mean_error": float(volumes.mean()),
            "volume_median_error": float(np.median(volumes)),
            "length_mean_error": float(np.mean(length)),
            "length_median_error": float(np.median(length)),
            "one_sigma_coverage": float(torch.cat(covered).float().mean()),
        }
        if angle:
            metrics["angle_mean_error_deg"] = float(np.mean(angle))
        return metrics

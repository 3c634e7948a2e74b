"""Training of the distance network with a permutation-aware loss."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.crystal import FREE_SHAPE, space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.distances.network import BIN_EDGES, AtomTokens, DistanceNet, DistanceNetConfig
from alphacrystal.learn.distances.template_fitting import TemplateFit
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.model_inputs import SMALL_CELL, occupations
from alphacrystal.typing import FloatArray, IntArray

PAIRS_PER_BATCH = 9000  # atoms² summed over a batch: small cells form larger batches
PERMUTED_LOSS_WEIGHT = 0.25  # of the loss up to permutations of equal atoms
RMSE_WEIGHT = 0.5  # of the root mean square error of a cell in Å; the cross-entropy has weight 1
COMPOSITION_ONLY_SHARE = 0.3  # of the training samples
# Laplace scales of the noise of the cells in training, which imitates the errors of predicted cells: a small
# one, and a large one for TAIL_SHARE of the samples.
CELL_NOISE, CELL_NOISE_TAIL, TAIL_SHARE = 0.03, 0.12, 0.15


def rank_matched(expected: Tensor, true: Tensor, blocks: Tensor) -> Tensor:
    """True distances, permuted within each element-pair block to the rank order of the expected ones.

    A composition determines only the multiset of distances of a block (all pairs of one element pair),
    because its atoms are interchangeable. Sorting both sides is the optimal one-dimensional assignment.

    Args:
        expected, true: Distances in Å, shape (batch, pairs).
        blocks: Block number of each pair, shape (batch, pairs).

    Returns:
        shape (batch, pairs).
    """
    scale = 1e3
    order = (blocks * scale + expected).argsort(-1)
    sorted_true = (blocks * scale + true).sort(-1).values - blocks.gather(-1, order) * scale
    return torch.zeros_like(true).scatter(-1, order, sorted_true)


class DistanceTask:
    """Trains a DistanceNet on the training split of prepared structures (2 to ``max_atoms`` atoms).

    Args:
        data: Prepared structures.
        config: Sizes of the network.
        seed: Seed of the initial weights.
        composition_only: Share of the samples that train from the composition alone.

    Attributes:
        shapes: Lattice targets in validation, shape (n, 6): the true ones with noise, until predicted ones
            replace them.
    """

    def __init__(
        self,
        data: PreparedStructures,
        config: DistanceNetConfig | None = None,
        seed: int = 0,
        composition_only: float = COMPOSITION_ONLY_SHARE,
    ) -> None:
        self.data = data
        self.composition_only = composition_only
        self.config = config or DistanceNetConfig()
        fits = (data.sizes >= 2) & (data.sizes <= self.config.max_atoms)
        self.train = np.flatnonzero(fits & ~data.validation)
        self.validation = np.flatnonzero(fits & data.validation)
        self.occupations = occupations(data)
        self.fit = TemplateFit(data, [structure_type for structure_type, _ in self.occupations], self.train)
        self.fit.collect(np.concatenate([self.train, self.validation]))
        torch.manual_seed(seed)
        self.model = DistanceNet(self.config, self.fit.templates())
        self.edges = torch.as_tensor(BIN_EDGES, dtype=torch.float32)
        experimental = data.experimental == 1
        stable = np.nan_to_num(data.above_hull, nan=0.05) < 0.1
        self.weights = torch.as_tensor(np.where(experimental | stable, 1.0, 0.5).astype(np.float32))
        self.true_shapes = lattice_targets(data.lattices, data.volumes).astype(np.float64)
        systems = [space_group(int(number)).crystal_system for number in data.space_groups]
        self.free_shapes = np.zeros((len(data), 6))
        for row, system in enumerate(systems):
            self.free_shapes[row, list(FREE_SHAPE[system])] = 1
        self.shapes = self._noisy(np.arange(len(data)), np.random.default_rng(seed))

    def _noisy(self, rows: IntArray, rng: np.random.Generator) -> FloatArray:
        scale = np.where(rng.random((len(rows), 1)) < TAIL_SHARE, CELL_NOISE_TAIL, CELL_NOISE)
        return self.true_shapes[rows] + rng.laplace(0, scale, (len(rows), 6)) * self.free_shapes[rows]

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches of equal-sized cells, without padding."""
        sizes = self.data.sizes
        batches = []
        for size in np.unique(sizes[self.train]):
            rows = rng.permutation(self.train[sizes[self.train] == size])
            step = int(max(16, min(256, PAIRS_PER_BATCH // size**2)))
            batches += [rows[start : start + step] for start in range(0, len(rows), step)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def gather(self, batch: IntArray, shapes: FloatArray) -> tuple[AtomTokens, Tensor]:
        """Tokens with symmetry and cell, and distances (batch, pairs), of equal-sized cells."""
        size = int(self.data.sizes[batch[0]])
        atoms = self.data.atom_offsets[batch][:, None] + np.arange(size)
        pairs = self.data.pair_offsets[batch][:, None] + np.arange(size * (size - 1) // 2)
        orbits = self.data.orbits[atoms]
        tokens = AtomTokens(
            numbers=torch.as_tensor(self.data.numbers[atoms]),
            letters=torch.as_tensor(self.data.letters[atoms]),
            multiplicities=torch.as_tensor((orbits[:, :, None] == orbits[:, None, :]).sum(-1)),
            space_groups=torch.as_tensor(self.data.space_groups[batch]),
            functionals=torch.as_tensor(self.data.functionals[batch]),
            shapes=torch.as_tensor(shapes.astype(np.float32)),
        )
        return tokens, torch.as_tensor(self.data.distances[pairs])

    def losses(self, log_probabilities: Tensor, tokens: AtomTokens, true: Tensor) -> tuple[Tensor, Tensor]:
        """Loss in canonical order and loss up to permutations of equal atoms, shape (batch,) each."""
        expected = self.model.expected_distances(log_probabilities)
        blocks = element_pair_blocks(tokens.numbers)
        matched = rank_matched(expected.detach().double(), true.double(), blocks.double()).float()

        def per_sample(target: Tensor) -> Tensor:
            bins = torch.bucketize(target, self.edges)
            entropy = -log_probabilities.gather(-1, bins[..., None])[..., 0].mean(-1)
            error: Tensor = (((expected - target) ** 2).mean(-1) + 1e-4).sqrt()
            return entropy + RMSE_WEIGHT * error

        return per_sample(true), per_sample(matched)

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Weighted mean of both losses; random samples get the composition alone."""
        tokens, true = self.gather(batch, self._noisy(batch, rng))
        given = torch.as_tensor(rng.random(len(batch)) >= self.composition_only)
        ordered, free = self.losses(
            self.model(tokens.without_symmetry(given), self.fit.batch(batch).where(given)), tokens, true
        )
        weights = self.weights[batch]
        combined = (1 - PERMUTED_LOSS_WEIGHT) * ordered + PERMUTED_LOSS_WEIGHT * free
        return (combined * weights).sum() / weights.sum()

    def predict(
        self, model: DistanceNet, batch: IntArray, *, given: bool
    ) -> tuple[AtomTokens, Tensor, Tensor]:
        """Tokens, log-probabilities and true distances (batch, pairs) of equal-sized cells.

        The input includes the true structure type and the predicted cell if ``given``.
        """
        tokens, true = self.gather(batch, self.shapes[batch])
        templates = self.fit.batch(batch)
        if not given:
            none = torch.zeros(len(batch), dtype=torch.bool)
            tokens, templates = tokens.without_symmetry(none), templates.where(none)
        return tokens, model(tokens, templates), true

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean RMSE (Å) per structure, from the composition alone and with the true structure type.

        "rmse" compares distances in canonical atom order, "rmse_sorted" sorts them per element pair.
        """
        assert isinstance(model, DistanceNet)
        sizes = self.data.sizes[self.validation]
        parts: dict[str, list[Tensor]] = {
            key: [] for key in ("rows", "loss", "rmse", "rmse_sorted", "rmse_given")
        }
        for size in np.unique(sizes):
            chosen = self.validation[sizes == size]
            for start in range(0, len(chosen), 128):
                batch = chosen[start : start + 128]
                parts["rows"].append(torch.as_tensor(batch))
                for given in (False, True):
                    tokens, log_probabilities, true = self.predict(model, batch, given=given)
                    expected = model.expected_distances(log_probabilities)
                    error = ((expected - true) ** 2).mean(-1).sqrt()
                    ordered, free = self.losses(log_probabilities, tokens, true)
                    loss = (1 - PERMUTED_LOSS_WEIGHT) * ordered + PERMUTED_LOSS_WEIGHT * free
                    if given:
                        parts["rmse_given"].append(error)
                        parts["loss"][-1] = (parts["loss"][-1] + loss) / 2
                        continue
                    blocks = element_pair_blocks(tokens.numbers)
                    matched = rank_matched(expected.double(), true.double(), blocks.double())
                    parts["rmse"].append(error)
                    parts["rmse_sorted"].append(((expected - matched) ** 2).mean(-1).sqrt().float())
                    parts["loss"].append(loss)
        values = {key: torch.cat(tensors).numpy() for key, tensors in parts.items()}
        rows = values["rows"]
        small = self.data.sizes[rows] <= SMALL_CELL
        known = small & ((self.data.experimental[rows] == 1) | (self.data.above_hull[rows] < 0.1))
        metrics = {"val_loss": float(values["loss"].mean())}
        for suffix, chosen in (("", small | True), ("_to_12_atoms", small), ("_known_to_12_atoms", known)):
            if chosen.any():
                for key in ("rmse", "rmse_given"):
                    metrics[key + suffix] = float(values[key][chosen].mean())
        metrics["rmse_sorted"] = float(values["rmse_sorted"].mean())
        return metrics


def element_pair_blocks(numbers: Tensor) -> Tensor:
    """Index of the element pair of each atom pair i < j, shape (batch, atoms) -> (batch, pairs)."""
    size = numbers.shape[1]
    rows, columns = torch.triu_indices(size, size, 1)
    left, right = numbers[:, rows], numbers[:, columns]
    blocks = torch.minimum(left, right) * 128 + torch.maximum(left, right)
    inverse: Tensor = torch.unique(blocks, return_inverse=True)[1]
    return inverse

"""Training of the orbit distance network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.crystal import (
    FREE_SHAPE,
    LETTERS,
    OrbitPairs,
    cell_matrices,
    minkowski_reduced,
    orbit_pairs,
    shape_to_cell,
    space_group,
)
from alphacrystal.data import PreparedStructures
from alphacrystal.learn.coordinates.clusters import crystal_clusters, orbit_distances
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinatesConfig
from alphacrystal.learn.distances.network import BIN_EDGES
from alphacrystal.learn.lattice.network import lattice_targets
from alphacrystal.learn.model_inputs import occupations, size_subsets
from alphacrystal.learn.orbit_distances.inputs import OrbitSample, OrbitTokens, collate
from alphacrystal.learn.orbit_distances.network import OrbitDistanceNet, OrbitDistanceNetConfig
from alphacrystal.learn.orbit_distances.templates import TrainingTemplates
from alphacrystal.typing import FloatArray, IntArray

MAX_ORBITS, MAX_PAIRS = 48, 1500  # of the training structures; few have more
BLOCKS_PER_BATCH, PAIRS_PER_BATCH = 5000, 9000  # orbits² and atom pairs summed over a batch
PERMUTED_LOSS_WEIGHT = 0.25  # of the loss up to permutations of equal orbits
RMSE_WEIGHT = 0.5  # of the root mean square error of a cell in Å; the cross-entropy has weight 1
# Laplace scales of the noise of the cells in training, as for the distance network.
CELL_NOISE, CELL_NOISE_TAIL, TAIL_SHARE = 0.03, 0.12, 0.15
BLOCK_OFFSET = 1e3  # Å; above all distances


class OrbitDistanceTask:
    """Trains an OrbitDistanceNet on the training split of prepared structures.

    Args:
        data: Prepared structures.
        config: Sizes of the network.
        seed: Seed of the initial weights.

    Attributes:
        shapes: Lattice targets in validation, shape (n, 6): the true ones with noise, until predicted ones
            replace them.
    """

    def __init__(
        self, data: PreparedStructures, config: OrbitDistanceNetConfig | None = None, seed: int = 0
    ) -> None:
        self.data = data
        self.config = config or OrbitDistanceNetConfig()
        self.occupations = occupations(data)
        self.pairs: list[OrbitPairs] = [orbit_pairs(data.orbits[data.atoms(row)]) for row in range(len(data))]
        orbits = np.array([len(pairs.sizes) for pairs in self.pairs])
        lengths = np.array([len(pairs) for pairs in self.pairs])
        fits = (lengths > 0) & (orbits <= MAX_ORBITS) & (lengths <= MAX_PAIRS)
        fits &= data.sizes <= self.config.max_atoms
        self.train = np.flatnonzero(fits & ~data.validation)
        self.validation = np.flatnonzero(fits & data.validation)
        self.orbits, self.lengths = orbits, lengths
        settings = PrototypeCoordinatesConfig()
        clusters = crystal_clusters(data, settings.most_clusters, settings.formulas_per_cluster)
        used = np.concatenate([self.train, self.validation])
        self.templates = TrainingTemplates(data, clusters, used)
        self.true = {row: orbit_distances(data, row).astype(np.float32) for row in used.tolist()}
        torch.manual_seed(seed)
        self.model = OrbitDistanceNet(self.config)
        self.edges = torch.as_tensor(BIN_EDGES, dtype=torch.float32)
        stable = (data.experimental == 1) | (np.nan_to_num(data.above_hull, nan=0.05) < 0.1)
        self.weights = torch.as_tensor(np.where(stable, 1.0, 0.5).astype(np.float32))
        self.true_shapes = lattice_targets(data.lattices, data.volumes).astype(np.float64)
        self.free_shapes = np.zeros((len(data), 6))
        self.bases, self.changes = np.zeros((len(data), 3, 3)), np.zeros((len(data), 3, 3))
        self.log_atoms = np.zeros(len(data))
        cells = cell_matrices(data.lattices)
        for row, number in enumerate(data.space_groups.tolist()):
            group = space_group(number)
            self.free_shapes[row, list(FREE_SHAPE[group.crystal_system])] = 1
            self.changes[row] = minkowski_reduced(group.primitive_basis(cells[row]))[1]
            self.bases[row] = self.changes[row] @ np.linalg.inv(group.to_primitive).T
            self.log_atoms[row] = np.log(data.sizes[row] * len(group.centring))
        self.shapes = self._noisy(np.arange(len(data)), np.random.default_rng(seed))

    def _noisy(self, rows: IntArray, rng: np.random.Generator) -> FloatArray:
        scale = np.where(rng.random((len(rows), 1)) < TAIL_SHARE, CELL_NOISE_TAIL, CELL_NOISE)
        return self.true_shapes[rows] + rng.laplace(0, scale, (len(rows), 6)) * self.free_shapes[rows]

    def batches(self, rng: np.random.Generator) -> list[IntArray]:
        """Shuffled batches of structures with equal numbers of orbits and similar numbers of pairs."""
        batches: list[IntArray] = []
        for count in np.unique(self.orbits[self.train]).tolist():
            rows = rng.permutation(self.train[self.orbits[self.train] == count])
            batches += self._split(rows, count)
        return [batches[i] for i in rng.permutation(len(batches))]

    def _split(self, rows: IntArray, orbits: int) -> list[IntArray]:
        """Parts of structures with equal numbers of orbits, in ascending order of their pairs."""
        rows = rows[np.argsort(self.lengths[rows], kind="stable")]
        parts, start = [], 0
        limit = int(np.clip(BLOCKS_PER_BATCH // orbits**2, 4, 192))
        while start < len(rows):
            stop = min(start + limit, len(rows))
            while stop > start + 1 and self.lengths[rows[stop - 1]] * (stop - start) > PAIRS_PER_BATCH:
                stop = start + max(1, (stop - start) * 3 // 4)
            parts.append(rows[start:stop])
            start = stop
        return parts

    def samples(self, batch: IntArray, shapes: FloatArray) -> list[OrbitSample]:
        """Inputs of structures in cells of these shapes, shape (batch, 6)."""
        data = self.data
        full = shapes.copy()
        full[:, 0] += self.log_atoms[batch]
        lattices = self.bases[batch] @ shape_to_cell(full)
        result = []
        for row, shape, lattice in zip(batch.tolist(), shapes, lattices, strict=True):
            pairs = self.pairs[row]
            starts = np.cumsum(pairs.sizes) - pairs.sizes
            where = data.atoms(row)
            number = int(data.space_groups[row])
            letters = data.letters[where][starts]
            positions = space_group(number).positions
            result.append(
                OrbitSample(
                    space_group=number,
                    numbers=data.numbers[where][starts],
                    letters=letters,
                    free=np.array([positions[LETTERS[letter - 1]].free for letter in letters.tolist()]),
                    pairs=pairs,
                    functional=int(data.functionals[row]),
                    shape=shape,
                    lattice=lattice,
                    change=self.changes[row],
                    templates=self.templates.of(row, shape),
                )
            )
        return result

    def gather(self, batch: IntArray, tokens: OrbitTokens) -> tuple[Tensor, Tensor]:
        """True distances and class of each pair, shape (batch, pairs) each.

        The pairs of one class join orbits of the same two elements and letters, or lie within one orbit.
        """
        longest = tokens.blocks.shape[1]
        true = np.zeros((len(batch), longest), dtype=np.float32)
        classes = np.zeros((len(batch), longest), dtype=np.int64)
        for place, row in enumerate(batch.tolist()):
            pairs = self.pairs[row]
            true[place, : len(pairs)] = self.true[row]
            orbit_class = (tokens.numbers[place] * 32 + tokens.letters[place]).numpy()
            classes[place] = 1 + orbit_class.max() ** 2 * 4  # padding
            classes[place, : len(pairs)] = pairs.classes(orbit_class)
        return torch.as_tensor(true), torch.as_tensor(classes)

    def losses(self, log_probabilities: Tensor, tokens: OrbitTokens, true: Tensor, classes: Tensor) -> Tensor:
        """Loss of each sample, shape (batch,)."""
        expected = self.model.expected_distances(log_probabilities)
        matched = matched_distances(expected.detach(), true, classes)

        def per_sample(target: Tensor) -> Tensor:
            bins = torch.bucketize(target, self.edges)
            entropy = -log_probabilities.gather(-1, bins[..., None])[..., 0]
            squares = ((expected - target) ** 2 * tokens.weights).sum(-1)
            loss: Tensor = (entropy * tokens.weights).sum(-1) + RMSE_WEIGHT * (squares + 1e-4).sqrt()
            return loss

        return (1 - PERMUTED_LOSS_WEIGHT) * per_sample(true) + PERMUTED_LOSS_WEIGHT * per_sample(matched)

    def loss(self, batch: IntArray, rng: np.random.Generator) -> Tensor:
        """Weighted mean loss of a batch."""
        tokens, templates = collate(self.samples(batch, self._noisy(batch, rng)))
        true, classes = self.gather(batch, tokens)
        weights = self.weights[batch]
        loss = self.losses(self.model(tokens, templates), tokens, true, classes)
        return (loss * weights).sum() / weights.sum()

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss and RMSE (Å) per structure with the true structure type and the predicted cell.

        "rmse" compares distances up to permutations of equal orbits; "rmse_templates" is that of the most
        similar template, without the network, where there is one, and "rmse_with_templates" that of the
        network for the same structures. Suffixes are sizes of the primitive cell in atoms.
        """
        assert isinstance(model, OrbitDistanceNet)
        rows: list[int] = []
        losses: list[float] = []
        errors: list[float] = []
        template_errors: list[float] = []
        for batch in self._validation_batches():
            tokens, templates = collate(self.samples(batch, self.shapes[batch]))
            true, classes = self.gather(batch, tokens)
            log_probabilities = model(tokens, templates)
            rows += batch.tolist()
            losses += self.losses(log_probabilities, tokens, true, classes).tolist()
            expected = model.expected_distances(log_probabilities)
            placed = templates.means[..., 0] * (tokens.shapes[:, 0] / 3).exp()[:, None]
            for distances, target in ((expected, errors), (placed, template_errors)):
                squares = (distances - matched_distances(distances, true, classes)) ** 2
                target += (squares * tokens.weights).sum(-1).sqrt().tolist()
        chosen = np.array(rows)
        values = np.array([losses, errors, template_errors])
        with_template = np.array([self.templates.any(row) for row in rows])
        metrics = {"val_loss": float(values[0].mean()), "rmse": float(values[1].mean())}
        sizes = self.data.sizes[chosen]
        experimental = self.data.experimental[chosen] == 1
        for suffix, part in size_subsets(sizes, experimental, "_experimental").items():
            known = part & with_template
            for key, value, used in (
                ("rmse", values[1], part),
                ("rmse_with_templates", values[1], known),
                ("rmse_templates", values[2], known),
                ("loss", values[0], part),
            ):
                if used.any():
                    metrics[key + suffix] = float(value[used].mean())
        return metrics

    def _validation_batches(self) -> list[IntArray]:
        batches: list[IntArray] = []
        for count in np.unique(self.orbits[self.validation]).tolist():
            rows = self.validation[self.orbits[self.validation] == count]
            batches += self._split(rows, count)
        return batches


def matched_distances(expected: Tensor, true: Tensor, classes: Tensor) -> Tensor:
    """True distances, permuted within each class to the rank order of the expected ones; (batch, pairs)."""
    offsets = classes.double() * BLOCK_OFFSET
    order = (offsets + expected).argsort(-1)
    sorted_true = true.gather(-1, (offsets + true).argsort(-1))
    return torch.zeros_like(true).scatter(-1, order, sorted_true)

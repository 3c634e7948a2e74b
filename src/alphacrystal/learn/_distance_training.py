"""Training of the pair distance network with a permutation-aware loss."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphacrystal.data import PreparedStructures
from alphacrystal.learn._distance_net import BIN_EDGES, AtomTokens, DistanceNet, DistanceNetConfig

PAIRS_PER_BATCH = 9000  # atoms² summed over a batch: small cells come in larger batches
ORDER_FREE_SHARE = 0.4
EXPECTATION_SHARE = 0.2
GIVEN_NOTHING, GIVEN_GROUP = 0.4, 0.1  # share of samples trained without, or with only the space group given


def rank_matched(expected: Tensor, true: Tensor, blocks: Tensor) -> Tensor:
    """True distances permuted inside each element-pair block to the rank order of the expected ones.

    Within a block (all pairs of one element pair) atoms are interchangeable, so the multiset of distances is
    what a composition can predict. Sorting both sides is the optimal one-dimensional assignment.

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
    """Trains a DistanceNet on the training split of prepared structures (2 to ``max_atoms`` atoms)."""

    def __init__(
        self, data: PreparedStructures, config: DistanceNetConfig | None = None, seed: int = 0
    ) -> None:
        self.data = data
        self.config = config or DistanceNetConfig()
        torch.manual_seed(seed)
        self.model = DistanceNet(self.config)
        fits = (data.sizes >= 2) & (data.sizes <= self.config.max_atoms)
        self.train = np.flatnonzero(fits & ~data.validation)
        self.validation = np.flatnonzero(fits & data.validation)
        self.edges = torch.as_tensor(BIN_EDGES, dtype=torch.float32)
        experimental = data.experimental == 1
        stable = np.nan_to_num(data.above_hull, nan=0.05) < 0.1
        self.weights = torch.as_tensor(np.where(experimental | stable, 1.0, 0.5).astype(np.float32))

    def batches(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Batches of equal-sized cells, so that nothing is padded."""
        sizes = self.data.sizes
        batches = []
        for size in np.unique(sizes[self.train]):
            own = rng.permutation(self.train[sizes[self.train] == size])
            step = int(max(16, min(256, PAIRS_PER_BATCH // size**2)))
            batches += [own[start : start + step] for start in range(0, len(own), step)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def gather(self, batch: NDArray[np.int64]) -> tuple[AtomTokens, Tensor]:
        """Tokens with everything given, and distance matrices (batch, atoms, atoms), of equal-sized cells."""
        size = int(self.data.sizes[batch[0]])
        atoms = self.data.atom_offsets[batch][:, None] + np.arange(size)
        pairs = self.data.pair_offsets[batch][:, None] + np.arange(size * (size - 1) // 2)
        matrices = np.zeros((len(batch), size, size), dtype=np.float32)
        rows, columns = np.triu_indices(size, 1)
        matrices[:, rows, columns] = self.data.distances[pairs]
        matrices += matrices.transpose(0, 2, 1)
        orbits = self.data.orbits[atoms]
        tokens = AtomTokens(
            numbers=torch.as_tensor(self.data.numbers[atoms]),
            letters=torch.as_tensor(self.data.letters[atoms]),
            multiplicities=torch.as_tensor((orbits[:, :, None] == orbits[:, None, :]).sum(-1)),
            space_groups=torch.as_tensor(self.data.space_groups[batch]),
            functionals=torch.as_tensor(self.data.functionals[batch]),
        )
        return tokens, torch.as_tensor(matrices)

    def losses(self, logits: Tensor, tokens: AtomTokens, true: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy plus expectation error in canonical order and order-free, shape (batch,) each."""
        size = true.shape[-1]
        rows, columns = torch.triu_indices(size, size, 1)
        chosen, distances = logits[:, rows, columns], true[:, rows, columns]
        expected = chosen.softmax(-1) @ self.model.centres
        left, right = tokens.numbers[:, rows], tokens.numbers[:, columns]
        blocks = torch.minimum(left, right) * 128 + torch.maximum(left, right)
        blocks = torch.unique(blocks, return_inverse=True)[1]
        matched = rank_matched(expected.detach().double(), distances.double(), blocks.double()).float()
        log_probability = chosen.log_softmax(-1)

        def per_sample(target: Tensor) -> Tensor:
            bins = torch.bucketize(target, self.edges)
            entropy = -log_probability.gather(-1, bins[..., None])[..., 0]
            return (entropy + EXPECTATION_SHARE * (expected - target) ** 2).mean(-1)

        return per_sample(distances), per_sample(matched)

    def loss(self, batch: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """Weighted mean of the canonical and the order-free loss, with symmetry given at random."""
        tokens, true = self.gather(batch)
        draw = torch.as_tensor(rng.random(len(batch)))
        letters = (draw >= GIVEN_NOTHING + GIVEN_GROUP)[:, None]
        known = AtomTokens(
            numbers=tokens.numbers,
            letters=tokens.letters * letters,
            multiplicities=tokens.multiplicities * letters,
            space_groups=tokens.space_groups * (draw >= GIVEN_NOTHING),
            functionals=tokens.functionals,
        )
        ordered, free = self.losses(self.model(known), known, true)
        weights = self.weights[batch]
        combined = (1 - ORDER_FREE_SHARE) * ordered + ORDER_FREE_SHARE * free
        return (combined * weights).sum() / weights.sum()

    def predict(
        self, model: DistanceNet, batch: NDArray[np.int64], *, given: bool
    ) -> tuple[AtomTokens, Tensor, Tensor]:
        """Tokens, logits and true matrices of equal-sized cells, with or without the symmetry given."""
        tokens, true = self.gather(batch)
        if not given:
            tokens = AtomTokens(
                numbers=tokens.numbers,
                letters=torch.zeros_like(tokens.letters),
                multiplicities=torch.zeros_like(tokens.multiplicities),
                space_groups=torch.zeros_like(tokens.space_groups),
                functionals=tokens.functionals,
            )
        return tokens, model(tokens), true

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean per-sample RMSE (Å) over pairs, from composition alone and with the true symmetry given.

        "ordered" compares in canonical atom order, "sorted" inside each element-pair block.
        """
        assert isinstance(model, DistanceNet)
        sizes = self.data.sizes[self.validation]
        collected: dict[str, list[Tensor]] = {
            "loss": [],
            "ordered": [],
            "sorted": [],
            "given": [],
            "size": [],
        }
        for size in np.unique(sizes):
            own = self.validation[sizes == size]
            for start in range(0, len(own), 128):
                batch = own[start : start + 128]
                rows, columns = torch.triu_indices(int(size), int(size), 1)
                for given in (False, True):
                    tokens, logits, true = self.predict(model, batch, given=given)
                    expected = model.expected_distances(logits)[:, rows, columns]
                    target = true[:, rows, columns]
                    error = ((expected - target) ** 2).mean(-1).sqrt()
                    ordered, free = self.losses(logits, tokens, true)
                    loss = (1 - ORDER_FREE_SHARE) * ordered + ORDER_FREE_SHARE * free
                    if given:
                        collected["given"].append(error)
                        collected["loss"][-1] = (collected["loss"][-1] + loss) / 2
                        continue
                    left, right = tokens.numbers[:, rows], tokens.numbers[:, columns]
                    blocks = torch.minimum(left, right) * 128.0 + torch.maximum(left, right)
                    matched = rank_matched(expected.double(), target.double(), blocks.double())
                    collected["ordered"].append(error)
                    collected["sorted"].append(((expected - matched) ** 2).mean(-1).sqrt().float())
                    collected["loss"].append(loss)
                    collected["size"].append(torch.full((len(batch),), float(size)))
        values = {key: torch.cat(parts) for key, parts in collected.items()}
        small = values["size"] <= 12
        metrics = {
            "val_loss": float(values["loss"].mean()),
            "rmse": float(values["ordered"].mean()),
            "rmse_sorted": float(values["sorted"].mean()),
            "rmse_given_symmetry": float(values["given"].mean()),
        }
        if small.any():
            metrics["rmse_to_12_atoms"] = float(values["ordered"][small].mean())
        return metrics

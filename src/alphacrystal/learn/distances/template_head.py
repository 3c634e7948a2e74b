"""Template input and output layers of the distance network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from alphacrystal.learn.distances.templates import FEATURES, TemplateBatch

MAX_CENTRE, STEP = 10.0, 0.5  # Å: range and spacing of the Gaussian basis of template distances
MIN_WIDTH = 0.02  # Å, of a peak
FLOOR = 1e-5  # probability that is distributed over all bins, so that no distance is impossible


class TemplateReader(nn.Module):
    """Atom and pair vectors from the templates of a batch.

    Output: weight of each cluster (batch, clusters), atom vectors (batch, atoms, width), pair vectors
    (batch, pairs, clusters, hidden) and distances of the clusters in Å (batch, pairs, clusters).
    """

    centres: Tensor

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("centres", torch.arange(0.5, MAX_CENTRE, STEP), persistent=False)
        self.atom = nn.Linear(2 * FEATURES, width)
        self.pair = nn.Linear(len(self.centres) + 3, hidden)
        self.score = nn.Sequential(nn.Linear(2 * FEATURES + 7, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(
        self, templates: TemplateBatch, features: Tensor, shapes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Read templates; ``features`` (batch, atoms, FEATURES) of the atoms, ``shapes`` (batch, 6)."""
        present = templates.counts > 0
        count = torch.log1p(templates.counts)
        difference = features[:, :, None] - templates.features  # (batch, atoms, clusters, FEATURES)
        comparison = torch.cat([difference, difference**2], -1) * present[:, None, :, None]
        strain = (shapes[:, None] - templates.shapes) * present[..., None]
        evidence = torch.cat([comparison.mean(1), count[..., None], strain], -1)
        score = self.score(evidence)[..., 0] + 0.5 * count
        weights = score.masked_fill(~present, -1e4).softmax(-1) * present
        atoms = (self.atom(comparison) * weights[:, None, :, None]).sum(2)
        size = (shapes[:, 0] / 3).exp()[:, None, None]
        distances, spreads = templates.means * size, templates.spreads * size
        gaussians = torch.exp(-(((distances[..., None] - self.centres) / STEP) ** 2))
        extra = torch.stack([distances / 5, 5 * spreads, count[:, None].expand_as(distances)], -1)
        pairs = self.pair(torch.cat([gaussians, extra], -1)) * present[:, None, :, None]
        return weights, atoms, pairs, distances


class PeakHead(nn.Module):
    """Mixture of a free histogram and one peak near the distance of each cluster.

    Peaks are logistic distributions integrated over the bins.
    """

    edges: Tensor

    def __init__(self, pair_width: int, hidden: int, edges: Tensor) -> None:
        super().__init__()
        self.register_buffer("edges", edges, persistent=False)
        self.bins = nn.Linear(pair_width, len(edges) + 1)
        self.from_pair = nn.Linear(pair_width, hidden)
        self.peak = nn.Linear(hidden, 3)
        self.free_weight = nn.Linear(pair_width, 1)
        nn.init.normal_(self.peak.weight, std=0.02)
        nn.init.zeros_(self.peak.bias)

    def forward(
        self, pairs: Tensor, read: Tensor, distances: Tensor, weights: Tensor, spreads: Tensor
    ) -> Tensor:
        """Log-probabilities of the bins, shape (batch, pairs, bins).

        Args:
            pairs: Pair vectors, shape (batch, pairs, pair width).
            read: Pair vectors of each cluster, shape (batch, pairs, clusters, hidden).
            distances, spreads: Distances of the clusters and their spreads in Å, shape (batch, pairs,
                clusters).
            weights: Weights of the clusters, shape (batch, clusters).
        """
        free = self.bins(pairs).softmax(-1)
        shift, width, weight = self.peak(nn.functional.gelu(self.from_pair(pairs)[:, :, None] + read)).unbind(
            -1
        )
        centre = distances + shift
        width = MIN_WIDTH + (0.05 + 0.5 * spreads) * width.clamp(-3, 4).exp()
        share = weight + torch.log(weights + 1e-6)[:, None]
        share = share.masked_fill((weights <= 0)[:, None], -1e4)
        mixture = torch.cat([self.free_weight(pairs) - 1, share], -1).softmax(-1)
        below = torch.sigmoid((self.edges - centre[..., None]) / width[..., None])
        below = (below * mixture[..., 1:, None]).sum(2)  # (batch, pairs, edges)
        total = mixture[..., 1:].sum(-1, keepdim=True)
        peaks = torch.cat([below[..., :1], below.diff(dim=-1), total - below[..., -1:]], -1)
        mixed = mixture[..., :1] * free + peaks.clamp(min=0)
        bins = mixed.shape[-1]
        return torch.log((1 - FLOOR) * mixed + FLOOR / bins)

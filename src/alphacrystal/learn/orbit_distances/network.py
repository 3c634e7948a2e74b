"""The orbit distance network: probabilities of the distances between the orbits of a structure type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.data import FUNCTIONALS
from alphacrystal.learn.distances.network import BIN_CENTRES, BIN_EDGES, PairBlock, Triangle
from alphacrystal.learn.distances.template_head import PeakHead, TemplateReader
from alphacrystal.learn.distances.templates import TemplateBatch
from alphacrystal.learn.orbit_distances.inputs import OrbitTokens

MAX_PLACE = 31  # larger numbers of orbits of one element and letter are clipped
MAX_RANK = 31  # larger ranks within a block are clipped


@dataclass(frozen=True, slots=True)
class OrbitDistanceNetConfig:
    """Sizes of the orbit distance network."""

    width: int = 96
    pair_width: int = 48
    template_width: int = 32
    layers: int = 3
    heads: int = 8
    max_atoms: int = 80
    dropout: float = 0.1


class OrbitDistanceNet(nn.Module):
    """Distogram of the symmetry-distinct pairs of a cell with its structure type and an approximate cell.

    Tokens are orbits; pairs of orbits exchange information as in ``DistanceNet``. Each block of pairs is a
    sorted list, and the network predicts the distance of each rank. Output: log-probabilities of the bins,
    shape (batch, pairs, bins). The names of parameters and buffers are keys of the weights file.
    """

    features: Tensor
    centres: Tensor

    def __init__(self, config: OrbitDistanceNetConfig) -> None:
        super().__init__()
        self.config = config
        width, pair = config.width, config.pair_width
        table = np.nan_to_num(element_features())
        self.register_buffer("features", torch.as_tensor(table, dtype=torch.float32), persistent=False)
        self.register_buffer("centres", torch.as_tensor(BIN_CENTRES, dtype=torch.float32), persistent=False)
        self.element = nn.Embedding(104, width)
        self.property = nn.Linear(table.shape[1], width)
        self.letter = nn.Embedding(28, width)
        self.group = nn.Embedding(231, width)
        self.group_letter = nn.Embedding(231 * 28, 24)
        self.read_site = nn.Linear(24, width)
        self.size = nn.Embedding(config.max_atoms + 1, width)
        self.free = nn.Embedding(4, width)
        self.place = nn.Embedding(MAX_PLACE + 1, width)  # among the orbits of the same element and letter
        self.count = nn.Embedding(MAX_PLACE + 1, width)
        self.functional = nn.Embedding(len(FUNCTIONALS), width)
        self.whole = nn.Linear(8, width)  # lattice targets, log numbers of atoms and orbits
        for embedding in (self.letter, self.group, self.group_letter, self.size, self.place, self.count):
            nn.init.normal_(embedding.weight, std=0.1)
        self.dropout = nn.Dropout(config.dropout)
        self.pair_left = nn.Linear(width, pair)
        self.pair_right = nn.Linear(width, pair)
        self.same_element = nn.Embedding(2, pair)
        self.same_orbit = nn.Embedding(2, pair)
        self.reader = TemplateReader(width, config.template_width)
        self.read_template = nn.Linear(config.template_width, pair)
        self.blocks = nn.ModuleList(
            PairBlock(width, pair, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.norm_out = nn.LayerNorm(pair)
        self.rank = nn.Embedding(MAX_RANK + 1, pair)
        self.position = nn.Linear(3, pair)  # of a rank within its block
        self.entry = nn.Sequential(nn.GELU(), nn.Linear(pair, pair))
        edges = torch.as_tensor(BIN_EDGES, dtype=torch.float32)
        self.head = PeakHead(pair, config.template_width, edges)

    def forward(self, tokens: OrbitTokens, templates: TemplateBatch) -> Tensor:
        """Log-probabilities of the bins, shape (batch, pairs, bins)."""
        weights, from_templates, read, distances = self.reader(
            templates, self.features[tokens.numbers], tokens.shapes
        )
        same = tokens.numbers[:, :, None] == tokens.numbers[:, None, :]
        alike = same & (tokens.letters[:, :, None] == tokens.letters[:, None, :])
        orbits = tokens.numbers.shape[1]
        totals = torch.stack([tokens.sizes.sum(1), torch.full_like(tokens.space_groups, orbits)], -1)
        whole = (
            self.group(tokens.space_groups)
            + self.functional(tokens.functionals)
            + self.whole(torch.cat([tokens.shapes, totals.float().log()], -1))
        )
        site = tokens.space_groups[:, None] * 28 + tokens.letters
        atoms = (
            self.element(tokens.numbers)
            + self.property(self.features[tokens.numbers])
            + self.letter(tokens.letters)
            + self.read_site(self.group_letter(site))
            + self.size(tokens.sizes)
            + self.free(tokens.free)
            + self.place(alike.tril(-1).sum(-1).clamp(max=MAX_PLACE))
            + self.count(alike.sum(-1).clamp(max=MAX_PLACE))
            + from_templates
            + whole[:, None]
        )
        atoms = self.dropout(atoms)
        triangle = Triangle(orbits)
        diagonal = (triangle.rows == triangle.columns).long()
        hint = self.read_template((read * weights[:, None, :, None]).sum(2))  # (batch, pairs, pair)
        hint = hint * ((tokens.weights > 0) / tokens.lengths)[..., None]
        index = tokens.blocks[..., None].expand_as(hint)
        pairs = (
            triangle.products(self.pair_left(atoms), self.pair_right(atoms))
            + self.same_element(triangle.pairs(same).long())
            + self.same_orbit(diagonal)
        ).scatter_add(1, index, hint)
        used = torch.ones_like(tokens.numbers, dtype=torch.bool)
        for block in self.blocks:
            atoms, pairs = block(atoms, pairs, used, triangle)
        rank, length = tokens.ranks.float(), tokens.lengths.float()
        place = torch.stack([(rank + 0.5) / length, length.log(), (rank + 1).log()], -1)
        chosen = self.norm_out(pairs).gather(1, index)
        chosen = chosen + self.rank(tokens.ranks.clamp(max=MAX_RANK)) + self.position(place)
        chosen = chosen + self.entry(chosen)
        log_probabilities: Tensor = self.head(chosen, read, distances, weights, templates.spreads)
        return log_probabilities

    def expected_distances(self, log_probabilities: Tensor) -> Tensor:
        """Mean distance of each pair in Å, shape (batch, pairs)."""
        return log_probabilities.exp() @ self.centres

"""The pair distance network: atoms of a cell content in, probabilities of the distances of every pair out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.data import FUNCTIONALS

# Bin edges in Å: 0.1 up to 6, 0.25 up to 12, 1 up to 16; the first bin is open below, the last above.
BIN_EDGES = np.concatenate([np.linspace(1.2, 6, 49), np.linspace(6.25, 12, 24), np.linspace(13, 16, 4)])
BIN_CENTRES = np.concatenate([[1.1], (BIN_EDGES[1:] + BIN_EDGES[:-1]) / 2, [17.5]])


@dataclass(frozen=True, slots=True)
class DistanceNetConfig:
    """Sizes of the distance network."""

    width: int = 112
    pair_width: int = 48
    layers: int = 5
    heads: int = 8
    max_atoms: int = 20
    dropout: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class AtomTokens:
    """The atoms of a batch of cell contents in canonical order; 0 where a row is padded.

    Attributes:
        numbers: Atomic numbers, shape (batch, atoms).
        letters: Wyckoff letter index + 1, or 0 where not given, shape (batch, atoms).
        multiplicities: Atoms in the orbit each atom belongs to (primitive cell), or 0, shape (batch, atoms).
        space_groups: Number, or 0 where not given, shape (batch,).
        functionals: Index into FUNCTIONALS, shape (batch,).
    """

    numbers: Tensor
    letters: Tensor
    multiplicities: Tensor
    space_groups: Tensor
    functionals: Tensor


class PairBlock(nn.Module):
    """Attention between atoms biased by pairs, then outer and triangle products back into the pairs."""

    def __init__(self, width: int, pair: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.pair_bias = nn.Linear(pair, heads)
        self.attention_out = nn.Linear(width, width)
        self.atom_update = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(3 * width, width),
        )
        self.norm_pair = nn.LayerNorm(pair)
        self.left = nn.Linear(width, pair)
        self.right = nn.Linear(width, pair)
        self.edge = nn.Linear(pair, pair // 2)
        self.triangle_out = nn.Linear(pair // 2, pair)
        self.pair_update = nn.Sequential(
            nn.LayerNorm(pair), nn.Linear(pair, 2 * pair), nn.GELU(), nn.Linear(2 * pair, pair)
        )

    def forward(self, atoms: Tensor, pairs: Tensor, used: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes (batch, atoms, width), (batch, atoms, atoms, pair), (batch, atoms); pairs stay symmetric."""
        batch, size, width = atoms.shape
        mixed = self.query_key_value(self.norm_attention(atoms)).view(batch, size, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)  # each (batch, heads, atoms, width / heads)
        logits = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        logits = logits + self.pair_bias(pairs).permute(0, 3, 1, 2)
        weights = logits.masked_fill(~used[:, None, None, :], -1e9).softmax(-1)
        atoms = atoms + self.attention_out((weights @ value).transpose(1, 2).reshape(batch, size, width))
        atoms = atoms + self.atom_update(atoms)
        outer = self.left(atoms)[:, :, None] * self.right(atoms)[:, None]
        edge = self.edge(self.norm_pair(pairs)) * used[:, :, None, None]  # (batch, i, k, pair / 2)
        channels = edge.permute(0, 3, 1, 2)
        triangle = (channels @ channels.transpose(-1, -2)).permute(0, 2, 3, 1) / size
        pairs = pairs + outer + outer.transpose(1, 2) + self.triangle_out(triangle)
        return atoms, pairs + self.pair_update(pairs)


class DistanceNet(nn.Module):
    """Distogram of a cell content, optionally given its space group and Wyckoff letters.

    Output: logits over the bins, shape (batch, atoms, atoms, bins), symmetric in the atoms.
    """

    features: Tensor
    centres: Tensor

    def __init__(self, config: DistanceNetConfig) -> None:
        super().__init__()
        self.config = config
        width, pair = config.width, config.pair_width
        table = np.nan_to_num(element_features())
        self.register_buffer("features", torch.as_tensor(table, dtype=torch.float32), persistent=False)
        self.register_buffer("centres", torch.as_tensor(BIN_CENTRES, dtype=torch.float32), persistent=False)
        self.element = nn.Embedding(104, width)
        self.property = nn.Linear(table.shape[1], width)
        self.place = nn.Embedding(config.max_atoms, width)  # position among atoms of the same element
        self.place_from_end = nn.Embedding(config.max_atoms, width)
        self.count = nn.Embedding(config.max_atoms + 1, width)
        self.size = nn.Embedding(config.max_atoms + 1, width)
        self.letter = nn.Embedding(28, width)
        self.multiplicity = nn.Embedding(config.max_atoms + 1, width)
        self.group = nn.Embedding(231, width)
        self.group_letter = nn.Embedding(
            231 * 28, 24
        )  # a site is a letter in a group: "a" alone means little
        self.read_site = nn.Linear(24, width)
        self.functional = nn.Embedding(len(FUNCTIONALS), width)
        for embedding in (self.letter, self.multiplicity, self.group, self.group_letter, self.functional):
            nn.init.normal_(embedding.weight, std=0.1)
        self.dropout = nn.Dropout(config.dropout)
        self.pair_left = nn.Linear(width, pair)
        self.pair_right = nn.Linear(width, pair)
        self.same_element = nn.Embedding(2, pair)
        self.same_site = nn.Embedding(2, pair)
        self.blocks = nn.ModuleList(
            PairBlock(width, pair, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.read_out = nn.Sequential(nn.LayerNorm(pair), nn.Linear(pair, len(BIN_CENTRES)))

    def forward(self, tokens: AtomTokens) -> Tensor:
        """Bin logits, shape (batch, atoms, atoms, bins)."""
        numbers = tokens.numbers
        used = numbers > 0
        same = (numbers[:, :, None] == numbers[:, None, :]) & used[:, :, None] & used[:, None, :]
        place = same.tril(-1).sum(-1)
        count = same.sum(-1)
        site = tokens.space_groups[:, None] * 28 + tokens.letters
        whole = self.size(used.sum(1)) + self.group(tokens.space_groups) + self.functional(tokens.functionals)
        atoms = (
            self.element(numbers)
            + self.property(self.features[numbers])
            + self.place(place)
            + self.place_from_end((count - 1 - place).clamp(min=0))
            + self.count(count)
            + self.letter(tokens.letters)
            + self.multiplicity(tokens.multiplicities)
            + self.read_site(self.group_letter(site))
            + whole[:, None]
        )
        atoms = self.dropout(atoms)
        product = self.pair_left(atoms)[:, :, None] * self.pair_right(atoms)[:, None]
        same_site = (
            same & (tokens.letters[:, :, None] == tokens.letters[:, None, :]) & (tokens.letters > 0)[:, None]
        )
        pairs = (
            product
            + product.transpose(1, 2)
            + self.same_element(same.long())
            + self.same_site(same_site.long())
        )
        for block in self.blocks:
            atoms, pairs = block(atoms, pairs, used)
        logits: Tensor = self.read_out((pairs + pairs.transpose(1, 2)) / 2)
        return logits

    def expected_distances(self, logits: Tensor) -> Tensor:
        """Mean distance in Å under the distogram, zero on the diagonal, shape (batch, atoms, atoms)."""
        mean = logits.softmax(-1) @ self.centres
        size = mean.shape[-1]
        return mean * (1 - torch.eye(size))

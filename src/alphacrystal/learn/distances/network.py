"""The distance network: probabilities of the distances of all atom pairs of a cell content."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from alphacrystal.composition import element_features
from alphacrystal.data import FUNCTIONALS
from alphacrystal.learn.distances.template_head import PeakHead, TemplateReader
from alphacrystal.learn.distances.templates import TemplateBatch, TypeTemplates

# Bin edges in Å: steps of 0.1 up to 6, 0.25 up to 12, and 1 up to 16. The first and last bins are open.
BIN_EDGES = np.concatenate([np.linspace(1.2, 6, 49), np.linspace(6.25, 12, 24), np.linspace(13, 16, 4)])
BIN_CENTRES = np.concatenate([[1.1], (BIN_EDGES[1:] + BIN_EDGES[:-1]) / 2, [17.5]])


@dataclass(frozen=True, slots=True)
class DistanceNetConfig:
    """Sizes of the distance network."""

    width: int = 112
    pair_width: int = 48
    template_width: int = 32
    layers: int = 4
    heads: int = 8
    max_atoms: int = 20
    dropout: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class AtomTokens:
    """Atoms of a batch of cell contents in canonical order, padded with 0.

    Attributes:
        numbers: Atomic numbers, shape (batch, atoms).
        letters: Wyckoff letter index + 1, or 0 if unknown, shape (batch, atoms).
        multiplicities: Atoms in the orbit of each atom (primitive cell), or 0, shape (batch, atoms).
        space_groups: International number, or 0 if unknown, shape (batch,).
        functionals: Index into FUNCTIONALS, shape (batch,).
        shapes: Lattice targets (``lattice_targets``) of the cell, or zero if unknown, shape (batch, 6).
    """

    numbers: Tensor
    letters: Tensor
    multiplicities: Tensor
    space_groups: Tensor
    functionals: Tensor
    shapes: Tensor

    def without_symmetry(self, given: Tensor) -> AtomTokens:
        """Tokens that keep symmetry and cell only for the samples in ``given``, shape (batch,)."""
        return AtomTokens(
            self.numbers,
            self.letters * given[:, None],
            self.multiplicities * given[:, None],
            self.space_groups * given,
            self.functionals,
            self.shapes * given[:, None],
        )


class Triangle:
    """Index of the pairs i <= j of atoms, row by row, for quantities symmetric in the two atoms.

    Attributes:
        size: Number of atoms.
        rows, columns: Atoms of each pair, shape (pairs,).
        off_diagonal: Indices of the pairs i < j, shape (size * (size - 1) / 2,).
        mirror: Index of the pair of each entry of a full matrix, shape (size²,).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows, self.columns = torch.triu_indices(size, size)
        self.off_diagonal = (self.rows < self.columns).nonzero()[:, 0]
        mirror = torch.zeros(size, size, dtype=torch.long)
        mirror[self.rows, self.columns] = mirror[self.columns, self.rows] = torch.arange(len(self.rows))
        self.mirror = mirror.flatten()

    def matrix(self, pairs: Tensor) -> Tensor:
        """Symmetric matrices, (batch, pairs, ...) -> (batch, size, size, ...)."""
        full: Tensor = pairs.index_select(1, self.mirror).unflatten(1, (self.size, self.size))
        return full

    def pairs(self, matrix: Tensor) -> Tensor:
        """Pairs of symmetric matrices, (batch, size, size, ...) -> (batch, pairs, ...)."""
        return matrix.flatten(1, 2).index_select(1, self.rows * self.size + self.columns)

    def products(self, left: Tensor, right: Tensor) -> Tensor:
        """Symmetrised outer products of atom vectors, (batch, size, width) -> (batch, pairs, width)."""
        forward = left.index_select(1, self.rows) * right.index_select(1, self.columns)
        return forward + left.index_select(1, self.columns) * right.index_select(1, self.rows)


class PairBlock(nn.Module):
    """Attention between atoms with a pair bias, then updates of the pairs by outer and triangle products."""

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

    def forward(
        self, atoms: Tensor, pairs: Tensor, used: Tensor, triangle: Triangle
    ) -> tuple[Tensor, Tensor]:
        """Shapes (batch, atoms, width), (batch, pairs, pair), (batch, atoms); pairs as in ``triangle``."""
        batch, size, width = atoms.shape
        mixed = self.query_key_value(self.norm_attention(atoms)).view(batch, size, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)  # each (batch, heads, atoms, width / heads)
        logits = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        logits = logits + triangle.matrix(self.pair_bias(pairs)).permute(0, 3, 1, 2)
        weights = logits.masked_fill(~used[:, None, None, :], -1e9).softmax(-1)
        atoms = atoms + self.attention_out((weights @ value).transpose(1, 2).reshape(batch, size, width))
        atoms = atoms + self.atom_update(atoms)
        outer = triangle.products(self.left(atoms), self.right(atoms))
        edge = triangle.matrix(self.edge(self.norm_pair(pairs))) * used[:, :, None, None]
        channels = edge.permute(0, 3, 1, 2)  # (batch, pair / 2, i, k)
        triangles = triangle.pairs((channels @ channels.transpose(-1, -2)).permute(0, 2, 3, 1)) / size
        pairs = pairs + outer + self.triangle_out(triangles)
        return atoms, pairs + self.pair_update(pairs)


class DistanceNet(nn.Module):
    """Distogram of a cell content, with or without its structure type and an approximate cell.

    The names of parameters and buffers are keys of the weights file. Output: log-probabilities of the bins
    for the pairs i < j row by row, shape (batch, pairs, bins).
    """

    features: Tensor
    centres: Tensor

    def __init__(self, config: DistanceNetConfig, templates: TypeTemplates | None = None) -> None:
        super().__init__()
        self.config = config
        self.templates = templates or TypeTemplates.empty()
        width, pair = config.width, config.pair_width
        table = np.nan_to_num(element_features())
        self.register_buffer("features", torch.as_tensor(table, dtype=torch.float32), persistent=False)
        self.register_buffer("centres", torch.as_tensor(BIN_CENTRES, dtype=torch.float32), persistent=False)
        self.element = nn.Embedding(104, width)
        self.property = nn.Linear(table.shape[1], width)
        self.place = nn.Embedding(config.max_atoms, width)  # index among the atoms of the same element
        self.place_from_end = nn.Embedding(config.max_atoms, width)
        self.count = nn.Embedding(config.max_atoms + 1, width)
        self.size = nn.Embedding(config.max_atoms + 1, width)
        self.letter = nn.Embedding(28, width)
        self.multiplicity = nn.Embedding(config.max_atoms + 1, width)
        self.group = nn.Embedding(231, width)
        # Sites are identified by space group and letter.
        self.group_letter = nn.Embedding(231 * 28, 24)
        self.read_site = nn.Linear(24, width)
        self.functional = nn.Embedding(len(FUNCTIONALS), width)
        self.shape = nn.Linear(6, width)
        for embedding in (self.letter, self.multiplicity, self.group, self.group_letter, self.functional):
            nn.init.normal_(embedding.weight, std=0.1)
        self.dropout = nn.Dropout(config.dropout)
        self.pair_left = nn.Linear(width, pair)
        self.pair_right = nn.Linear(width, pair)
        self.same_element = nn.Embedding(2, pair)
        self.same_site = nn.Embedding(2, pair)
        self.reader = TemplateReader(width, config.template_width)
        self.read_template = nn.Linear(config.template_width, pair)
        self.blocks = nn.ModuleList(
            PairBlock(width, pair, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.norm_out = nn.LayerNorm(pair)
        edges = torch.as_tensor(BIN_EDGES, dtype=torch.float32)
        self.head = PeakHead(pair, config.template_width, edges)

    def forward(self, tokens: AtomTokens, templates: TemplateBatch) -> Tensor:
        """Log-probabilities of the bins, shape (batch, pairs, bins)."""
        templates = templates.without_padding()  # most types have one cluster
        numbers = tokens.numbers
        used = numbers > 0
        same = (numbers[:, :, None] == numbers[:, None, :]) & used[:, :, None] & used[:, None, :]
        place = same.tril(-1).sum(-1)
        count = same.sum(-1)
        site = tokens.space_groups[:, None] * 28 + tokens.letters
        whole = (
            self.size(used.sum(1))
            + self.group(tokens.space_groups)
            + self.functional(tokens.functionals)
            + self.shape(tokens.shapes)
        )
        weights, from_templates, read, distances = self.reader(
            templates, self.features[numbers], tokens.shapes
        )
        atoms = (
            self.element(numbers)
            + self.property(self.features[numbers])
            + self.place(place)
            + self.place_from_end((count - 1 - place).clamp(min=0))
            + self.count(count)
            + self.letter(tokens.letters)
            + self.multiplicity(tokens.multiplicities)
            + self.read_site(self.group_letter(site))
            + from_templates
            + whole[:, None]
        )
        atoms = self.dropout(atoms)
        same_site = (
            same & (tokens.letters[:, :, None] == tokens.letters[:, None, :]) & (tokens.letters > 0)[:, None]
        )
        triangle = Triangle(numbers.shape[1])
        hint = self.read_template((read * weights[:, None, :, None]).sum(2))  # (batch, pairs i < j, pair)
        pairs = (
            triangle.products(self.pair_left(atoms), self.pair_right(atoms))
            + self.same_element(triangle.pairs(same).long())
            + self.same_site(triangle.pairs(same_site).long())
        ).index_add(1, triangle.off_diagonal, hint)
        for block in self.blocks:
            atoms, pairs = block(atoms, pairs, used, triangle)
        chosen = self.norm_out(2 * pairs.index_select(1, triangle.off_diagonal))
        spreads = templates.spreads * (tokens.shapes[:, 0] / 3).exp()[:, None, None]
        log_probabilities: Tensor = self.head(chosen, read, distances, weights, spreads)
        return log_probabilities

    def expected_distances(self, log_probabilities: Tensor) -> Tensor:
        """Mean distance of each pair in Å, shape (batch, pairs)."""
        return log_probabilities.exp() @ self.centres


def full_matrices(pairs: Tensor, size: int) -> Tensor:
    """Symmetric matrices of the pairs i < j, (batch, pairs, ...) -> (batch, size, size, ...)."""
    rows, columns = torch.triu_indices(size, size, 1)
    full = pairs.new_zeros(len(pairs), size, size, *pairs.shape[2:])
    full[:, rows, columns] = pairs
    full[:, columns, rows] = pairs
    return full

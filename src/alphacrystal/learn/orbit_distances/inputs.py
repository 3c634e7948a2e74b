"""Inputs of the orbit distance network: orbits, their symmetry-distinct pairs, and templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import OrbitPairs
from alphacrystal.learn.distances.templates import FEATURES, TemplateBatch
from alphacrystal.typing import FloatArray, IntArray

EXACT_COUNT = 50.0  # formulas that the template of a type without free coordinates counts for
# Neighbouring cells, one of each two opposite ones: of two opposite images the nearer one is on the side of
# the difference.
HALF_IMAGES = np.array(
    [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1) if (i, j, k) > (0, 0, 0)]
)


@dataclass(frozen=True, slots=True, eq=False)
class PositionTemplate:
    """Coordinates of a similar crystal.

    Attributes:
        positions: Fractional coordinates in the primitive cell, atoms in the order of ``atom_sites``, shape
            (atoms, 3).
        count: Formulas that the template is a mean of.
        features: Mean properties of the elements on each orbit, shape (orbits, FEATURES).
        shape: Lattice targets (``lattice_targets``), shape (6,).
    """

    positions: FloatArray
    count: float
    features: FloatArray
    shape: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class OrbitSample:
    """One cell with its structure type, approximate shape and templates.

    Attributes:
        space_group: International number.
        numbers: Atomic number of each orbit, shape (orbits,).
        letters: Wyckoff letter index + 1 of each orbit, shape (orbits,).
        free: Free coordinates of each orbit, shape (orbits,).
        pairs: Symmetry-distinct pairs.
        functional: Index into FUNCTIONALS.
        shape: Lattice targets of the cell, shape (6,).
        lattice: Reduced primitive rows in Å, shape (3, 3).
        change: Integer matrix with ``reduced = change @ primitive``, shape (3, 3).
        templates: Similar crystals. A type without free coordinates has one, its only possible coordinates.
    """

    space_group: int
    numbers: IntArray
    letters: IntArray
    free: IntArray
    pairs: OrbitPairs
    functional: int
    shape: FloatArray
    lattice: FloatArray
    change: FloatArray
    templates: Sequence[PositionTemplate]


@dataclass(frozen=True, slots=True, eq=False)
class OrbitTokens:
    """Samples with equal numbers of orbits; pairs are padded.

    Attributes:
        numbers, letters, sizes, free: Of the orbits, see ``OrbitSample``; ``sizes`` counts the atoms, shape
            (batch, orbits).
        space_groups, functionals: Shape (batch,).
        shapes: Lattice targets, shape (batch, 6).
        blocks: Pair of orbits of each atom pair, shape (batch, pairs).
        ranks, lengths: Number of the pair in its block, and pairs in the block, shape (batch, pairs).
        weights: Share of the atom pairs of the cell that each pair represents, 0 for padding, shape
            (batch, pairs).
    """

    numbers: Tensor
    letters: Tensor
    sizes: Tensor
    free: Tensor
    space_groups: Tensor
    functionals: Tensor
    shapes: Tensor
    blocks: Tensor
    ranks: Tensor
    lengths: Tensor
    weights: Tensor


def collate(samples: Sequence[OrbitSample]) -> tuple[OrbitTokens, TemplateBatch]:
    """Tokens and templates of samples with equal numbers of orbits."""
    batch, orbits = len(samples), len(samples[0].numbers)
    longest = max(1, *[len(sample.pairs) for sample in samples])
    blocks, ranks = (np.zeros((batch, longest), dtype=np.int64) for _ in range(2))
    lengths = np.ones((batch, longest), dtype=np.int64)
    weights = np.zeros((batch, longest), dtype=np.float32)
    count = max(1, *[len(sample.templates) for sample in samples])
    differences = np.zeros((batch, longest, count, 3), dtype=np.float32)
    counts = np.zeros((batch, count), dtype=np.float32)
    shapes = np.zeros((batch, count, 6), dtype=np.float32)
    features = np.zeros((batch, orbits, count, FEATURES), dtype=np.float32)
    for row, sample in enumerate(samples):
        pairs = sample.pairs
        used = slice(len(pairs))
        blocks[row, used], ranks[row, used], lengths[row, used] = pairs.blocks, pairs.ranks, pairs.lengths
        weights[row, used] = pairs.multiplicities / max(pairs.multiplicities.sum(), 1)
        inverse = np.linalg.inv(sample.change)
        for slot, template in enumerate(sample.templates):
            positions = template.positions @ inverse
            differences[row, used, slot] = positions[pairs.firsts] - positions[pairs.seconds]
            counts[row, slot] = template.count
            shapes[row, slot] = template.shape
            features[row, :, slot] = template.features
    tokens = OrbitTokens(
        numbers=torch.as_tensor(np.stack([sample.numbers for sample in samples])),
        letters=torch.as_tensor(np.stack([sample.letters for sample in samples])),
        sizes=torch.as_tensor(np.stack([sample.pairs.sizes for sample in samples])),
        free=torch.as_tensor(np.stack([sample.free for sample in samples])),
        space_groups=torch.tensor([sample.space_group for sample in samples]),
        functionals=torch.tensor([sample.functional for sample in samples]),
        shapes=torch.as_tensor(np.stack([sample.shape for sample in samples]), dtype=torch.float32),
        blocks=torch.as_tensor(blocks),
        ranks=torch.as_tensor(ranks),
        lengths=torch.as_tensor(lengths),
        weights=torch.as_tensor(weights),
    )
    lattices = torch.as_tensor(np.stack([sample.lattice for sample in samples]), dtype=torch.float32)
    distances = nearest_images(torch.as_tensor(differences), lattices @ lattices.transpose(1, 2))
    means = sorted_in_blocks(distances, tokens) / (tokens.shapes[:, 0] / 3).exp()[:, None, None]
    return tokens, TemplateBatch(
        counts=torch.as_tensor(counts),
        means=means,
        spreads=torch.zeros_like(means),
        features=torch.as_tensor(features),
        shapes=torch.as_tensor(shapes),
    )


def nearest_images(differences: Tensor, metric: Tensor) -> Tensor:
    """Minimum-image distances in Å.

    Args:
        differences: Fractional differences in a reduced basis, shape (batch, pairs, templates, 3).
        metric: Of the reduced cell in Å², shape (batch, 3, 3).
    """
    wrapped = (differences - differences.round()).flatten(1, 2)
    mapped = wrapped @ metric
    images = torch.as_tensor(HALF_IMAGES, dtype=torch.float32)
    offsets = torch.einsum("ia,bac,ic->bi", images, metric, images)[:, None]
    gain = (offsets - 2 * (mapped @ images.T).abs()).amin(-1)
    squares = (mapped * wrapped).sum(-1) + gain.clamp(max=0)
    return squares.clamp(min=1e-6).sqrt().view(differences.shape[:-1])


def sorted_in_blocks(distances: Tensor, tokens: OrbitTokens) -> Tensor:
    """Distances sorted within each block, shape (batch, pairs, ...); padding stays at the end."""
    blocks = torch.where(tokens.weights > 0, tokens.blocks, tokens.blocks.max() + 1)
    keys = blocks.double() * 1e4
    keys = keys.view(*keys.shape, *[1] * (distances.ndim - 2)) + distances
    return distances.gather(1, keys.argsort(1))

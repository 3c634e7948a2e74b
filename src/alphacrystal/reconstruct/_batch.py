"""Crystal encodings with equal numbers of atoms, padded into one batch of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import MAX_COSINE, MIN_SQUARED_VOLUME, CrystalEncoding
from alphacrystal.reconstruct._periodic import useful_images
from alphacrystal.typing import FloatArray

PROBED_CELLS = 3  # random cells within the spread of each predicted cell


@dataclass(frozen=True, slots=True, eq=False)
class EncodingBatch:
    """Encodings of equal size as tensors; ``individual`` means (hypothesis, member of its population).

    A parameter vector holds the free coordinates (in cell units), padded, then the 6 lattice deviations in
    units of their spread.

    Attributes:
        linear: shape (hypotheses, atoms * 3, free).
        constant: shape (hypotheses, 1, atoms * 3).
        basis: Conventional to reduced primitive rows, shape (hypotheses, 3, 3).
        shape, shape_scale: Cell shape and spread, shape (hypotheses, 6).
        active: False for padding and fixed lattice entries, shape (hypotheses, free + 6).
        images: Neighbouring cells that can contain the nearest image, one of each two opposite cells, shape
            (images, 3).
        free: Coordinates after padding.
    """

    linear: Tensor
    constant: Tensor
    basis: Tensor
    shape: Tensor
    shape_scale: Tensor
    active: Tensor
    images: Tensor
    free: int

    @classmethod
    def of(cls, encodings: Sequence[CrystalEncoding]) -> EncodingBatch:
        """Pad encodings (all with the same number of atoms) to the largest number of free coordinates."""
        atoms = len(encodings[0].numbers)
        free = max(encoding.free for encoding in encodings)
        linear = np.zeros((len(encodings), atoms * 3, free))
        active = np.zeros((len(encodings), free + 6), dtype=bool)
        for row, encoding in enumerate(encodings):
            linear[row, :, : encoding.free] = encoding.linear.reshape(atoms * 3, encoding.free)
            active[row, : encoding.free] = True
            active[row, free:] = encoding.shape_scale > 0

        def stack(name: str) -> Tensor:
            return torch.as_tensor(np.stack([getattr(e, name) for e in encodings]), dtype=torch.float32)

        return cls(
            linear=torch.as_tensor(linear, dtype=torch.float32),
            constant=stack("constant").reshape(len(encodings), 1, atoms * 3),
            basis=stack("basis"),
            shape=stack("shape"),
            shape_scale=stack("shape_scale"),
            active=torch.as_tensor(active),
            images=torch.as_tensor(_useful_images(encodings), dtype=torch.float32),
            free=free,
        )

    def select(self, rows: Tensor) -> EncodingBatch:
        """The hypotheses in these rows."""
        return EncodingBatch(
            self.linear[rows],
            self.constant[rows],
            self.basis[rows],
            self.shape[rows],
            self.shape_scale[rows],
            self.active[rows],
            self.images,
            self.free,
        )

    def lattices(self, parameters: Tensor) -> Tensor:
        """Reduced primitive rows in Å, (hypotheses, members, free + 6) -> (hypotheses, members, 3, 3)."""
        shape = self.shape[:, None] + self.shape_scale[:, None] * parameters[..., self.free :]
        return self.basis[:, None] @ _cells(shape)

    def squared_distances(self, parameters: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Squared minimum-image distances in Å² of the atom pairs (rows, columns).

        Shape (hypotheses, members, pairs). The cells are reduced at their predicted shape, so the 27
        neighbouring images hold the nearest one for any cell within the spread.
        """
        members = parameters.shape[1]
        flat = parameters[..., : self.free] @ self.linear.transpose(1, 2) + self.constant
        positions = flat.view(len(self.shape), members, -1, 3)
        difference = positions[:, :, rows] - positions[:, :, columns]
        difference = difference - difference.round()  # (hypotheses, members, pairs, 3)
        lattices = self.lattices(parameters)
        metric = lattices @ lattices.transpose(-1, -2)
        mapped = difference @ metric
        squares = (mapped * difference).sum(-1)
        # Of two opposite images, the one on the side of the difference is nearer.
        images = self.images
        if not len(images):
            return squares.clamp(min=1e-6)
        offsets = torch.einsum("ia,hmab,ib->hmi", images, metric, images)[:, :, None]
        gain = (offsets - 2 * (mapped @ images.T).abs()).amin(-1)
        return (squares + gain.clamp(max=0)).clamp(min=1e-6)


def _useful_images(encodings: Sequence[CrystalEncoding]) -> FloatArray:
    """Neighbouring cells that contain a nearest image in some cell within the predicted spread."""
    deviations = np.random.default_rng(0).uniform(-2.5, 2.5, (PROBED_CELLS + 1, 6))
    deviations[0] = 0
    cells = [e.lattice(deviations if e.shape_scale.any() else deviations[:1]) for e in encodings]
    images = useful_images(np.concatenate(cells))
    return images[len(images) // 2 + 1 :]  # opposite images are in mirrored order


def _cells(shape: Tensor) -> Tensor:
    """Conventional rows in Å from cell shapes (..., 6); the torch twin of ``crystal.shape_to_cell``."""
    cosines = shape[..., 3:].clamp(-MAX_COSINE, MAX_COSINE)
    cos_alpha, cos_beta, cos_gamma = cosines.unbind(-1)
    square = 1 - cosines.square().sum(-1) + 2 * cosines.prod(-1)
    root = square.clamp(min=MIN_SQUARED_VOLUME).sqrt()
    a = ((shape[..., 0] - root.log() - shape[..., 1] - shape[..., 2]) / 3).exp()
    b, c = a * shape[..., 1].exp(), a * shape[..., 2].exp()
    sin_gamma = (1 - cos_gamma.square()).sqrt()
    y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    zero = torch.zeros_like(a)
    rows = [
        torch.stack([a, zero, zero], -1),
        torch.stack([b * cos_gamma, b * sin_gamma, zero], -1),
        torch.stack([c * cos_beta, c * y, c * root / sin_gamma], -1),
    ]
    return torch.stack(rows, -2)

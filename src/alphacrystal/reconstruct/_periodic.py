"""Nearest periodic images in one reduced cell, batched, with their vectors for gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.crystal import NEIGHBOUR_IMAGES
from alphacrystal.typing import FloatArray

PROBES_PER_FACE = 60


@dataclass(frozen=True, slots=True, eq=False)
class Periodic:
    """A reduced cell and the neighbouring cells that can contain a nearest image.

    Attributes:
        metric: Lattice rows times their transpose in Å², shape (3, 3).
        images: Lattice translations including zero, shape (images, 3).
    """

    metric: FloatArray
    images: FloatArray

    @classmethod
    def of(cls, lattice: FloatArray, around: FloatArray | None = None) -> Periodic:
        """For a reduced lattice; ``around``: further lattices (n, 3, 3) that the images must cover."""
        cells = lattice[None] if around is None else np.concatenate([lattice[None], around])
        return cls(lattice @ lattice.T, useful_images(cells))

    def nearest(self, difference: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Nearest images of fractional differences: vectors (..., 3) and lengths in Å (...)."""
        vector = difference - np.rint(difference)
        mapped = vector @ self.metric
        square = np.einsum("...a,...a->...", mapped, vector)
        if len(self.images) > 1:
            offsets = np.einsum("ia,ab,ib->i", self.images, self.metric, self.images)
            shifted = 2 * mapped @ self.images.T + offsets
            best = shifted.argmin(-1)
            square = square + np.take_along_axis(shifted, best[..., None], -1)[..., 0]
            vector = vector + self.images[best]
        return vector, np.sqrt(np.maximum(square, 1e-12))

    def lengths(self, difference: FloatArray) -> FloatArray:
        """Lengths in Å of the nearest images, without vectors."""
        vector = difference - np.rint(difference)
        mapped = vector @ self.metric
        square = np.einsum("...a,...a->...", mapped, vector)
        smallest: FloatArray = square
        for image in self.images:
            if image.any():
                offset = image @ self.metric @ image
                smallest = np.minimum(smallest, square + (2 * (mapped @ image) + offset))
        return np.sqrt(np.maximum(smallest, 1e-12))


def surface_probes() -> FloatArray:
    """Differences on the faces and edges of the cube [-1/2, 1/2]³ of wrapped differences, shape (probes, 3).

    The differences with another nearest image form convex regions around lattice points outside the cube.
    Every such region inside the cube also meets its surface, so the surface alone is probed.
    """
    inside = np.random.default_rng(0).random((PROBES_PER_FACE, 3)) - 0.5
    surface = []
    for axis in range(3):
        face = inside.copy()
        face[:, axis] = 0.5
        surface.append(face)
        for side in (-0.5, 0.5):
            edge = face.copy()
            edge[:, axis - 1] = side
            surface.append(edge)
    return np.concatenate(surface)


def useful_images(lattices: FloatArray) -> FloatArray:
    """The neighbouring cells, of 27, that contain a nearest image in some of the lattices (n, 3, 3).

    Most lattices need few images (an orthogonal one only zero), and images dominate the time of a search.
    """
    probes = surface_probes()
    useful = np.all(NEIGHBOUR_IMAGES == 0, axis=1)
    for lattice in lattices:
        mapped = NEIGHBOUR_IMAGES @ lattice @ lattice.T  # (27, 3)
        squares = np.sum(mapped * NEIGHBOUR_IMAGES, axis=1)
        nearest = np.unique(
            np.argmin(2 * probes @ mapped.T + squares, axis=1)
        )  # squared length minus that of image zero
        # Other images can only tie with image zero.
        wins = squares < (1 - 1e-9) * np.abs(mapped).sum(1)
        useful[nearest[wins[nearest]]] = True
    return np.asarray(NEIGHBOUR_IMAGES[useful | useful[::-1]])  # for opposite differences

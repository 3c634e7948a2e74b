"""Nearest periodic images in one reduced cell, batched, with the vectors that gradients need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.crystal import NEIGHBOUR_IMAGES
from alphacrystal.typing import FloatArray

PROBES_PER_FACE = 60


@dataclass(frozen=True, slots=True, eq=False)
class Periodic:
    """A reduced cell and the neighbouring cells that can hold a nearest image.

    Attributes:
        metric: Lattice rows times their transpose in Å², shape (3, 3).
        images: Lattice translations, the home cell among them, shape (images, 3).
    """

    metric: FloatArray
    images: FloatArray

    @classmethod
    def of(cls, lattice: FloatArray, around: FloatArray | None = None) -> Periodic:
        """For a reduced lattice; ``around``: more lattices (n, 3, 3) the images must be good for."""
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
        """Lengths in Å of the nearest images only; cheaper."""
        vector = difference - np.rint(difference)
        mapped = vector @ self.metric
        square = np.einsum("...a,...a->...", mapped, vector)
        least: FloatArray = square
        for image in self.images:
            if image.any():
                offset = image @ self.metric @ image
                least = np.minimum(least, square + (2 * (mapped @ image) + offset))
        return np.sqrt(np.maximum(least, 1e-12))


def surface_probes() -> FloatArray:
    """Differences on the faces and edges of the cube [-1/2, 1/2]³ of wrapped differences, shape (probes, 3).

    The differences that have another image nearest form a convex region around a lattice point outside the
    cube, so every such region that reaches into the cube meets its surface: nothing need be looked at inside.
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
    """Those of the 27 neighbouring cells that are ever nearest in some of the lattices (n, 3, 3).

    Most cells need few (an orthogonal one only the home cell); they are most of the time of a search.
    """
    probes = surface_probes()
    useful = np.all(NEIGHBOUR_IMAGES == 0, axis=1)
    for lattice in lattices:
        mapped = NEIGHBOUR_IMAGES @ lattice @ lattice.T  # (27, 3)
        own = np.sum(mapped * NEIGHBOUR_IMAGES, axis=1)
        nearest = np.unique(np.argmin(2 * probes @ mapped.T + own, axis=1))  # square less that of home
        # An image that is nowhere in the cube nearer than home can win a tie only.
        wins = own < (1 - 1e-9) * np.abs(mapped).sum(1)
        useful[nearest[wins[nearest]]] = True
    return np.asarray(NEIGHBOUR_IMAGES[useful | useful[::-1]])  # opposite images serve opposite differences

"""The invariant forms: distances of the best superposition instead of the cells as they are described."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.evaluation._cell_distances import AtomicCell, changed_bonds, distance_map_overlap
from alphacrystal.evaluation._metrics import NotComparableError, NotComputedError
from alphacrystal.evaluation._superposition import Superposition, best_superpositions
from alphacrystal.typing import FloatArray

_SYMPREC = 0.01  # Å


def superposed_values(target: AtomicCell, predicted: AtomicCell) -> dict[str, Callable[[], float]]:
    """Functions of the invariant metrics by name; the superposition is searched once.

    Where several superpositions are equally good, each value is the least (overlaps: the largest) over them.
    """

    @cache
    def outcome() -> list[Superposition] | AlphaCrystalError:
        # An error is an outcome, too: the search is not repeated for each metric.
        try:
            return best_superpositions(target, predicted)
        except (NotComparableError, NotComputedError) as error:
            return error

    def best() -> list[Superposition]:
        result = outcome()
        if isinstance(result, AlphaCrystalError):
            raise result
        return result

    def least(value: Callable[[Superposition], float]) -> Callable[[], float]:
        return lambda: min(value(item) for item in best())

    @cache
    def axes() -> FloatArray:
        return np.asarray(np.linalg.inv(conventional_basis(best()[0].target)))

    def fractional(item: Superposition) -> FloatArray:
        return np.asarray(item.shifts @ axes())

    def sinkhorn(item: Superposition) -> float:
        return float(item.distances.mean()) * item.primitive_atoms

    def largest(item: Superposition) -> float:
        return float(max(item.pairwise.min(0).max(), item.pairwise.min(1).max()))

    return {
        "superpose_invariant": least(lambda item: item.rms),
        "sinkhorn_invariant": least(sinkhorn),
        "chamfer_invariant": least(
            lambda item: float(item.pairwise.min(0).mean() + item.pairwise.min(1).mean())
        ),
        "hausdorff_invariant": least(largest),
        "wyckoff_mse_invariant": least(lambda item: float((fractional(item) ** 2).mean())),
        "wyckoff_rmse_invariant": least(lambda item: float(np.sqrt((fractional(item) ** 2).mean()))),
        "wyckoff_mae_invariant": least(lambda item: float(np.abs(fractional(item)).mean())),
        "edit_graph_invariant": least(lambda item: changed_bonds(item.target, item.predicted)),
        "distance_map_overlap_invariant": lambda: max(
            distance_map_overlap(item.target, item.predicted)[0] for item in best()
        ),
    }


def conventional_basis(cell: AtomicCell) -> FloatArray:
    """Basis of the standard conventional cell in the orientation of ``cell``, rows in Å, shape (3, 3)."""
    import moyopy

    given = moyopy.Cell(cell.lattice.tolist(), cell.positions.tolist(), cell.numbers.tolist())
    try:
        dataset = moyopy.MoyoDataset(given, symprec=_SYMPREC)
    except ValueError:
        return cell.lattice
    # moyo turns the crystal: std = lattice turned by std_rotation_matrix (acting on columns)
    return np.asarray(np.array(dataset.std_cell.basis) @ np.array(dataset.std_rotation_matrix))

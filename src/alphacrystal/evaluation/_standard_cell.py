"""The conventional cell in which fractional displacements are given."""

from __future__ import annotations

import numpy as np

from alphacrystal.evaluation._atoms import AtomicCell
from alphacrystal.typing import FloatArray

_SYMPREC = 0.01  # Å


def conventional_basis(cell: AtomicCell) -> FloatArray:
    """Basis of the standard conventional cell in the orientation of ``cell``, rows in Å, shape (3, 3)."""
    import moyopy

    given = moyopy.Cell(cell.lattice.tolist(), cell.positions.tolist(), cell.numbers.tolist())
    try:
        found = moyopy.MoyoDataset(given, symprec=_SYMPREC)
    except ValueError:
        return cell.lattice
    # moyo turns the crystal: std = lattice turned by std_rotation_matrix (acting on columns)
    return np.asarray(np.array(found.std_cell.basis) @ np.array(found.std_rotation_matrix))

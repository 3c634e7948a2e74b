"""Cells of many hypotheses at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alphacrystal.crystal import constrained_shape, crystal_system
from alphacrystal.learn.lattice.network import LatticeNet, LatticeQuery, free_targets
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.network import TypeTable
from alphacrystal.learn.symmetry.training import composition_arrays
from alphacrystal.typing import FloatArray, IntArray

ROWS_AT_ONCE = 4096


def predicted_shapes(
    net: LatticeNet,
    kinds: Sequence[StructureType],
    elements: Sequence[Sequence[str]],
    functionals: Sequence[int] | IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Shapes of conventional cells with the log volume per atom in Å³ for that of the cell.

    Args:
        net: The lattice model.
        kinds: Structure type of each hypothesis.
        elements: Its elements in electronegativity order, at most MAX_ELEMENTS.
        functionals: Index into FUNCTIONALS.

    Returns:
        Centre and scale of Laplace distributions, shape (n, 6) each; what the crystal system fixes stands at
        its value with scale 0.
    """
    centres, scales = np.zeros((len(kinds), 6)), np.zeros((len(kinds), 6))
    for start in range(0, len(kinds), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        own = list(kinds[part])
        numbers, counts = composition_arrays(list(elements[part]), [kind.counts() for kind in own])
        slots = int((numbers > 0).sum(1).max())
        query = LatticeQuery(
            torch.as_tensor(numbers[:, :slots]),
            torch.as_tensor(counts[:, :slots]),
            TypeTable.of(own),
            torch.as_tensor(np.asarray(functionals[part], dtype=np.int64)),
            net.related(own),
            free_targets(own),
        )
        with torch.no_grad():
            centre, log_scale = net(query, torch.tensor([net.rows.get(kind, len(net.types)) for kind in own]))
        centres[part], scales[part] = held_shapes(own, centre.double().numpy(), log_scale.double().numpy())
    return centres, scales


def held_shapes(
    kinds: Sequence[StructureType], centre: FloatArray, log_scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Centre and scale with everything the crystal systems fix put in place, shape (n, 6) each."""
    return constrained_shapes(kinds, centre), np.exp(log_scale) * free_targets(kinds).numpy()


def constrained_shapes(kinds: Sequence[StructureType], shapes: FloatArray) -> FloatArray:
    """Shapes with everything the crystal systems of the types fix put in place, shape (n, 6)."""
    systems = np.array([crystal_system(kind.space_group) for kind in kinds])
    held = shapes.copy()
    for system in set(systems.tolist()):
        held[systems == system] = constrained_shape(system, shapes[systems == system])
    return held

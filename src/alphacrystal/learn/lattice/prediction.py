"""Predict the conventional cells of many hypotheses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alphacrystal.crystal import constrained_shape, crystal_system
from alphacrystal.learn.lattice.network import LatticeNet, LatticeQuery, free_targets
from alphacrystal.learn.model_inputs import TypeTable, composition_arrays
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.typing import FloatArray, IntArray

BATCH = 4096


def predicted_shapes(
    net: LatticeNet,
    structure_types: Sequence[StructureType],
    elements: Sequence[Sequence[str]],
    functionals: Sequence[int] | IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Predicted shapes of conventional cells; the first entry is the log volume per atom (Å³).

    Args:
        net: The lattice model.
        structure_types: Structure type of each hypothesis.
        elements: Elements of each hypothesis in electronegativity order, at most MAX_ELEMENTS.
        functionals: Index into FUNCTIONALS.

    Returns:
        Centre and scale of Laplace distributions, shape (n, 6) each. Entries that the crystal system fixes
        have scale 0.
    """
    centres, scales = np.zeros((len(structure_types), 6)), np.zeros((len(structure_types), 6))
    for start in range(0, len(structure_types), BATCH):
        part = slice(start, start + BATCH)
        batch = list(structure_types[part])
        numbers, counts = composition_arrays(
            list(elements[part]), [structure_type.counts() for structure_type in batch]
        )
        slots = int((numbers > 0).sum(1).max())
        query = LatticeQuery(
            torch.as_tensor(numbers[:, :slots]),
            torch.as_tensor(counts[:, :slots]),
            TypeTable.of(batch),
            torch.as_tensor(np.asarray(functionals[part], dtype=np.int64)),
            net.related(batch),
            free_targets(batch),
        )
        with torch.no_grad():
            centre, log_scale = net(
                query,
                torch.tensor([net.rows.get(structure_type, len(net.types)) for structure_type in batch]),
            )
        centres[part], scales[part] = symmetric_shapes(
            batch, centre.double().numpy(), log_scale.double().numpy()
        )
    return centres, scales


def symmetric_shapes(
    structure_types: Sequence[StructureType], centre: FloatArray, log_scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Centres and scales with the constraints of the crystal systems, shape (n, 6) each."""
    return constrained_shapes(structure_types, centre), np.exp(log_scale) * free_targets(
        structure_types
    ).numpy()


def constrained_shapes(structure_types: Sequence[StructureType], shapes: FloatArray) -> FloatArray:
    """Shapes with the entries that the crystal systems of the types fix set, shape (n, 6)."""
    systems = np.array([crystal_system(structure_type.space_group) for structure_type in structure_types])
    constrained = shapes.copy()
    for system in set(systems.tolist()):
        constrained[systems == system] = constrained_shape(system, shapes[systems == system])
    return constrained

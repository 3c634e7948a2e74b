"""Where the atoms of the structure type of a hypothesis were seen to sit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alphacrystal.crystal import SymmetryHypothesis
from alphacrystal.learn.coordinates.derivative_prototypes import related_positions
from alphacrystal.learn.coordinates.prototypes import TypeCoordinates
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.weight_files import load_model, models_folder
from alphacrystal.typing import FloatArray


def prototype_coordinates(
    hypotheses: Sequence[SymmetryHypothesis], models: Path | None = None
) -> list[FloatArray]:
    """The ways in which training saw the atoms of each hypothesis sit.

    Args:
        hypotheses: Elements in electronegativity order, as ``predict_hypotheses`` gives them.
        models: Folder of weights; the shipped ones by default.

    Returns:
        For each hypothesis fractional coordinates in the conventional cell of one primitive cell of atoms,
        atoms as in ``atom_sites``, shape (ways, atoms, 3), the commonest way first. Where the type is new
        they are those of types with the same positions under other elements, if there are any.
    """
    net = load_model("coordinates", models_folder(models))
    assert isinstance(net, TypeCoordinates)
    kinds = [StructureType(own.space_group, tuple(own.occupation.values())) for own in hypotheses]
    return [net.positions(kind) if kind in net.rows else related_positions(net, kind) for kind in kinds]

"""Structures of heavier homologues, which a compound takes under pressure.

Under pressure, a structure type often has other coordinates than in ambient compounds. The high-pressure
phase baddeleyite of TiO2 has the type of monoclinic VO2, which is distorted rutile. The coordinates and the
cell of the heavier homologue, here ZrO2, have the higher coordination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphacrystal.composition import Formula
from alphacrystal.crystal import SpaceGroupChoice, SymmetryHypothesis
from alphacrystal.learn.hypotheses import predict_hypotheses
from alphacrystal.learn.pressure_types import homologues, replaced_elements
from alphacrystal.learn.structure_types import StructureType, free_coordinate_count

HYPOTHESES = 8  # the most probable ones of each homologue


@dataclass(frozen=True, slots=True, eq=False)
class HomologueHypothesis:
    """A structure type of a compound with the structure of a heavier homologue.

    Attributes:
        hypothesis: Of the compound.
        homologue: Of the homologue, with its cell.
        replaced: Element of the compound that the homologue does not have.
        heavier: Element in its place.
    """

    hypothesis: SymmetryHypothesis
    homologue: SymmetryHypothesis
    replaced: str
    heavier: str


def homologue_hypotheses(
    formula: Formula,
    units: Sequence[int],
    hypotheses: Sequence[SymmetryHypothesis],
    *,
    group: SpaceGroupChoice | None = None,
    models: Path | None = None,
) -> list[HomologueHypothesis]:
    """The hypotheses of a compound that are among the most probable ones of its heavier homologues.

    Types without free coordinates are left out: the structure of the homologue is that of the compound. Each
    type is that of the lightest homologue that has it.

    Args:
        formula: Reduced formula.
        units: Formula units Z of the primitive cell to consider.
        hypotheses: Of the compound under pressure, see ``predict_hypotheses``.
        group: Only this space group, or those of this crystal system.
        models: Folder of weights; the shipped ones by default.
    """
    by_type = {_type_of(hypothesis, formula.elements): hypothesis for hypothesis in hypotheses}
    found: dict[StructureType, HomologueHypothesis] = {}
    for homologue in homologues(formula):
        replaced, heavier = replaced_elements(formula, homologue)
        names = [heavier if symbol == replaced else symbol for symbol in formula.elements]
        for candidate in predict_hypotheses(homologue, units, HYPOTHESES, group=group, models=models):
            structure_type = _type_of(candidate, names)
            mine = by_type.get(structure_type)
            if mine is None or not free_coordinate_count(structure_type):
                continue
            found.setdefault(structure_type, HomologueHypothesis(mine, candidate, replaced, heavier))
    return list(found.values())


def _type_of(hypothesis: SymmetryHypothesis, elements: Sequence[str]) -> StructureType:
    return StructureType(hypothesis.space_group, tuple(hypothesis.occupation[symbol] for symbol in elements))

"""Structure types under pressure: those of heavier homologues, and hydrogen cages.

The networks describe compounds at ambient pressure. A compound under pressure often takes the structure that
its heavier homologues have at ambient pressure: pressure shrinks anions more than cations, as a larger cation
does (Neuhaus, Chimia 18, 93, 1964; Prewitt and Downs, Reviews in Mineralogy 37, 283, 1998).
Hydrides with hydrogen cages have no ambient relatives at all, so their types are listed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from alphacrystal.composition import Formula, element_order
from alphacrystal.crystal import SpaceGroupChoice, allowed_groups, canonical_letters
from alphacrystal.learn.proposed_types import type_probabilities
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.typing import FloatArray

#: Pressure in GPa at which the further types have half of their largest weight, a usual bulk modulus of
#: solids: there, compression changes distances as much as the step to a heavier homologue does. Not fitted.
HALF_WEIGHT_GPA = 50.0
HOMOLOGUES = 2  # heavier elements of the same group that replace an element
TYPES_OF_HOMOLOGUE = 100  # the most probable ones

#: Hydrides under pressure: hydrogen atoms per metal atom, space group, letters of metal and hydrogen.
HYDROGEN_CAGES = (
    (4, 139, "a", "de"),  # CaH4: doi:10.1073/pnas.1118168109
    (6, 229, "a", "d"),  # CaH6: doi:10.1073/pnas.1118168109
    (8, 225, "a", "f"),  # UH8: doi:10.1126/sciadv.aat9776
    (9, 194, "d", "bfk"),  # YH9, CeH9: doi:10.1103/PhysRevLett.119.107001
    (10, 225, "b", "cf"),  # LaH10: doi:10.1073/pnas.1704505114
)


def types_under_pressure(
    formula: Formula,
    units: Sequence[int],
    pressure_gpa: float,
    *,
    group: SpaceGroupChoice | None = None,
    models: Path | None = None,
) -> tuple[list[StructureType], FloatArray]:
    """As ``type_probabilities``, at a pressure.

    Homologues and hydrogen cages share the weight pressure / (pressure + HALF_WEIGHT_GPA), relative to a
    weight of one of the ambient probabilities: most known phases under pressure have types that ambient
    relatives have too, so these keep at least half of the whole.

    Args:
        formula: As for ``type_probabilities``.
        units: As for ``type_probabilities``.
        pressure_gpa: Pressure; at zero or below, the ambient probabilities are returned.
        group: As for ``type_probabilities``.
        models: As for ``type_probabilities``.

    Raises:
        InputError: As ``type_probabilities``.
    """
    types, logs = type_probabilities(formula, units, group=group, models=models)
    if pressure_gpa <= 0:
        return types, logs
    more = [_homologue_types(formula, homologue, units, group, models) for homologue in homologues(formula)]
    if cages := _cage_types(formula, units, group):
        more.append(dict.fromkeys(cages, 1 / len(cages)))
    if not more:
        return types, logs
    weight = pressure_gpa / (pressure_gpa + HALF_WEIGHT_GPA)
    mixed = dict(zip(types, np.exp(logs).tolist(), strict=True))
    for probabilities in more:
        for structure_type, probability in probabilities.items():
            share = weight * probability / len(more)
            mixed[structure_type] = mixed.get(structure_type, 0.0) + share
    values = np.log(np.maximum(np.array(list(mixed.values())), 1e-300))
    return list(mixed), values - np.logaddexp.reduce(values)


def _homologue_types(
    formula: Formula,
    homologue: Formula,
    units: Sequence[int],
    group: SpaceGroupChoice | None,
    models: Path | None,
) -> dict[StructureType, float]:
    """Probabilities of the most probable types of a homologue, as types of the formula."""
    types, logs = type_probabilities(homologue, units, group=group, models=models)
    best = np.argsort(-logs, kind="stable")[:TYPES_OF_HOMOLOGUE]
    probabilities = np.exp(logs[best] - np.logaddexp.reduce(logs[best]))
    # The replaced element may come at another place in the order of electronegativity.
    replaced, new = replaced_elements(formula, homologue)
    places = [homologue.elements.index(new if symbol == replaced else symbol) for symbol in formula.elements]
    return {
        StructureType(
            types[row].space_group,
            canonical_letters(types[row].space_group, [types[row].letters[place] for place in places]),
        ): float(probability)
        for row, probability in zip(best, probabilities, strict=True)
    }


def homologues(formula: Formula) -> Iterator[Formula]:
    """The formula with one element replaced by a heavier one of its group; the most electronegative stays."""
    elements = formula.elements if len(formula.elements) == 1 else formula.elements[:-1]
    if len(formula.elements) > MAX_ELEMENTS:
        return
    for symbol in elements:
        for heavier in _heavier(symbol):
            if heavier not in formula.counts:
                counts = {heavier if s == symbol else s: count for s, count in formula.counts.items()}
                ordered = {s: counts[s] for s in sorted(counts, key=element_order)}
                yield replace(formula, counts=ordered, notes=())


def replaced_elements(formula: Formula, homologue: Formula) -> tuple[str, str]:
    """The element of a formula that a homologue does not have, and the heavier one in its place."""
    (replaced,) = set(formula.elements) - set(homologue.elements)
    (heavier,) = set(homologue.elements) - set(formula.elements)
    return replaced, heavier


@cache
def _heavier(symbol: str) -> tuple[str, ...]:
    """Heavier elements of the same group, lightest first; none for f elements and hydrogen."""
    from pymatgen.core import Element

    element = Element(symbol)
    if element.is_lanthanoid or element.is_actinoid or symbol == "H":
        return ()
    same = [
        other
        for other in Element
        if other.group == element.group
        and element.Z < other.Z <= Element("Bi").Z
        and not (other.is_lanthanoid or other.is_actinoid)
    ]
    return tuple(other.symbol for other in sorted(same, key=lambda other: other.Z)[:HOMOLOGUES])


def _cage_types(
    formula: Formula, units: Sequence[int], group: SpaceGroupChoice | None
) -> list[StructureType]:
    """Types with hydrogen cages of a binary hydride, in cells and the space group of the run."""
    if len(formula.elements) != 2 or "H" not in formula.counts:
        return []
    metal = next(symbol for symbol in formula.elements if symbol != "H")
    if formula.counts[metal] != 1:
        return []
    types = []
    for hydrogen, space_group, metal_letters, cage in HYDROGEN_CAGES:
        if hydrogen != formula.counts["H"] or space_group not in allowed_groups(group):
            continue
        letters = {metal: metal_letters, "H": cage}
        structure_type = StructureType(
            space_group, canonical_letters(space_group, [letters[symbol] for symbol in formula.elements])
        )
        if sum(structure_type.counts()) // formula.num_atoms in units:
            types.append(structure_type)
    return types

"""The two ranks and the default order by probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from alphacrystal.crystal import SameCrystal, group_duplicates
from alphacrystal.ranking._energy_reference import EnergyReference
from alphacrystal.ranking._evidence import list_evidence, list_model, row_evidence
from alphacrystal.ranking._flags import flags
from alphacrystal.ranking._pattern_evidence import pattern_probabilities
from alphacrystal.ranking._phase_table import KnownPhase, matching_phase
from alphacrystal.ranking._ranked import (
    MEASURED_CELL,
    MODE_OF,
    NEW_FORMULA,
    OTHER_STRUCTURE,
    SEED,
    RankedStructure,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.diffraction import PatternFit
    from alphacrystal.generate import Candidate
    from alphacrystal.relaxation import Relaxation

Order = Literal["combined", "chemical", "energy"]

UNSCORED = -12.0  # log-probability of candidates whose generator gives none, relative to the best
MERGING_SCALE = 1.0  # eV/atom equal to a factor e in probability where equal crystals are compared
TIGHT_SYMPREC = 0.01  # Å; the second tolerance at which a space group is given


def rank_candidates(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    *,
    relaxed: bool,
    top: int,
    merged: Mapping[int, int] | None = None,
    pressure_gpa: float = 0.0,
    reference: EnergyReference | None = None,
    known: Sequence[KnownPhase] | None = None,
    plain_energies: Mapping[int, float] | None = None,
    symprec: float = 0.1,
    order: Order = "combined",
    fit_pattern: Callable[[int, Structure], PatternFit | None] | None = None,
    excluded: Collection[int] = (),
) -> list[RankedStructure]:
    """Merge duplicates, order, and number the structures of a run.

    Args:
        candidates: All candidates of one formula.
        relaxations: By candidate index. Where ``relaxed`` is true, candidates without a usable relaxation are
            left out of the list (they stay in the run's candidate file).
        relaxed: Whether energies decide with the prior.
        top: Longest list; seeds that are further down are added at its end.
        merged: Candidates equal to another one, which represents them, by index.
        pressure_gpa: Pressure of the relaxations; energies are enthalpies where it is not zero.
        reference: Reference of formation energies and energies above hull.
        known: Known phases of this formula, with energies of the same potential; None without a table. In the
            default order, the structure that is their ground state comes first.
        plain_energies: Energies in eV/atom without dispersion by candidate index, where the relaxations have
            dispersion; they are compared with the reference and with the known phases.
        symprec: Tolerance in Å of the final space group.
        order: "combined" is the order of the probabilities, "chemical" has the log-probabilities of the
            generator alone, "energy" energies alone (the paper's: the lowest formation energies of all
            candidates).
        fit_pattern: Fits the structure of a candidate, given by its index, to the measured pattern of the
            run; None without a pattern.
        excluded: Indices of candidates that violate a constraint of the run.

    Returns:
        Rank order. Without relaxation there are no probabilities, and the order is the chemical rank, or that
        of the log-probabilities and the pattern.
    """
    from alphacrystal.crystal import standard_structure
    from alphacrystal.errors import InputError

    usable = [
        i
        for i in range(len(candidates))
        if i not in (merged or {})
        and i not in excluded
        and (not relaxed or (i in relaxations and relaxations[i].usable))
    ]
    chances = _log_chances(candidates)
    energies = {i: relaxations[i].energy_per_atom for i in usable} if relaxed else {}
    comparable = energies if plain_energies is None else {i: plain_energies.get(i) for i in usable}
    finals = {i: relaxations[i].structure if relaxed else candidates[i].structure for i in usable}
    groups = _equal_crystals(usable, finals, chances, energies, relaxations if relaxed else {}, order, merged)
    if not groups:
        return []
    probabilities = (
        row_probabilities(candidates, relaxations, groups, pressure_gpa=pressure_gpa)
        if relaxed
        else [math.exp(max(chances[i] for i in group)) for group in groups]
    )
    fits: dict[int, PatternFit | None] = {}
    if fit_pattern is not None:
        copies = [i for i in usable if order != "energy" and MEASURED_CELL in candidates[i].provenance]
        groups, fits = _best_fitting(groups, finals, copies, fit_pattern)
    best_chance = {group[0]: max(chances[i] for i in group) for group in groups}
    if fits:
        none = math.log(max(1.0 - sum(probabilities), 1e-6)) if relaxed else UNSCORED
        logarithms = [math.log(max(value, 1e-300)) for value in probabilities]
        probabilities = pattern_probabilities(logarithms, none, list(fits.values()))
    lowest = min((e for e in energies.values() if e is not None), default=0.0)

    def score(place: int) -> float:
        index = groups[place][0]
        energy = energies.get(index)
        if order == "energy" and energy is not None:
            return energy - lowest
        if order == "combined" and (relaxed or fits):
            return -math.log(max(probabilities[place], 1e-300))
        return -best_chance[index]

    scores = [score(place) for place in range(len(groups))]
    places = sorted(range(len(groups)), key=lambda place: (scores[place], groups[place][0]))
    matches = _known(places, groups, finals, comparable, known or ())
    if order == "combined":
        # A pattern says more about the sample than the energies of known phases.
        places.sort(key=lambda place: not (not fits and place in matches and matches[place].ground))
    chemical = _ranks({index: -chance for index, chance in best_chance.items()})
    energetic = _ranks({group[0]: e for group in groups if (e := energies.get(group[0])) is not None})
    generated = [candidate for candidate in candidates if candidate.generator != SEED]
    calibrated = relaxed and all(
        candidate.hypothesis is not None or MODE_OF in candidate.provenance for candidate in generated
    )
    ranked: list[RankedStructure] = []
    # All candidates share a composition.
    point = reference.hull_point(candidates[0].structure) if reference is not None else None
    for place in places:
        index = groups[place][0]
        origins = {candidates[i].generator for i in groups[place]}
        if len(ranked) >= top and SEED not in origins:
            continue
        try:
            standard, number, symbol = standard_structure(finals[index], symprec=symprec)
        except InputError:
            continue
        relaxation = relaxations.get(index) if relaxed else None
        energy = comparable.get(index)
        formation = above = None
        if reference is not None and relaxation is not None and energy is not None:
            formation = reference.formation_energy(finals[index], energy)
            above = reference.above_hull(point, finals[index], energy)
        label, names = _structure_type(finals[index])
        ranked.append(
            RankedStructure(
                rank=len(ranked) + 1,
                chemical_rank=chemical[index],
                energy_rank=energetic.get(index),
                structure=standard,
                primitive=finals[index],
                space_group_number=number,
                space_group_symbol=symbol,
                candidate=candidates[index],
                candidate_index=index,
                duplicates=groups[place][1:],
                relaxation=relaxation,
                formation_energy_per_atom=formation,
                energy_above_hull_per_atom=above,
                score=scores[place],
                probability=probabilities[place] if calibrated and origins != {SEED} else None,
                decomposition=() if above is None or point is None else point.products,
                tight_space_group=_tight_space_group(finals[index]),
                flags=flags(
                    finals[index],
                    candidates[index],
                    pressure_gpa=pressure_gpa,
                    dispersion=plain_energies is not None,
                ),
                plain_energy_per_atom=None if plain_energies is None else plain_energies.get(index),
                known="" if known is None else _known_text(matches.get(place), known),
                pattern_fit=fits.get(index),
                structure_type=label,
                prototype=names,
            )
        )
    return ranked


def _equal_crystals(
    usable: Sequence[int],
    finals: Mapping[int, Structure],
    chances: Sequence[float],
    energies: Mapping[int, float | None],
    relaxations: Mapping[int, Relaxation],
    order: Order,
    merged: Mapping[int, int] | None,
) -> list[tuple[int, ...]]:
    """Candidates that ended in equal crystals; the first of each group represents it.

    A converged member represents its group, except in the order of energies.
    """
    lowest = min((e for e in energies.values() if e is not None), default=0.0)

    def cost(index: int) -> float:
        energy = energies.get(index)
        above = 0.0 if energy is None else energy - lowest
        return above if order == "energy" and energy is not None else above / MERGING_SCALE - chances[index]

    sequence = sorted(usable, key=lambda i: (cost(i), i))
    stands_for = _followers(merged or {})
    groups = []
    for members in group_duplicates([finals[i] for i in sequence], SameCrystal()):
        group = [sequence[k] for k in members]
        first = group[0]
        if relaxations and order != "energy":
            first = next((i for i in group if relaxations[i].converged), first)
        others = [i for i in group if i != first]
        groups.append((first, *others, *(follower for i in group for follower in stands_for.get(i, ()))))
    return groups


def _best_fitting(
    groups: Sequence[tuple[int, ...]],
    finals: Mapping[int, Structure],
    copies: Collection[int],
    fit_pattern: Callable[[int, Structure], PatternFit | None],
) -> tuple[list[tuple[int, ...]], dict[int, PatternFit | None]]:
    """Fits of the groups by representative.

    A copy in the cell that indexes the pattern represents its group where it fits better: the cell of the
    others may be too far from the measured one to be refined.

    Args:
        groups: Indices of the candidates that ended in each structure; the first represents it.
        finals: Structures by candidate index.
        copies: Indices of the copies that may represent their groups; none in the order of energies, because
            copies have stress.
        fit_pattern: As for `rank_candidates`.
    """
    fits: dict[int, PatternFit | None] = {}
    ordered = []
    for group in groups:
        found = {i: fit_pattern(i, finals[i]) for i in group if i == group[0] or i in copies}
        misfits = {i: math.inf if fit is None else fit.misfit for i, fit in found.items()}
        best = min(misfits, key=lambda i: misfits[i])  # the first of equal ones
        ordered.append((best, *(i for i in group if i != best)))
        fits[best] = found[best]
    return ordered, fits


def _known(
    places: Sequence[int],
    groups: Sequence[tuple[int, ...]],
    finals: Mapping[int, Structure],
    energies: Mapping[int, float | None],
    known: Sequence[KnownPhase],
) -> dict[int, KnownPhase]:
    """Known phase by place of the structure; each phase is given to the first of its structures.

    Args:
        places: Of the groups, in the order of the list.
        groups: Indices of the candidates that ended in each structure; the first represents it.
        finals: Structures by candidate index.
        energies: eV/atom by candidate index.
        known: Known phases of the formula.
    """
    found: dict[int, KnownPhase] = {}
    for place in places if known else ():
        first = groups[place][0]
        phase = matching_phase(finals[first], energies.get(first), known)
        if phase is not None and phase not in found.values():
            found[place] = phase
    return found


def _known_text(match: KnownPhase | None, known: Sequence[KnownPhase]) -> str:
    if match is not None:
        return match.id
    return OTHER_STRUCTURE if known else NEW_FORMULA


def row_probabilities(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    groups: Sequence[tuple[int, ...]],
    *,
    pressure_gpa: float = 0.0,
) -> list[float]:
    """Probability of each structure to be the known or ground-state one; together at most 1.

    Under pressure the enthalpy replaces the energy, with the weight that small energy differences have at
    zero pressure. The prior keeps its weight, but the enthalpies of structures of different volume move
    apart with the pressure, until they decide alone.

    Args:
        candidates: All candidates of a run.
        relaxations: By candidate index.
        groups: Indices of the candidates that ended in each structure; the first represents it.
        pressure_gpa: Pressure of the relaxations.
    """
    rows = row_evidence(candidates, relaxations, groups, pressure_gpa=pressure_gpa)
    model = list_model()
    scores = model.scores(rows)
    return [float(value) for value in model.probabilities(scores, list_evidence(candidates, groups))]


def _structure_type(structure: Structure) -> tuple[str, str]:
    """Label of the structure type and names of its prototypes."""
    from alphacrystal.crystal import prototype_names, structure_label

    label = structure_label(structure)
    return label.text, prototype_names(structure, label)


def _tight_space_group(structure: Structure) -> int | None:
    """Space group at the second tolerance; None where none is found there."""
    from alphacrystal.crystal import standard_structure
    from alphacrystal.errors import InputError

    try:
        return standard_structure(structure, symprec=TIGHT_SYMPREC)[1]
    except InputError:
        return None


def likely_order(
    candidates: Sequence[Candidate], relaxations: Mapping[int, Relaxation], *, pressure_gpa: float = 0.0
) -> list[int]:
    """Relaxed candidates in the default order that they take if no two are equal."""
    indices = sorted(relaxations)
    if not indices:
        return []
    groups = [(i,) for i in indices]
    probabilities = row_probabilities(candidates, relaxations, groups, pressure_gpa=pressure_gpa)
    return [indices[place] for place in sorted(range(len(indices)), key=lambda i: (-probabilities[i], i))]


def _followers(merged: Mapping[int, int]) -> dict[int, list[int]]:
    """Candidates that each remaining candidate represents, through any chain of mergers."""
    followers: dict[int, list[int]] = {}
    for index in sorted(merged):
        leader = merged[index]
        while leader in merged:
            leader = merged[leader]
        followers.setdefault(leader, []).append(index)
    return followers


def _log_chances(candidates: Sequence[Candidate]) -> list[float]:
    """Log-probabilities relative to the best candidate."""
    known = [c.log_probability for c in candidates if c.log_probability is not None]
    best = max(known, default=0.0)
    return [UNSCORED if c.log_probability is None else c.log_probability - best for c in candidates]


def _ranks(values: Mapping[int, float]) -> dict[int, int]:
    order = sorted(values, key=lambda index: (values[index], index))
    return {index: place for place, index in enumerate(order, start=1)}

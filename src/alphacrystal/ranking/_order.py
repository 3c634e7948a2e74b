"""The two ranks and the default order that combines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from alphacrystal.crystal import SameCrystal, group_duplicates
from alphacrystal.ranking._energy_reference import EnergyReference
from alphacrystal.ranking._ranked import RankedStructure

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.generate import Candidate
    from alphacrystal.relaxation import Relaxation

Order = Literal["combined", "chemical", "energy"]
ORDERS: tuple[Order, ...] = ("combined", "chemical", "energy")

# Default order: energy above the best in units of ENERGY_SCALE, minus the log-probability over the best one.
# See docs/ranking.md for how the value was chosen on validation compounds.
ENERGY_SCALE = 1.0  # eV/atom
UNSCORED = -12.0  # log-probability of candidates whose generator gives none, relative to the best
UNCONVERGED_PENALTY = 3.0
TOP_BLOCK = 10  # places by chances and energies; who comes after them comes in order of energy
TIGHT_SYMPREC = 0.01  # Å; the second tolerance at which a space group is given


def combined_cost(above: float | None, log_probability: float, *, converged: bool) -> float:
    """Sort key of the first structures in the default order; low is good.

    Args:
        above: Energy in eV/atom above the lowest of the list, None if unknown.
        log_probability: Of the structure, relative to the best one.
        converged: Whether its relaxation reached the force limit.
    """
    cost = 0.0 if above is None else above / ENERGY_SCALE
    return cost - log_probability + (0.0 if converged else UNCONVERGED_PENALTY)


def combined_order(
    costs: Sequence[float], above: Sequence[float | None], converged: Sequence[bool]
) -> list[int]:
    """The default order of structures: the first TOP_BLOCK by ``combined_cost``, the rest by energy.

    Unconverged structures have no comparable energy and keep their cost-based position.

    Args:
        costs: ``combined_cost`` of each.
        above: Energy in eV/atom above the lowest of the list, None if unknown.
        converged: Whether its relaxation reached the force limit.

    Returns:
        Places of the structures, best first.
    """
    order = sorted(range(len(costs)), key=lambda i: (costs[i], i))
    known = {i: energy for i in order[TOP_BLOCK:] if converged[i] and (energy := above[i]) is not None}
    by_energy = iter(sorted(known, key=known.__getitem__))
    return order[:TOP_BLOCK] + [next(by_energy) if i in known else i for i in order[TOP_BLOCK:]]


def rank_candidates(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    *,
    relaxed: bool,
    top: int,
    merged: Mapping[int, int] | None = None,
    reference: EnergyReference | None = None,
    symprec: float = 0.1,
    order: Order = "combined",
) -> list[RankedStructure]:
    """Merge duplicates, order, and number the structures of a run.

    Args:
        candidates: All candidates of one formula.
        relaxations: By candidate index. Where ``relaxed`` is true, candidates without a usable relaxation are
            left out of the list (they stay in the run's candidate file).
        relaxed: Whether energies decide with the log-probability.
        top: Longest list.
        merged: Candidates equal to another one, which represents them, by index.
        reference: Reference of formation energies and energies above hull.
        symprec: Tolerance in Å of the final space group.
        order: "combined" is ``combined_order``, "chemical" has chances alone, "energy" energies alone
            (the paper's: the lowest formation energies of all candidates).

    Returns:
        Rank order. Without relaxation the order is the chemical rank.
    """
    from alphacrystal.crystal import standard_structure
    from alphacrystal.errors import InputError

    stands_for = _followers(merged or {})
    usable = [
        i
        for i in range(len(candidates))
        if i not in (merged or {}) and (not relaxed or (i in relaxations and relaxations[i].usable))
    ]
    chances = _log_chances(candidates)
    energies = {i: relaxations[i].energy_per_atom for i in usable} if relaxed else {}
    lowest = min((e for e in energies.values() if e is not None), default=0.0)

    def score(index: int) -> float:
        energy = energies.get(index)
        if order == "energy" and energy is not None:
            return energy - lowest
        if order == "combined" and relaxed:
            above = None if energy is None else energy - lowest
            return combined_cost(above, chances[index], converged=relaxations[index].converged)
        return -chances[index]

    sequence = sorted(usable, key=lambda i: (score(i), i))
    finals = {i: relaxations[i].structure if relaxed else candidates[i].structure for i in sequence}
    groups = [
        [sequence[k] for k in group]
        for group in group_duplicates([finals[i] for i in sequence], SameCrystal())
    ]
    # A structure reached by several candidates keeps the best chance among them.
    rows = []
    for group in groups:
        first = group[0]
        if relaxed and order != "energy":  # what one of them converged to is the crystal of all
            first = next((i for i in group if relaxations[i].converged), first)
        others = [i for i in group if i != first]
        everyone = [first, *others, *(follower for i in group for follower in stands_for.get(i, ()))]
        best_chance = max(chances[i] for i in everyone)
        total = score(first)
        if order != "energy" or first not in energies:
            total += chances[first] - best_chance
        rows.append((total, best_chance, first, tuple(everyone[1:])))
    rows.sort(key=lambda row: (row[0], row[2]))
    if order == "combined" and relaxed:
        above_lowest = [None if (e := energies[row[2]]) is None else e - lowest for row in rows]
        converged = [relaxations[row[2]].converged for row in rows]
        rows = [rows[i] for i in combined_order([row[0] for row in rows], above_lowest, converged)]
    chemical = _ranks({row[2]: -row[1] for row in rows})
    energetic = _ranks({row[2]: e for row in rows if (e := energies.get(row[2])) is not None})
    ranked: list[RankedStructure] = []
    # All candidates share a composition.
    point = reference.hull_point(candidates[0].structure) if reference is not None and candidates else None
    for total, _, index, duplicates in rows:
        if len(ranked) == top:
            break
        try:
            standard, number, symbol = standard_structure(finals[index], symprec=symprec)
        except InputError:
            continue
        relaxation = relaxations.get(index) if relaxed else None
        energy = None if relaxation is None else relaxation.energy_per_atom
        formation = above = None
        if reference is not None and energy is not None:
            formation = reference.formation_energy(finals[index], energy)
            above = reference.above_hull(point, finals[index], energy)
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
                duplicates=duplicates,
                relaxation=relaxation,
                formation_energy_per_atom=formation,
                energy_above_hull_per_atom=above,
                score=total,
                decomposition=() if above is None or point is None else point.products,
                tight_space_group=_tight_space_group(finals[index]),
            )
        )
    return ranked


def _tight_space_group(structure: Structure) -> int | None:
    """Space group at the second tolerance; None where none is found there."""
    from alphacrystal.crystal import standard_structure
    from alphacrystal.errors import InputError

    try:
        return standard_structure(structure, symprec=TIGHT_SYMPREC)[1]
    except InputError:
        return None


def likely_order(candidates: Sequence[Candidate], energies: Mapping[int, float]) -> list[int]:
    """Candidates with energies (eV/atom), in the default order they would take if all converged."""
    chances, lowest = _log_chances(candidates), min(energies.values(), default=0.0)
    indices = sorted(energies)
    above = [energies[i] - lowest for i in indices]
    costs = [combined_cost(e, chances[i], converged=True) for e, i in zip(above, indices, strict=True)]
    return [indices[place] for place in combined_order(costs, above, [True] * len(indices))]


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

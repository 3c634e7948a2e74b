"""Structure types new to a stoichiometry but known of others: elements change places, or two share one's.

Anti-types and ordered derivatives of known types. Each is scored as if the composition were that of the known
type: its elements in each other's places, or two of them counted as one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import canonical_letters, multiplicities
from alphacrystal.learn.structure_types import StructureType, reduced_counts
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.typing import FloatArray, IntArray

# Added to the scores of the known types; chosen on validation compounds (docs/models.md).
EXCHANGED, DIVIDED = -2.5, -6.0
MOST_PARENTS = 600  # likeliest pairs of a known type and a way that are followed
MOST_DIVISIONS = 12  # ways in which two elements share the positions of one
MOST_PERMUTED = 5  # elements; with more of them only two change places at a time

Part = tuple[tuple[int, ...], int]  # elements that stand together, and their count
Places = tuple[tuple[int, ...], ...]  # for each element of the known type, who stands in its place
_Ways = dict[tuple[int, ...], dict[Places, set[int]]]  # by reduced counts: places, and how often those counts


def related_types(
    net: SymmetryNet,
    numbers: Tensor,
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None = None,
) -> dict[StructureType, float]:
    """Types that training never saw with a stoichiometry but with a related one.

    Args:
        net: The symmetry network.
        numbers: Atomic numbers of the elements, in electronegativity order, shape (elements,).
        counts: Reduced counts of the elements.
        units: Formula units Z the primitive cell may hold.
        group: Only this space group.

    Returns:
        Types in canonical setting with scores on the scale of the known types, best way of each; none of
        them is known to the network with this stoichiometry.
    """
    asked = [
        _Asked(stoichiometry, rows, ways, [(own, stand) for own in ways for stand in itertools.product(*own)])
        for stoichiometry, ways in _ways(counts, units).items()
        if net.family(stoichiometry) is not None
        and len(rows := _rows(net, stoichiometry, sorted(set().union(*ways.values())), group))
    ]
    scores: list[FloatArray] = [np.zeros(0)]
    parents: list[tuple[IntArray, Places]] = []
    for own, heard in zip(asked, _heard(net, numbers, asked), strict=True):
        fitting = own.fitting(net.table.arrays["atoms"][own.rows] // sum(own.stoichiometry))
        for (places, _), values in zip(own.stands, heard, strict=True):
            held = fitting[frozenset(own.ways[places])]
            scores.append(values[held] + (EXCHANGED if len(places) == len(counts) else DIVIDED))
            parents.append((own.rows[held], places))
    every = np.concatenate(scores)
    ends = np.cumsum([len(values) for values in scores])  # the first list is empty
    found: dict[StructureType, float] = {}
    for place in np.argsort(-every, kind="stable")[:MOST_PARENTS].tolist():
        which = int(np.searchsorted(ends, place, side="right")) - 1
        rows, places = parents[which]
        for kind in _children(net.types[rows[place - ends[which]]], places, counts):
            if kind not in net.rows:
                found.setdefault(kind, float(every[place]))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is asked of one stoichiometry: rows of its types in cells of interest, and the ways to stand."""

    stoichiometry: tuple[int, ...]
    rows: IntArray
    ways: dict[Places, set[int]]
    #: Each way with the elements that are asked for; of two that share a place one, then the other.
    stands: list[tuple[Places, tuple[int, ...]]]

    def fitting(self, times: IntArray) -> dict[frozenset[int], IntArray]:
        """Places of the rows that hold the stoichiometry a wanted number of ``times``, by what is wanted."""
        wanted = {frozenset(own) for own in self.ways.values()}
        return {own: np.flatnonzero(np.isin(times, list(own))) for own in wanted}


def _rows(
    net: SymmetryNet, stoichiometry: tuple[int, ...], times: Sequence[int], group: int | None
) -> IntArray:
    rows = net.known_rows(stoichiometry, times)
    return rows if group is None else rows[net.table.arrays["space_group"][rows] == group]


def _ways(counts: Sequence[int], units: Sequence[int]) -> _Ways:
    """All related stoichiometries, each with how the elements stand in it."""
    found: _Ways = {}
    for parts in _arrangements([((element,), count) for element, count in enumerate(counts)]):
        stoichiometry = reduced_counts([count for _, count in parts])
        times = parts[0][1] // stoichiometry[0]
        places = tuple([elements for elements, _ in parts])
        found.setdefault(stoichiometry, {})[places] = {times * z for z in units}
    return found


def _arrangements(whole: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """The elements of a formula in every other order, and all orders of two of them as one with the rest."""
    if len(whole) > MOST_PERMUTED:
        for i, j in itertools.combinations(range(len(whole)), 2):
            changed = list(whole)
            changed[i], changed[j] = whole[j], whole[i]
            yield changed
        return
    yield from itertools.islice(itertools.permutations(whole), 1, None)  # the first is the order itself
    for pair in itertools.combinations(whole, 2) if len(whole) > 2 else ():
        both = tuple([element for elements, _ in pair for element in elements]), sum(n for _, n in pair)
        yield from itertools.permutations([both, *(part for part in whole if part not in pair)])


def _heard(net: SymmetryNet, numbers: Tensor, asked: Sequence[_Asked]) -> Iterator[FloatArray]:
    """Scores of the known types of each stoichiometry for the elements standing so, (stands, rows) each."""
    with torch.no_grad():
        heard = net.hear_many([_compositions(numbers, own) for own in asked])
        for own, hearing in zip(asked, heard, strict=True):
            yield np.asarray(net.scores_of_rows(hearing, own.rows).double().numpy())


def _compositions(numbers: Tensor, asked: _Asked) -> tuple[Tensor, Tensor]:
    """Atomic numbers and counts, shape (stands, slots)."""
    elements = numbers[torch.tensor([stand for _, stand in asked.stands])]
    return elements, torch.tensor(asked.stoichiometry, dtype=torch.float32).expand(len(elements), -1)


def _children(known: StructureType, places: Places, counts: Sequence[int]) -> Iterator[StructureType]:
    """The types that a known one becomes when its positions are filled so, in canonical setting."""
    group, atoms = known.space_group, sum(known.counts())
    letters = [""] * len(counts)
    shared: tuple[tuple[int, ...], str] | None = None
    for elements, own in zip(places, known.letters, strict=True):
        if len(elements) == 1:
            letters[elements[0]] += own
        else:
            shared = elements, own
    if shared is None:
        yield StructureType(group, canonical_letters(group, letters))
        return
    (one, other), own = shared
    for part, rest in _divisions(group, own, atoms // sum(counts) * counts[one]):
        letters[one], letters[other] = part, rest
        yield StructureType(group, canonical_letters(group, letters))


@lru_cache(50_000)
def _divisions(group: int, letters: str, atoms: int) -> tuple[tuple[str, str], ...]:
    """Ways to part orbits in two, the first part with so many atoms and few orbits: letters of both."""
    kinds = list(dict.fromkeys(letters))
    found = [pair for pair in _parted(kinds, letters, multiplicities(group), atoms) if all(pair)]
    found.sort(key=lambda pair: (len(pair[0]), [kinds.index(letter) for letter in pair[0]]))
    return tuple(found[:MOST_DIVISIONS])


def _parted(
    kinds: Sequence[str], letters: str, sizes: dict[str, int], atoms: int
) -> Iterator[tuple[str, str]]:
    """The same from the first of the kinds of letters on."""
    if not kinds:
        if atoms == 0:
            yield "", ""
        return
    first, held = kinds[0], letters.count(kinds[0])
    for taken in range(min(held, atoms // sizes[first]), -1, -1):
        for part, rest in _parted(kinds[1:], letters, sizes, atoms - taken * sizes[first]):
            yield first * taken + part, first * (held - taken) + rest

"""Ways to place a cell content on the Wyckoff positions of a space group, lazily and ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from alphacrystal.crystal._wyckoff import free_coordinates, multiplicities

Assignment = tuple[str, ...]  # Wyckoff letters of each element, e.g. ("ab", "f")


def wyckoff_assignments(number: int, counts: Sequence[int]) -> Iterator[Assignment]:
    """All Wyckoff assignments of a primitive cell content, those with the fewest orbits first.

    Positions without free coordinates are used once over all elements. The order is: number of orbits, then
    letters (most special first). Nothing is listed ahead of need; a group with millions of assignments costs
    only what is taken.

    Args:
        number: Space group.
        counts: Atoms of each element in the PRIMITIVE cell.

    Yields:
        Letters for each element, in the order of ``counts``.
    """
    letters = list(multiplicities(number))
    sizes = list(multiplicities(number).values())
    fixed = [free_coordinates(number)[letter] == 0 for letter in letters]
    reachable = _reachable(sizes, max(counts))

    def one_element(
        remaining: int, orbits: int, start: int, used: frozenset[int]
    ) -> Iterator[tuple[int, ...]]:
        if remaining == 0:
            if orbits == 0:
                yield ()
            return
        if orbits <= 0 or not reachable(remaining, orbits):
            return
        for index in range(start, len(letters)):
            if sizes[index] > remaining or index in used:
                continue
            taken = used | {index} if fixed[index] else used
            following = index + 1 if fixed[index] else index
            for rest in one_element(remaining - sizes[index], orbits - 1, following, taken):
                yield (index, *rest)

    def all_elements(
        element: int, orbits: int, used: frozenset[int]
    ) -> Iterator[tuple[tuple[int, ...], ...]]:
        if element == len(counts):
            if orbits == 0:
                yield ()
            return
        spare = orbits - (len(counts) - element - 1)  # every later element needs at least one orbit
        for own in range(1, min(spare, counts[element]) + 1):
            for choice in one_element(counts[element], own, 0, used):
                taken = used | {index for index in choice if fixed[index]}
                for rest in all_elements(element + 1, orbits - own, taken):
                    yield (choice, *rest)

    for orbits in range(len(counts), sum(counts) + 1):
        for assignment in all_elements(0, orbits, frozenset()):
            yield tuple("".join(letters[index] for index in choice) for choice in assignment)


def _reachable(sizes: Sequence[int], limit: int) -> Callable[[int, int], bool]:
    """A quick necessary test: can a count be a sum of this many multiplicities?"""
    sums: list[set[int]] = [{0}]
    for _ in range(limit):
        sums.append({total + size for total in sums[-1] for size in set(sizes) if total + size <= limit})

    def test(count: int, orbits: int) -> bool:
        return orbits < len(sums) and count in sums[orbits]

    return test


def can_place(number: int, counts: Sequence[int]) -> bool:
    """True where the primitive cell content fits on the Wyckoff positions of the space group."""
    return next(wyckoff_assignments(number, counts), None) is not None


def placeable_units(number: int, counts: Sequence[int], max_atoms: int) -> list[int]:
    """Multiples Z of ``counts`` (atoms of a formula unit) that fit in a cell of up to ``max_atoms``."""
    per_unit = sum(counts)
    return [
        z for z in range(1, max_atoms // per_unit + 1) if can_place(number, [z * count for count in counts])
    ]

"""Ways to place a cell content on the Wyckoff positions of a space group, lazily and ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

from alphacrystal.crystal._wyckoff import free_coordinates, multiplicities

Assignment = tuple[str, ...]  # Wyckoff letters of each element, e.g. ("ab", "f")


def wyckoff_assignments(number: int, counts: Sequence[int]) -> Iterator[Assignment]:
    """All Wyckoff assignments of a primitive cell content, those with the fewest orbits first.

    Positions without free coordinates are used once over all elements. The order is: number of orbits, then
    element by element the number of its orbits and its letters (most special first). Nothing is listed ahead
    of need and no dead end is entered, so a group with millions of assignments costs only what is taken.

    Args:
        number: Space group.
        counts: Atoms of each element in the PRIMITIVE cell.

    Yields:
        Letters for each element, in the order of ``counts``.
    """
    positions = _Positions(number, counts)
    for orbits in _members(positions.orbit_numbers(0, positions.spare(0))):
        for choices in positions.all_elements(0, orbits, 0):
            yield tuple("".join(positions.letters[index] for index in choice) for choice in choices)


def can_place(number: int, counts: Sequence[int]) -> bool:
    """True where the primitive cell content fits on the Wyckoff positions of the space group."""
    positions = _Positions(number, counts)
    return positions.orbit_numbers(0, positions.spare(0)) != 0


def placeable_units(number: int, counts: Sequence[int], max_atoms: int) -> list[int]:
    """Multiples Z of ``counts`` (atoms of a formula unit) that fit in a cell of up to ``max_atoms``."""
    units = range(1, max_atoms // sum(counts) + 1)
    return [z for z in units if can_place(number, [z * count for count in counts])]


class _Positions:
    """The positions of one space group as coins: free ones can be spent again and again, others once.

    Sets of small numbers are kept as the bits of an integer; so are used positions, by index. Unused
    positions without free coordinates are counted by multiplicity ("spare"), in the order of ``once``.
    """

    def __init__(self, number: int, counts: Sequence[int]) -> None:
        self.counts = tuple(counts)
        sizes, free = multiplicities(number), free_coordinates(number)
        self.letters = list(sizes)
        self.sizes = list(sizes.values())
        self.fixed = [free[letter] == 0 for letter in self.letters]
        self.once: dict[int, int] = {}  # multiplicity -> positions without free coordinates
        for index, size in enumerate(self.sizes):
            if self.fixed[index]:
                self.once[size] = self.once.get(size, 0) | 1 << index
        self.sums = self._free_sums(max(self.counts))
        # Orders of one content share most of their questions.
        self.spendings = cache(self._spendings)
        self.orbit_numbers = cache(self._orbit_numbers)
        self.leads_on = cache(self._leads_on)

    def _free_sums(self, limit: int) -> list[list[int]]:
        """``sums[start][total]``: orbits on free positions from ``start`` on that hold ``total``."""
        sums = [[1] + [0] * limit]
        for size, fixed in zip(reversed(self.sizes), reversed(self.fixed), strict=True):
            row = list(sums[-1])
            if not fixed:
                for total in range(size, limit + 1):
                    row[total] |= row[total - size] << 1
            sums.append(row)
        return sums[::-1]

    def spare(self, used: int, start: int = 0) -> tuple[int, ...]:
        """Unused positions without free coordinates from ``start`` on, counted by multiplicity."""
        return tuple(((mask & ~used) >> start).bit_count() for mask in self.once.values())

    def _spendings(self, spare: tuple[int, ...], count: int) -> list[tuple[tuple[int, ...], int, int]]:
        """Choices of spare positions for at most ``count`` atoms: how many of each, of all, atoms held."""
        choices = [
            (taken, sum(taken), sum(number * size for number, size in zip(taken, self.once, strict=True)))
            for taken in product(*(range(have + 1) for have in spare))
        ]
        return [choice for choice in choices if choice[2] <= count]

    def _orbit_numbers(self, element: int, spare: tuple[int, ...]) -> int:
        """Numbers of orbits in which the elements from this one on can be placed on what is left."""
        if element == len(self.counts):
            return 1
        count, numbers = self.counts[element], 0
        for taken, orbits, atoms in self.spendings(spare, count):
            own = self.sums[0][count - atoms] << orbits
            if own:
                later = self.orbit_numbers(element + 1, _without(spare, taken))
                for shift in _members(own):
                    numbers |= later << shift
        return numbers

    def _leads_on(self, element: int, count: int, orbits: int, after: int, start: int, used: int) -> bool:
        """Whether ``count`` atoms fit in ``orbits`` orbits from ``start`` on and the later elements then."""
        spare, sums = self.spare(used), self.sums[start]
        return any(
            sums[count - atoms] >> (orbits - fixed) & 1
            and self.orbit_numbers(element + 1, _without(spare, taken)) >> after & 1
            for taken, fixed, atoms in self.spendings(self.spare(used, start), count)
            if fixed <= orbits
        )

    def all_elements(self, element: int, orbits: int, used: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        """Positions of the elements from this one on, ``orbits`` in all."""
        if element == len(self.counts):
            yield ()
            return
        count = self.counts[element]
        for own in range(orbits + 1):
            after = orbits - own
            if self.leads_on(element, count, own, after, 0, used):
                for choice, taken in self.one_element(element, count, own, after, 0, used):
                    for rest in self.all_elements(element + 1, after, taken):
                        yield (choice, *rest)

    def one_element(
        self, element: int, count: int, orbits: int, after: int, start: int, used: int
    ) -> Iterator[tuple[tuple[int, ...], int]]:
        """Positions for ``count`` atoms in ``orbits`` orbits from ``start`` on, and all used then."""
        if orbits == 0:
            yield (), used
            return
        for index in range(start, len(self.sizes)):
            left = count - self.sizes[index]
            if left < 0 or used >> index & 1:
                continue
            taken, following = (used | 1 << index, index + 1) if self.fixed[index] else (used, index)
            if self.leads_on(element, left, orbits - 1, after, following, taken):
                for rest, end in self.one_element(element, left, orbits - 1, after, following, taken):
                    yield (index, *rest), end


def _without(spare: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(have - take for have, take in zip(spare, taken, strict=True))


def _members(bits: int) -> Iterator[int]:
    """The numbers in a set kept as bits, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest

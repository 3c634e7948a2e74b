"""Enumerate the Wyckoff assignments of a cell content in a space group, lazily and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice, product

from alphacrystal.crystal._wyckoff import free_coordinates, multiplicities

Assignment = tuple[str, ...]  # Wyckoff letters of each element, e.g. ("ab", "f")
Choice = tuple[int, ...]  # positions of one element by index, "a" is 0

# Cell contents share most subproblems, so the tables are cached.
CACHE_SIZE = 50_000
TABLE_STEP = 20  # tables cover multiples of this number of atoms of one element


def wyckoff_assignments(number: int, counts: Sequence[int]) -> Iterator[Assignment]:
    """All Wyckoff assignments of a primitive cell content, those with the fewest orbits first.

    Positions without free coordinates are used once over all elements. The order is: number of orbits, then
    element by element the number of its orbits and its letters (most special first). The
    assignments are generated lazily and without dead ends, so a group with millions of them costs only
    those that are taken.

    Args:
        number: Space group.
        counts: Atoms of each element in the PRIMITIVE cell.

    Yields:
        Letters for each element, in the order of ``counts``.
    """
    letters = list(multiplicities(number))
    for choices in _AssignmentEnumerator(_positions(number), tuple(counts)).all_choices():
        yield _letters(letters, choices)


def first_assignments(number: int, counts: Sequence[int], limit: int) -> list[Assignment]:
    """The first ``limit`` of ``wyckoff_assignments``, cached for groups with equal multiplicities."""
    letters = list(multiplicities(number))
    return [
        _letters(letters, choices) for choices in _first_choices(_positions(number), tuple(counts), limit)
    ]


def can_place(number: int, counts: Sequence[int]) -> bool:
    """True where the primitive cell content fits on the Wyckoff positions of the space group."""
    positions = _positions(number)
    return positions.counter.orbit_numbers(positions.unused_fixed(0), tuple(counts)) != 0


def placeable_units(number: int, counts: Sequence[int], max_atoms: int) -> list[int]:
    """Multiples Z of ``counts`` (atoms of a formula unit) that fit in a cell of up to ``max_atoms``."""
    units = range(1, max_atoms // sum(counts) + 1)
    return [z for z in units if can_place(number, [z * count for count in counts])]


class _OrbitCounter:
    """Possible numbers of orbits for given counts of atoms, from the multiplicities of the Wyckoff positions.

    A fixed position (without free coordinates) holds one orbit, a free position any number of orbits. Sets of
    small numbers are stored as the bits of an integer.

    Attributes:
        fixed: Distinct multiplicities of the fixed positions. ``unused_fixed`` is the number of unused
            positions of each, in the same order.
        free: Distinct multiplicities of the free positions.
    """

    def __init__(self, fixed: tuple[int, ...], free: tuple[int, ...]) -> None:
        self.fixed, self.free = fixed, free
        self.fixed_orbit_choices = lru_cache(CACHE_SIZE)(self._fixed_orbit_choices)
        self.orbit_numbers = lru_cache(CACHE_SIZE)(self._orbit_numbers)

    def _fixed_orbit_choices(
        self, unused_fixed: tuple[int, ...], count: int
    ) -> list[tuple[tuple[int, ...], int, int]]:
        """Choices of fixed positions for at most ``count`` atoms: number of each, total number, atoms."""
        choices = [
            (taken, sum(taken), sum(number * size for number, size in zip(taken, self.fixed, strict=True)))
            for taken in product(
                *(
                    range(min(unused, count // size) + 1)
                    for unused, size in zip(unused_fixed, self.fixed, strict=True)
                )
            )
        ]
        return [choice for choice in choices if choice[2] <= count]

    def _orbit_numbers(self, unused_fixed: tuple[int, ...], counts: tuple[int, ...]) -> int:
        """Possible total numbers of orbits of elements with these counts on the unused positions, as bits."""
        if not counts:
            return 1
        count, numbers = counts[0], 0
        sums = _free_sums(self.free, count)
        for taken, orbits, atoms in self.fixed_orbit_choices(unused_fixed, count):
            first = sums[count - atoms] << orbits
            if first:
                later = self.orbit_numbers(_difference(unused_fixed, taken), counts[1:])
                for shift in _members(first) if later else ():
                    numbers |= later << shift
        return numbers


@lru_cache(CACHE_SIZE)
def _free_sums(sizes: tuple[int, ...], limit: int) -> tuple[int, ...]:
    """For each total up to ``limit``: possible numbers of orbits of these sizes with this sum, as bits."""
    sums = [1] + [0] * limit
    for size in sizes:
        for total in range(size, limit + 1):
            sums[total] |= sums[total - size] << 1
    return tuple(sums)


class _Positions:
    """Wyckoff positions of all space groups with the same sequence of multiplicities and fixed positions.

    Attributes:
        sizes: Multiplicity of each position.
        fixed: True for positions without free coordinates.
        free_from: Distinct multiplicities of the free positions from each index on.
        counter: Counter of orbits, which does not depend on the order of the positions.
    """

    def __init__(self, sizes: tuple[int, ...], fixed: tuple[bool, ...]) -> None:
        self.sizes, self.fixed = sizes, fixed
        fixed_bits: dict[int, int] = {}  # multiplicity -> fixed positions as bits
        for index, size in enumerate(sizes):
            if fixed[index]:
                fixed_bits[size] = fixed_bits.get(size, 0) | 1 << index
        self.free_from = [
            tuple(sorted({size for size, one in zip(sizes[start:], fixed[start:], strict=True) if not one}))
            for start in range(len(sizes) + 1)
        ]
        self.masks = [fixed_bits[size] for size in sorted(fixed_bits)]
        self.counter = _orbit_counter(tuple(sorted(fixed_bits)), self.free_from[0])
        self._reach: dict[int, list[list[int]]] = {}

    def reach(self, limit: int) -> list[list[int]]:
        """``reach[start][total]``: numbers of orbits on the unused positions from ``start`` with this total.

        It excludes most partial assignments without a closer check.
        """
        limit = TABLE_STEP * -(-limit // TABLE_STEP)  # few distinct limits, so that tables are reused
        if limit not in self._reach:
            sums = [1] + [0] * limit
            tables = [sums]
            for size, fixed in zip(reversed(self.sizes), reversed(self.fixed), strict=True):
                sums = list(sums)
                totals = range(size, limit + 1)
                for total in reversed(totals) if fixed else totals:
                    sums[total] |= sums[total - size] << 1
                tables.append(sums)
            self._reach[limit] = tables[::-1]
        return self._reach[limit]

    def unused_fixed(self, used: int, start: int = 0) -> tuple[int, ...]:
        """Number of unused fixed positions from ``start`` on, by multiplicity."""
        return tuple([((mask & ~used) >> start).bit_count() for mask in self.masks])


@cache
def _orbit_counter(fixed: tuple[int, ...], free: tuple[int, ...]) -> _OrbitCounter:
    return _OrbitCounter(fixed, free)


@cache
def _equal_positions(sizes: tuple[int, ...], fixed: tuple[bool, ...]) -> _Positions:
    return _Positions(sizes, fixed)


@cache
def _positions(number: int) -> _Positions:
    free = free_coordinates(number)
    sizes = multiplicities(number)
    return _equal_positions(tuple(sizes.values()), tuple(free[letter] == 0 for letter in sizes))


@lru_cache(CACHE_SIZE)
def _first_choices(
    positions: _Positions, counts: tuple[int, ...], limit: int
) -> tuple[tuple[Choice, ...], ...]:
    return tuple(islice(_AssignmentEnumerator(positions, counts).all_choices(), limit))


class _AssignmentEnumerator:
    """Enumerates the assignments of one cell content; used positions are the bits of an integer."""

    def __init__(self, positions: _Positions, counts: tuple[int, ...]) -> None:
        self.positions, self.counter = positions, positions.counter
        self.counts = counts
        self.later = [counts[element + 1 :] for element in range(len(counts))]
        limit = max(counts)
        self.sums = [_free_sums(sizes, limit) for sizes in positions.free_from]
        self.reach = positions.reach(limit)
        self._can_complete: dict[tuple[int, int, int, int, int, int], bool] = {}

    def all_choices(self) -> Iterator[tuple[Choice, ...]]:
        """Positions of all elements, those with the fewest orbits first."""
        for orbits in _members(self.counter.orbit_numbers(self.positions.unused_fixed(0), self.counts)):
            yield from self.all_elements(0, orbits, 0)

    def can_complete(self, element: int, count: int, orbits: int, after: int, start: int, used: int) -> bool:
        """Whether ``count`` atoms fit in ``orbits`` orbits from ``start`` on, and the later elements too.

        Precondition: the atoms fit according to ``reach``, which ignores used positions.
        """
        if not self.later[element] and not used >> start:
            return True
        state = element, count, orbits, after, start, used
        result = self._can_complete.get(state)
        if result is None:
            result = self._can_complete[state] = self._check(*state)
        return result

    def _check(self, element: int, count: int, orbits: int, after: int, start: int, used: int) -> bool:
        sums, counter = self.sums[start], self.counter
        unused = self.positions.unused_fixed(used)
        choices = counter.fixed_orbit_choices(self.positions.unused_fixed(used, start), count)
        for taken, fixed, atoms in choices:
            if (
                fixed <= orbits
                and sums[count - atoms] >> (orbits - fixed) & 1
                and counter.orbit_numbers(_difference(unused, taken), self.later[element]) >> after & 1
            ):
                return True
        return False

    def all_elements(self, element: int, orbits: int, used: int) -> Iterator[tuple[Choice, ...]]:
        """Positions of the elements from this one on, with ``orbits`` orbits in total."""
        count, last = self.counts[element], not self.later[element]
        for first in _members(self.reach[0][count]):
            after = orbits - first
            if after < 0 or (last and after):
                continue
            if self.can_complete(element, count, first, after, 0, used):
                for choice, taken in self.one_element(element, count, first, after, 0, used):
                    if last:
                        yield (choice,)
                        continue
                    for rest in self.all_elements(element + 1, after, taken):
                        yield (choice, *rest)

    def one_element(
        self, element: int, count: int, orbits: int, after: int, start: int, used: int
    ) -> Iterator[tuple[Choice, int]]:
        """Positions for ``count`` atoms in ``orbits`` orbits from ``start`` on, and all used positions."""
        if orbits == 0:
            yield (), used
            return
        sizes, fixed, reach = self.positions.sizes, self.positions.fixed, self.reach
        orbits -= 1
        for index in range(start, len(sizes)):
            left = count - sizes[index]
            if left < 0 or used >> index & 1:
                continue
            taken, following = (used | 1 << index, index + 1) if fixed[index] else (used, index)
            if reach[following][left] >> orbits & 1 and self.can_complete(
                element, left, orbits, after, following, taken
            ):
                for rest, end in self.one_element(element, left, orbits, after, following, taken):
                    yield (index, *rest), end


def _letters(letters: Sequence[str], choices: tuple[Choice, ...]) -> Assignment:
    return tuple(["".join([letters[index] for index in choice]) for choice in choices])


def _difference(unused: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([available - used for available, used in zip(unused, taken, strict=True)])


def _members(bits: int) -> Iterator[int]:
    """The numbers in a set stored as bits, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest

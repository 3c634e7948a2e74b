"""Ways to place a cell content on the Wyckoff positions of a space group, lazily and ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice, product

from alphacrystal.crystal._wyckoff import free_coordinates, multiplicities

Assignment = tuple[str, ...]  # Wyckoff letters of each element, e.g. ("ab", "f")
Choice = tuple[int, ...]  # positions of one element by index, "a" is 0

# Contents share most of their questions: a batch of formulas asks these tables again and again.
REMEMBERED = 50_000
REACH = 20  # atoms of one element that tables are made for, or a multiple of it


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
    for choices in _Search(_positions(number), tuple(counts)).all_choices():
        yield _spelt(letters, choices)


def first_assignments(number: int, counts: Sequence[int], limit: int) -> list[Assignment]:
    """The first ``limit`` of ``wyckoff_assignments``, cached for groups with equal multiplicities."""
    letters = list(multiplicities(number))
    return [_spelt(letters, choices) for choices in _first_choices(_positions(number), tuple(counts), limit)]


def can_place(number: int, counts: Sequence[int]) -> bool:
    """True where the primitive cell content fits on the Wyckoff positions of the space group."""
    positions = _positions(number)
    return positions.coins.orbit_numbers(positions.spare(0), tuple(counts)) != 0


def placeable_units(number: int, counts: Sequence[int], max_atoms: int) -> list[int]:
    """Multiples Z of ``counts`` (atoms of a formula unit) that fit in a cell of up to ``max_atoms``."""
    units = range(1, max_atoms // sum(counts) + 1)
    return [z for z in units if can_place(number, [z * count for count in counts])]


class _Coins:
    """The multiplicities of one or more space groups: free ones can be spent again and again, others once.

    Sets of small numbers are kept as the bits of an integer.

    Attributes:
        once: Distinct multiplicities of the positions without free coordinates. How many of each are left is
            called "spare", in the same order.
        free: Distinct multiplicities of the positions with free coordinates.
    """

    def __init__(self, once: tuple[int, ...], free: tuple[int, ...]) -> None:
        self.once, self.free = once, free
        self.spendings = lru_cache(REMEMBERED)(self._spendings)
        self.orbit_numbers = lru_cache(REMEMBERED)(self._orbit_numbers)

    def _spendings(self, spare: tuple[int, ...], count: int) -> list[tuple[tuple[int, ...], int, int]]:
        """Choices of spare positions for at most ``count`` atoms: how many of each, of all, atoms held."""
        choices = [
            (taken, sum(taken), sum(number * size for number, size in zip(taken, self.once, strict=True)))
            for taken in product(
                *(range(min(have, count // size) + 1) for have, size in zip(spare, self.once, strict=True))
            )
        ]
        return [choice for choice in choices if choice[2] <= count]

    def _orbit_numbers(self, spare: tuple[int, ...], counts: tuple[int, ...]) -> int:
        """Numbers of orbits in which elements with these counts can be placed on the unused positions."""
        if not counts:
            return 1
        count, numbers = counts[0], 0
        sums = _free_sums(self.free, count)
        for taken, orbits, atoms in self.spendings(spare, count):
            own = sums[count - atoms] << orbits
            if own:
                later = self.orbit_numbers(_without(spare, taken), counts[1:])
                for shift in _members(own) if later else ():
                    numbers |= later << shift
        return numbers


@lru_cache(REMEMBERED)
def _free_sums(sizes: tuple[int, ...], limit: int) -> tuple[int, ...]:
    """For each total up to ``limit``: numbers of orbits of these sizes that hold it, as bits."""
    sums = [1] + [0] * limit
    for size in sizes:
        for total in range(size, limit + 1):
            sums[total] |= sums[total - size] << 1
    return tuple(sums)


class _Positions:
    """The positions of all space groups that have the same multiplicities and free positions in order.

    Attributes:
        sizes: Multiplicity of each position.
        fixed: True where a position has no free coordinates.
        free_from: Distinct multiplicities of the free positions from each index on.
        coins: The same in any order.
    """

    def __init__(self, sizes: tuple[int, ...], fixed: tuple[bool, ...]) -> None:
        self.sizes, self.fixed = sizes, fixed
        once: dict[int, int] = {}  # multiplicity -> positions without free coordinates
        for index, size in enumerate(sizes):
            if fixed[index]:
                once[size] = once.get(size, 0) | 1 << index
        self.free_from = [
            tuple(sorted({size for size, own in zip(sizes[start:], fixed[start:], strict=True) if not own}))
            for start in range(len(sizes) + 1)
        ]
        self.masks = [once[size] for size in sorted(once)]
        self.coins = _coins(tuple(sorted(once)), self.free_from[0])
        self._reach: dict[int, list[list[int]]] = {}

    def reach(self, limit: int) -> list[list[int]]:
        """``reach[start][total]``: numbers of orbits from ``start`` on that hold ``total``, none being used.

        It excludes most partial assignments without a closer check.
        """
        limit = REACH * -(-limit // REACH)  # few different ones, so that they are seldom worked out
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

    def spare(self, used: int, start: int = 0) -> tuple[int, ...]:
        """Unused positions without free coordinates from ``start`` on, counted by multiplicity."""
        return tuple([((mask & ~used) >> start).bit_count() for mask in self.masks])


@cache
def _coins(once: tuple[int, ...], free: tuple[int, ...]) -> _Coins:
    return _Coins(once, free)


@cache
def _equal_positions(sizes: tuple[int, ...], fixed: tuple[bool, ...]) -> _Positions:
    return _Positions(sizes, fixed)


@cache
def _positions(number: int) -> _Positions:
    free = free_coordinates(number)
    sizes = multiplicities(number)
    return _equal_positions(tuple(sizes.values()), tuple(free[letter] == 0 for letter in sizes))


@lru_cache(REMEMBERED)
def _first_choices(
    positions: _Positions, counts: tuple[int, ...], limit: int
) -> tuple[tuple[Choice, ...], ...]:
    return tuple(islice(_Search(positions, counts).all_choices(), limit))


class _Search:
    """One enumeration; used positions are the bits of an integer, by index."""

    def __init__(self, positions: _Positions, counts: tuple[int, ...]) -> None:
        self.positions, self.coins = positions, positions.coins
        self.counts = counts
        self.later = [counts[element + 1 :] for element in range(len(counts))]
        limit = max(counts)
        self.sums = [_free_sums(sizes, limit) for sizes in positions.free_from]
        self.reach = positions.reach(limit)
        self.answers: dict[tuple[int, int, int, int, int, int], bool] = {}

    def all_choices(self) -> Iterator[tuple[Choice, ...]]:
        """Positions of all elements, those with the fewest orbits first."""
        for orbits in _members(self.coins.orbit_numbers(self.positions.spare(0), self.counts)):
            yield from self.all_elements(0, orbits, 0)

    def leads_on(self, element: int, count: int, orbits: int, after: int, start: int, used: int) -> bool:
        """Whether ``count`` atoms fit in ``orbits`` orbits from ``start`` on and the later elements then.

        Asked only where ``reach`` says that the atoms fit if no position is used yet.
        """
        if not self.later[element] and not used >> start:
            return True
        question = element, count, orbits, after, start, used
        answer = self.answers.get(question)
        if answer is None:
            answer = self.answers[question] = self._leads_on(*question)
        return answer

    def _leads_on(self, element: int, count: int, orbits: int, after: int, start: int, used: int) -> bool:
        sums, coins = self.sums[start], self.coins
        spare = self.positions.spare(used)
        for taken, fixed, atoms in coins.spendings(self.positions.spare(used, start), count):
            if (
                fixed <= orbits
                and sums[count - atoms] >> (orbits - fixed) & 1
                and coins.orbit_numbers(_without(spare, taken), self.later[element]) >> after & 1
            ):
                return True
        return False

    def all_elements(self, element: int, orbits: int, used: int) -> Iterator[tuple[Choice, ...]]:
        """Positions of the elements from this one on, ``orbits`` in all."""
        count, last = self.counts[element], not self.later[element]
        for own in _members(self.reach[0][count]):
            after = orbits - own
            if after < 0 or (last and after):
                continue
            if self.leads_on(element, count, own, after, 0, used):
                for choice, taken in self.one_element(element, count, own, after, 0, used):
                    if last:
                        yield (choice,)
                        continue
                    for rest in self.all_elements(element + 1, after, taken):
                        yield (choice, *rest)

    def one_element(
        self, element: int, count: int, orbits: int, after: int, start: int, used: int
    ) -> Iterator[tuple[Choice, int]]:
        """Positions for ``count`` atoms in ``orbits`` orbits from ``start`` on, and all used then."""
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
            if reach[following][left] >> orbits & 1 and self.leads_on(
                element, left, orbits, after, following, taken
            ):
                for rest, end in self.one_element(element, left, orbits, after, following, taken):
                    yield (index, *rest), end


def _spelt(letters: Sequence[str], choices: tuple[Choice, ...]) -> Assignment:
    return tuple(["".join([letters[index] for index in choice]) for choice in choices])


def _without(spare: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([have - take for have, take in zip(spare, taken, strict=True)])


def _members(bits: int) -> Iterator[int]:
    """The numbers in a set kept as bits, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest

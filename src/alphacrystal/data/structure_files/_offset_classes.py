"""Classes of objects in a crystal that are joined, across cells, at known distances in lattice vectors."""

from __future__ import annotations

Cell = tuple[int, int, int]


class OffsetClasses:
    """Objects of one cell and their joins with objects of any cell."""

    def __init__(self, size: int) -> None:
        """Begin with ``size`` separate objects."""
        self._joins: list[list[tuple[int, Cell]]] = [[] for _ in range(size)]

    def join(self, first: int, second: int, cell: Cell) -> None:
        """Join the object ``first`` of one cell with the object ``second`` of another.

        Args:
            first: Number of an object.
            second: Number of an object, or the same one.
            cell: Cell of the second one, relative to that of the first.
        """
        self._joins[first].append((second, cell))
        self._joins[second].append((first, minus((0, 0, 0), cell)))

    def classes(self) -> list[list[tuple[int, Cell]]] | None:
        """The objects of each class with their cells, relative to the first one.

        None where an object is joined with its image in another cell: the class has no end then.
        """
        found: list[list[tuple[int, Cell]]] = []
        seen: set[int] = set()
        for start in range(len(self._joins)):
            if start in seen:
                continue
            cells: dict[int, Cell] = {start: (0, 0, 0)}
            queue = [start]
            while queue:
                current = queue.pop()
                for other, offset in self._joins[current]:
                    cell = plus(cells[current], offset)
                    if other not in cells:
                        cells[other] = cell
                        queue.append(other)
                    elif cells[other] != cell:
                        return None
            seen |= cells.keys()
            found.append(sorted(cells.items()))
        return found


def plus(first: Cell, second: Cell) -> Cell:
    """Sum of two cells."""
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def minus(first: Cell, second: Cell) -> Cell:
    """Difference of two cells."""
    return first[0] - second[0], first[1] - second[1], first[2] - second[2]

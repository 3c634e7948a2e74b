"""Coordination shells of atoms, their shapes, and effective coordination numbers.

A shell ends at the widest gap in distance; the numbers change continuously with the coordinates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import PeriodicSite, Structure

Point = tuple[float, float, float]

REACH = 6.0  # Å; neighbours beyond do not count
LONGEST = 1.5  # times the shortest distance: the longest one in a shell
_SAME_PLACE = 0.1  # Å; a shorter distance is that of a site from its atom
MOST = 20  # neighbours in a shell
CLOSE_FIT, LOOSE_FIT = 9.0, 18.0  # degrees; root mean square difference of the angles of a shape
#: Pairs of atoms with the lattice translation of the second one.
Bonds = Sequence[tuple[int, int, tuple[int, int, int]]]
# Of the effective coordination numbers:
EFFECTIVE_REACH = 2.5  # times (volume per atom)^(1/3): neighbours beyond do not count
EXPONENT = 6
FARTHEST = 3.0  # times the mean distance; farther neighbours have no weight
STEPS, SETTLED = 20, 1e-4  # of the mean distances, Å


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The atoms around some sites, by site and distance.

    Attributes:
        site: Index of the site, shape (neighbours,), ascending.
        atom: Index of the neighbour in the structure, shape (neighbours,).
        vectors: From the site to the neighbour in Å, shape (neighbours, 3).
        distances: In Å, shape (neighbours,), ascending for each site.
    """

    site: IntArray
    atom: IntArray
    vectors: FloatArray
    distances: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Shell:
    """The coordination shell of a site.

    Attributes:
        atoms: Indices of the neighbours in the structure, nearest first.
        distances: In Å, shape (neighbours,), ascending.
        shape: Name of the polyhedron, e.g. "octahedron" or "distorted octahedron"; "" without one.
    """

    atoms: IntArray
    distances: FloatArray
    shape: str


def neighbours_within_reach(structure: Structure, sites: list[PeriodicSite]) -> Neighbours:
    """All atoms within REACH of sites of a structure, which are not neighbours of themselves."""
    site, atom, offsets, distances = structure.get_neighbor_list(REACH, sites=sites)
    others = distances > _SAME_PLACE
    site, atom, offsets, distances = site[others], atom[others], offsets[others], distances[others]
    order = np.lexsort((atom, distances, site))
    site, atom, offsets, distances = site[order], atom[order], offsets[order], distances[order]
    centres = np.array([one.frac_coords for one in sites])
    fractional = structure.frac_coords[atom] + offsets - centres[site]
    return Neighbours(site, atom, fractional @ structure.lattice.matrix, distances)


def shell(neighbours: Neighbours, site: int, allowed: Collection[int] | None = None) -> Shell:
    """The coordination shell of a site: neighbours up to the widest relative gap in distance.

    G. O. Brunner and D. Schwarzenbach, doi:10.1524/zkri.1971.133.16.127; here with distances relative to the
    nearest neighbour, up to LONGEST.

    Args:
        neighbours: Of this and other sites.
        site: Index of the site.
        allowed: Indices of the atoms that may belong to the shell; all if None.
    """
    chosen = neighbours.site == site
    if allowed is not None:
        chosen &= np.isin(neighbours.atom, list(allowed))
    distances = neighbours.distances[chosen]
    size = shell_size(distances)
    vectors = neighbours.vectors[chosen][:size]
    return Shell(neighbours.atom[chosen][:size], distances[:size], shape_name(vectors))


def shell_size(distances: FloatArray) -> int:
    """Number of neighbours before the widest relative gap.

    Args:
        distances: In Å, ascending, up to REACH; shape (neighbours,).
    """
    if len(distances) == 0:
        return 0
    limit = min(int((distances <= LONGEST * distances[0]).sum()), MOST)
    following = np.append(distances, REACH)[1 : limit + 1]
    return int(np.argmax(np.round(following / distances[:limit], 3))) + 1


@dataclass(frozen=True, slots=True)
class BondedPart:
    """Atoms that bonds hold together.

    Attributes:
        cells: Cell of each atom of one connected copy of the part, by atom of the cell.
        translations: Lattice translations along closed paths; they generate the translation lattice of the
            part, whose rank is its dimension.
    """

    cells: Mapping[int, tuple[int, int, int]]
    translations: tuple[tuple[int, int, int], ...]

    @property
    def dimension(self) -> int:
        """3 for a framework, 2 for a layer, 1 for a chain, 0 for a molecule."""
        return int(np.linalg.matrix_rank(np.array(self.translations)))


def bonded_parts(bonds: Bonds, atoms: int) -> list[BondedPart]:
    """The parts that bonds hold together, each once.

    Args:
        bonds: Pairs of atoms of a cell, each with the translation of the second one in cells.
        atoms: Number of atoms of the cell.
    """
    neighbours: list[list[tuple[int, tuple[int, int, int]]]] = [[] for _ in range(atoms)]
    for one, other, (x, y, z) in bonds:
        neighbours[one].append((other, (x, y, z)))
        neighbours[other].append((one, (-x, -y, -z)))
    parts: list[BondedPart] = []
    taken: set[int] = set()
    for start in range(atoms):
        if start in taken:
            continue
        places = {start: (0, 0, 0)}
        waiting, loops = [start], {(0, 0, 0)}
        while waiting:
            atom = waiting.pop()
            a, b, c = places[atom]
            for other, (x, y, z) in neighbours[atom]:
                reached = (a + x, b + y, c + z)
                if other not in places:
                    places[other] = reached
                    waiting.append(other)
                else:
                    here = places[other]
                    loops.add((reached[0] - here[0], reached[1] - here[1], reached[2] - here[2]))
        taken |= places.keys()
        parts.append(BondedPart(places, tuple(sorted(loops))))
    return parts


def bonded_dimensions(bonds: Bonds, atoms: int) -> set[int]:
    """Dimensions of the parts that bonds hold together; arguments as in `bonded_parts`."""
    return {part.dimension for part in bonded_parts(bonds, atoms)}


def shape_name(vectors: FloatArray) -> str:
    """The polyhedron with the nearest angles, "distorted" beyond CLOSE_FIT; "" without one.

    Args:
        vectors: To the neighbours, shape (neighbours, 3).
    """
    shapes = _shapes().get(len(vectors), ())
    if not shapes:
        return ""
    angles = _angles(vectors)
    difference, name = min((float(np.sqrt(np.mean((angles - ideal) ** 2))), name) for name, ideal in shapes)
    if difference > LOOSE_FIT:
        return ""
    return name if difference < CLOSE_FIT or len(vectors) < 3 else f"distorted {name}"


def _angles(vectors: FloatArray) -> FloatArray:
    """Sorted angles in degrees between all pairs of vectors, shape (pairs,)."""
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    pairs = np.triu_indices(len(unit), k=1)
    return np.sort(np.degrees(np.arccos(np.clip((unit @ unit.T)[pairs], -1, 1))))


@cache
def _shapes() -> dict[int, list[tuple[str, FloatArray]]]:
    """Sorted angles of the regular shapes by number of neighbours."""
    found: dict[int, list[tuple[str, FloatArray]]] = {}
    for name, points in _corners().items():
        vectors = np.array(points, dtype=np.float64)
        found.setdefault(len(vectors), []).append((name, _angles(vectors)))
    return found


def _ring(count: int, height: float, turn: float = 0.0, radius: float = 1.0) -> list[Point]:
    angles = np.radians(turn + 360 * np.arange(count) / count)
    return [(radius * float(np.cos(a)), radius * float(np.sin(a)), height) for a in angles]


def _corners() -> dict[str, list[Point]]:
    """Corners of regular shapes around the origin; their distances do not matter."""
    up, down = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
    prism = 0.756  # half the height of a trigonal prism of equal edges, over the radius of its triangle
    golden = (1 + 5**0.5) / 2
    cube = [(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)]
    axes = [(x, 0.0, 0.0) for x in (1.0, -1.0)]
    axes += [(0.0, y, 0.0) for y in (1.0, -1.0)] + [up, down]
    edges = [
        point
        for one in (1.0, -1.0)
        for other in (1.0, -1.0)
        for point in ((0.0, one, other), (one, 0.0, other), (one, other, 0.0))
    ]
    icosahedron = [
        point
        for one in (1.0, -1.0)
        for other in (golden, -golden)
        for point in ((0.0, one, other), (one, other, 0.0), (other, 0.0, one))
    ]
    triangle = 3**-0.5 * 2  # radius of the triangles of a close-packed layer, over the distance of the layers
    anticuboctahedron = [
        *_ring(6, 0.0),
        *_ring(3, (2 / 3) ** 0.5, 30, triangle / 2),
        *_ring(3, -((2 / 3) ** 0.5), 30, triangle / 2),
    ]
    return {
        "linear": [up, down],
        "bent": [up, _ring(1, -0.5, 0, 3**0.5 / 2)[0]],
        "triangle": _ring(3, 0.0),
        "trigonal pyramid": _ring(3, 0.5),
        "T shape": [up, down, (1.0, 0.0, 0.0)],
        "tetrahedron": [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)],
        "square": _ring(4, 0.0),
        "seesaw": [up, down, *_ring(2, 0.0, 0.0)[:1], (-0.5, 3**0.5 / 2, 0.0)],
        "trigonal bipyramid": [up, down, *_ring(3, 0.0)],
        "square pyramid": [up, *_ring(4, 0.0)],
        "octahedron": [up, down, *_ring(4, 0.0)],
        "trigonal prism": [*_ring(3, prism), *_ring(3, -prism)],
        "pentagonal bipyramid": [up, down, *_ring(5, 0.0)],
        "capped octahedron": [up, *_ring(3, 0.3), *_ring(3, -0.75, 60)],
        "capped trigonal prism": [*_ring(3, prism), *_ring(3, -prism), (-1.0, 0.0, 0.0)],
        "cube": cube,
        "square antiprism": [*_ring(4, 0.595), *_ring(4, -0.595, 45)],
        "dodecahedron": [
            *_ring(2, 1.0, 0, 0.72),
            *_ring(2, -1.0, 90, 0.72),
            *_ring(2, 0.31, 90, 1.1),
            *_ring(2, -0.31, 0, 1.1),
        ],
        "tricapped trigonal prism": [*_ring(3, prism), *_ring(3, -prism), *_ring(3, 0.0, 60)],
        "bicapped square antiprism": [*_ring(4, 0.595), *_ring(4, -0.595, 45), up, down],
        "cuboctahedron": edges,
        "anticuboctahedron": anticuboctahedron,
        "icosahedron": icosahedron,
        "rhombic dodecahedron": [*cube, *axes],
    }


def effective_coordination(structure: Structure, elements: Sequence[str]) -> FloatArray:
    """Mean effective coordination numbers of elements, by the element of the neighbours.

    A neighbour at the distance d counts as exp(1 - (d / m)^6), where m is the mean distance with these
    weights: R. Hoppe, doi:10.1524/zkri.1979.150.14.23. The numbers depend neither on the cell nor on the
    scale of a crystal: (6, 3) for Ti-O and O-Ti in rutile.

    Args:
        structure: An ordered crystal.
        elements: Symbols, in the order of rows and columns.

    Returns:
        Shape (elements, elements): row, the atoms in the centre; column, their neighbours.
    """
    symbols = np.array([site.specie.symbol for site in structure])
    count = len(structure)
    reach = EFFECTIVE_REACH * (structure.volume / count) ** (1 / 3)
    centre, neighbour, _, distances = structure.get_neighbor_list(reach)
    mean = np.full(count, np.inf)
    np.minimum.at(mean, centre, distances)
    weights = np.zeros_like(distances)
    for _ in range(STEPS):
        weights = np.exp(1 - np.minimum(distances / mean[centre], FARTHEST) ** EXPONENT)
        total = np.bincount(centre, weights, count)
        changed = np.where(total > 0, np.bincount(centre, weights * distances, count) / (total + 1e-12), mean)
        settled = np.allclose(changed[total > 0], mean[total > 0], rtol=0, atol=SETTLED)
        mean = changed
        if settled:
            break
    numbers = np.zeros((len(elements), len(elements)))
    for row, element in enumerate(elements):
        atoms = int((symbols == element).sum())
        for column, other in enumerate(elements):
            pair = (symbols[centre] == element) & (symbols[neighbour] == other)
            numbers[row, column] = weights[pair].sum() / atoms
    return numbers

"""CHGNet's atom, bond and angle graph of a crystal, with symmetry-equivalent parts kept once.

CHGNet's features are invariant under rotations, reflections and translations, so atoms, bonds and angles that
a space-group operation maps onto each other carry equal features in every layer. The quotient graph holds one
of each orbit and how often it occurs; its energy equals that of the full graph, and its gradient, averaged
over the group, equals the full gradient. For the trivial group it is the full graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphacrystal.crystal import Crystal, CrystalSymmetry
from alphacrystal.typing import BoolArray, FloatArray, IntArray

#: Neighbours are gathered this far (Å) beyond the cutoffs, so that a graph outlives several small moves.
SKIN = 0.4

#: Lattice translations of a neighbour are packed into one integer with this many values per axis.
_RADIX = 2048

#: More neighbours than this per atom means a collapsed cell; the graph would not fit in memory.
_MAX_NEIGHBOURS = 2000


class GraphError(Exception):
    """The crystal has no usable graph; the text is one clause for the user."""


@dataclass(frozen=True, slots=True)
class QuotientGraph:
    """Orbits of atoms, bonds, messages and angles of one crystal within cutoff + skin.

    "Vectors" are directed neighbour vectors of the crystal; everything geometric is computed from them.

    Attributes:
        lattice, frac_coords: Geometry the graph was gathered at.
        orbit_atom: Representative atom of each atom orbit, shape (orbits,).
        orbit_size: Atoms per orbit, shape (orbits,).
        vector_start, vector_end: Atoms, shape (vectors,); vector = x[end] + vector_image - x[start].
        vector_image: Lattice translations, shape (vectors, 3).
        bond_vector: The vector whose length is that of the bond orbit, shape (bonds,).
        message_centre, message_neighbour: Atom orbits, shape (messages,).
        message_bond: Bond orbit that carries the message, shape (messages,).
        message_weight: How many equal messages the centre receives, shape (messages,).
        message_pair: Which pair of centre and neighbour it joins, shape (messages,).
        pair_centre, pair_neighbour: Atom orbits of the distinct pairs, shape (pairs,).
        angle_vectors: The two vectors at the apex, shape (angles, 2).
        angle_bonds: Their bond orbits, shape (angles, 2); the first bond is the one updated.
        angle_apex: Atom orbit at the apex, shape (angles,).
        angle_weight: How many equal angles act on one bond of the first orbit, shape (angles,).
        angle_spoke: Which pair of first bond and apex it has, shape (angles,).
        spoke_bond, spoke_apex: Bond and atom orbits of the distinct pairs, shape (spokes,).
    """

    lattice: FloatArray
    frac_coords: FloatArray
    orbit_atom: IntArray
    orbit_size: IntArray
    vector_start: IntArray
    vector_end: IntArray
    vector_image: IntArray
    bond_vector: IntArray
    message_centre: IntArray
    message_neighbour: IntArray
    message_bond: IntArray
    message_weight: FloatArray
    message_pair: IntArray
    pair_centre: IntArray
    pair_neighbour: IntArray
    angle_vectors: IntArray
    angle_bonds: IntArray
    angle_apex: IntArray
    angle_weight: FloatArray
    angle_spoke: IntArray
    spoke_bond: IntArray
    spoke_apex: IntArray

    def covers(self, crystal: Crystal, cutoffs: tuple[float, float]) -> bool:
        """Whether every pair within the ``cutoffs`` (Å) the graph was built for is still in it."""
        deformation = np.linalg.solve(self.lattice, crystal.lattice)
        shrink = np.linalg.svd(deformation, compute_uv=False)[-1]
        moved = (crystal.frac_coords - self.frac_coords) @ crystal.lattice
        moved -= moved.mean(axis=0)
        reach = np.sqrt((moved**2).sum(axis=1).max())
        return all((cutoff + SKIN) * shrink - 2 * reach >= cutoff for cutoff in cutoffs)


def build_quotient_graph(
    crystal: Crystal, symmetry: CrystalSymmetry, cutoff: float, angle_cutoff: float
) -> QuotientGraph:
    """Gather neighbours of one atom per orbit and group bonds, messages and angles into orbits.

    Args:
        crystal: Its symmetry must hold to rounding.
        symmetry: Operations to divide by.
        cutoff: Reach of bonds and messages in Å.
        angle_cutoff: Reach of the bonds that form angles in Å.

    Raises:
        GraphError: An atom has no neighbour within the cutoff, or far too many.
    """
    atom_orbit, orbit_atom, to_representative = _atom_orbits(symmetry)
    start, end, image, distance = _neighbours(crystal, orbit_atom, cutoff + SKIN)
    if len(np.unique(start)) < len(orbit_atom) or np.any(
        np.minimum.reduceat(distance, np.searchsorted(start, orbit_atom)) > cutoff
    ):
        raise GraphError(f"an atom has no neighbour within {cutoff:g} Å")

    keys = _keys(start, end, image)
    order = np.argsort(keys)
    start, end, image, distance, keys = start[order], end[order], image[order], distance[order], keys[order]

    # Directed edges: orbits under the site group of their centre, then joined with their reverses.
    lowest, complete = _site_orbits(start, end, image, keys, orbit_atom, symmetry)
    reverse, has_reverse = _reverses(start, end, image, keys, symmetry, to_representative)
    keep = complete & has_reverse
    keep &= keep[lowest] & keep[np.where(has_reverse, reverse, 0)]
    lowest_of_reverse = lowest[reverse]
    edge_class, edge_count = np.unique(lowest[keep], return_counts=True)
    bond_name = np.minimum(lowest, lowest_of_reverse)
    bond_edge = np.unique(bond_name[keep])
    bond_of_edge = np.searchsorted(bond_edge, bond_name)

    orbit_size = np.bincount(atom_orbit)
    # Undirected bonds per bond orbit: all its directed edges in the cell, halved.
    directed = np.bincount(bond_of_edge[keep], orbit_size[atom_orbit[start[keep]]], len(bond_edge))
    bonds_in_orbit = directed / 2

    # One length per bond orbit decides, so that rounding cannot split an orbit.
    short = keep & (distance[bond_name] < angle_cutoff + SKIN)
    angles = _angles(np.flatnonzero(short), start, end, image, keys, orbit_atom, symmetry)
    first, second, count = angles
    angle_weight = count * orbit_size[atom_orbit[start[first]]] / bonds_in_orbit[bond_of_edge[first]]

    used = np.zeros(len(keys), dtype=bool)
    used[bond_edge] = True
    used[first] = used[second] = True
    new = np.cumsum(used) - 1
    message_centre, message_neighbour = atom_orbit[start[edge_class]], atom_orbit[end[edge_class]]
    pair_centre, pair_neighbour, message_pair = _distinct(message_centre, message_neighbour)
    spoke_bond, spoke_apex, angle_spoke = _distinct(bond_of_edge[first], atom_orbit[start[first]])
    return QuotientGraph(
        lattice=crystal.lattice.copy(),
        frac_coords=crystal.frac_coords.copy(),
        orbit_atom=orbit_atom,
        orbit_size=orbit_size,
        vector_start=start[used],
        vector_end=end[used],
        vector_image=image[used],
        bond_vector=new[bond_edge],
        message_centre=message_centre,
        message_neighbour=message_neighbour,
        message_bond=bond_of_edge[edge_class],
        message_weight=edge_count.astype(np.float64),
        message_pair=message_pair,
        pair_centre=pair_centre,
        pair_neighbour=pair_neighbour,
        angle_vectors=np.stack([new[first], new[second]], axis=1),
        angle_bonds=np.stack([bond_of_edge[first], bond_of_edge[second]], axis=1),
        angle_apex=atom_orbit[start[first]],
        angle_weight=angle_weight,
        angle_spoke=angle_spoke,
        spoke_bond=spoke_bond,
        spoke_apex=spoke_apex,
    )


def _distinct(first: IntArray, second: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The distinct pairs of two columns, and which of them each row is."""
    width = int(second.max(initial=0)) + 1
    pairs, row = np.unique(first * width + second, return_inverse=True)
    return pairs // width, pairs % width, row


def _atom_orbits(symmetry: CrystalSymmetry) -> tuple[IntArray, IntArray, IntArray]:
    """Orbit of each atom, first atom of each orbit, an operation that takes each atom to that first one."""
    lowest = symmetry.permutations.min(axis=0)
    orbit_atom, atom_orbit = np.unique(lowest, return_inverse=True)
    to_representative = (symmetry.permutations == lowest).argmax(axis=0)
    return atom_orbit, orbit_atom, to_representative


def _neighbours(
    crystal: Crystal, centres: IntArray, reach: float
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Directed edges from ``centres`` to every atom within ``reach`` Å, sorted by centre."""
    from pymatgen.optimization.neighbors import find_points_in_spheres

    atoms_in_sphere = 4 / 3 * np.pi * reach**3 * len(crystal) / crystal.volume
    if not atoms_in_sphere < _MAX_NEIGHBOURS:
        raise GraphError("the cell has collapsed")
    cartesian = np.ascontiguousarray(crystal.frac_coords @ crystal.lattice)
    start, end, image, distance = find_points_in_spheres(
        cartesian,
        np.ascontiguousarray(cartesian[centres]),
        r=reach,
        pbc=np.ones(3, dtype=np.int64),
        lattice=np.ascontiguousarray(crystal.lattice),
        tol=1e-8,
    )
    start = centres[start]
    itself = (start == end) & (distance < 1e-8)
    order = np.argsort(start[~itself], kind="stable")
    start, end, distance = (a[~itself][order] for a in (start, end, distance))
    # Images refer to the unwrapped fractional coordinates, as the symmetry's shifts do.
    return start, end, np.rint(image[~itself][order]).astype(np.int64), distance


def _keys(start: IntArray | np.int64, end: IntArray, image: IntArray) -> IntArray:
    """One integer per directed edge, equal only for equal edges."""
    packed = start * (1 << 17) + end
    for axis in range(3):
        packed = packed * _RADIX + (image[..., axis] + _RADIX // 2)
    return np.asarray(packed, dtype=np.int64)


def _look_up(wanted: IntArray, keys: IntArray) -> tuple[IntArray, BoolArray]:
    """Positions of ``wanted`` in sorted ``keys``, and whether they are there."""
    position = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return position, keys[position] == wanted


def _site_images(
    atom: int, mine: IntArray, end: IntArray, image: IntArray, keys: IntArray, symmetry: CrystalSymmetry
) -> tuple[IntArray, BoolArray]:
    """Where the site group of ``atom`` takes its edges ``mine``.

    Positions in ``keys`` and whether the edge is there, both of shape (operations, edges).
    """
    site = np.flatnonzero(symmetry.permutations[:, atom] == atom)
    turned = np.einsum("gab,mb->gma", symmetry.rotations[site], image[mine])
    turned += symmetry.shifts[site][:, end[mine]] - symmetry.shifts[site][:, [atom]]
    return _look_up(_keys(np.int64(atom), symmetry.permutations[site][:, end[mine]], turned), keys)


def _site_orbits(
    start: IntArray,
    end: IntArray,
    image: IntArray,
    keys: IntArray,
    orbit_atom: IntArray,
    symmetry: CrystalSymmetry,
) -> tuple[IntArray, BoolArray]:
    """For each edge, the first edge that its centre's site group maps it to, and whether all images exist."""
    lowest = np.arange(len(keys))
    complete = np.ones(len(keys), dtype=bool)
    if len(symmetry) == 1:
        return lowest, complete
    for atom in orbit_atom:
        mine = np.flatnonzero(start == atom)
        position, found = _site_images(atom, mine, end, image, keys, symmetry)
        complete[mine] = found.all(axis=0)
        lowest[mine] = np.where(found, position, len(keys)).min(axis=0)
    return lowest, complete


def _reverses(
    start: IntArray,
    end: IntArray,
    image: IntArray,
    keys: IntArray,
    symmetry: CrystalSymmetry,
    to_representative: IntArray,
) -> tuple[IntArray, BoolArray]:
    """For each edge, an edge equivalent to its reverse that starts at a representative atom."""
    g = to_representative[end]
    turned = np.einsum("mab,mb->ma", symmetry.rotations[g], -image)
    turned += symmetry.shifts[g, start] - symmetry.shifts[g, end]
    return _look_up(_keys(symmetry.permutations[g, end], symmetry.permutations[g, start], turned), keys)


def _angles(
    short: IntArray,
    start: IntArray,
    end: IntArray,
    image: IntArray,
    keys: IntArray,
    orbit_atom: IntArray,
    symmetry: CrystalSymmetry,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Ordered pairs of distinct short edges with one centre: first of each orbit, and orbit sizes."""
    if len(symmetry) == 1:
        return _all_angles(short, start)
    firsts, seconds, counts = [short[:0]], [short[:0]], [np.zeros(0)]
    for atom in orbit_atom:
        mine = short[start[short] == atom]
        k = len(mine)
        if k < 2:
            continue
        position, _ = _site_images(atom, mine, end, image, keys[mine], symmetry)
        name = (position[:, :, None] * k + position[:, None, :]).min(axis=0)
        pairs, count = np.unique(name[~np.eye(k, dtype=bool)], return_counts=True)
        firsts.append(mine[pairs // k])
        seconds.append(mine[pairs % k])
        counts.append(count.astype(np.float64))
    return np.concatenate(firsts), np.concatenate(seconds), np.concatenate(counts)


def _all_angles(short: IntArray, start: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """As `_angles` without symmetry: every ordered pair is a separate orbit."""
    centre = start[short]  # sorted: edges are
    degree = np.bincount(centre, minlength=int(centre.max(initial=0)) + 1)
    repeats = degree[centre]
    first = np.repeat(np.arange(len(short)), repeats)
    begin = (np.cumsum(degree) - degree)[centre]
    steps = np.arange(len(first)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    second = np.repeat(begin, repeats) + steps
    distinct = first != second
    first, second = short[first[distinct]], short[second[distinct]]
    return first, second, np.ones(len(first))

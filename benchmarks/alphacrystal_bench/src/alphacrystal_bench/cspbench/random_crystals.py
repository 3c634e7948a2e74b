"""Controls of match rates: random or commonest coordinates in the very same hypotheses and cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import SymmetryHypothesis, atom_sites, encode, space_group
from alphacrystal.learn import prototype_coordinates


def random_crystals(hypotheses: Iterable[SymmetryHypothesis], seed: int) -> Iterator[Structure]:
    """One crystal of each hypothesis, in its predicted cell, with random free coordinates."""
    random = np.random.default_rng(seed)
    for hypothesis in hypotheses:
        encoding = encode(hypothesis)
        positions = encoding.positions(random.random(encoding.free))
        species = [chemical_symbols[number] for number in encoding.numbers]
        yield Structure(Lattice(encoding.lattice(np.zeros(6))), species, positions)


def commonest_crystals(hypotheses: Sequence[SymmetryHypothesis], seed: int) -> Iterator[Structure]:
    """One crystal of each hypothesis, in its predicted cell, with the commonest coordinates of its type.

    Where the type was never seen, or has nothing free, that of ``random_crystals``.
    """
    ways = prototype_coordinates(hypotheses)
    for hypothesis, places, drawn in zip(hypotheses, ways, random_crystals(hypotheses, seed), strict=True):
        if not len(places):
            yield drawn
            continue
        group = space_group(hypothesis.space_group)
        species = [chemical_symbols[number] for number in atom_sites(hypothesis).numbers]
        lattice = Lattice(group.primitive_basis(hypothesis.lattice.matrix()))
        yield Structure(lattice, species, places[0] @ group.to_primitive.T)

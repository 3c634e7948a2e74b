"""The control of every match rate: random coordinates in the very same hypotheses and cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import SymmetryHypothesis, encode


def random_crystals(hypotheses: Iterable[SymmetryHypothesis], seed: int) -> Iterator[Structure]:
    """One crystal of each hypothesis, in its predicted cell, with random free coordinates."""
    random = np.random.default_rng(seed)
    for hypothesis in hypotheses:
        encoding = encode(hypothesis)
        positions = encoding.positions(random.random(encoding.free))
        species = [chemical_symbols[number] for number in encoding.numbers]
        yield Structure(Lattice(encoding.lattice(np.zeros(6))), species, positions)

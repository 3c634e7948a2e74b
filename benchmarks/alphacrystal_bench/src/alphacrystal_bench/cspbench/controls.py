"""Controls of match rates: random or commonest coordinates in the same hypotheses, and copied templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import Formula, formula_units_within, parse_formula
from alphacrystal.config import PredictConfig
from alphacrystal.crystal import SymmetryHypothesis, atom_sites, encode, space_group
from alphacrystal.data import benchmark_formulas
from alphacrystal.errors import InputError
from alphacrystal.evaluation import match_pair
from alphacrystal.generate import TemplateGenerator, TemplateLibrary
from alphacrystal.learn import prototype_coordinates

MAX_ATOMS: int = PredictConfig.model_fields["max_atoms"].default  # in the primitive cells that are predicted
UNRELAXED = 20  # structures of a list without relaxation that are compared


def random_crystals(hypotheses: Iterable[SymmetryHypothesis], seed: int) -> Iterator[Structure]:
    """One crystal per hypothesis, in its predicted cell, with random free coordinates."""
    random = np.random.default_rng(seed)
    for hypothesis in hypotheses:
        encoding = encode(hypothesis)
        positions = encoding.positions(random.random(encoding.free))
        species = [chemical_symbols[number] for number in encoding.numbers]
        yield Structure(Lattice(encoding.lattice(np.zeros(6))), species, positions)


def commonest_crystals(hypotheses: Sequence[SymmetryHypothesis], seed: int) -> Iterator[Structure]:
    """One crystal per hypothesis, in its predicted cell, with the commonest coordinates of its type.

    For types without prototype coordinates, or without free coordinates, the crystal of ``random_crystals``.
    """
    prototypes = prototype_coordinates(hypotheses)
    drawn = random_crystals(hypotheses, seed)
    for hypothesis, coordinates, random in zip(hypotheses, prototypes, drawn, strict=True):
        if not len(coordinates):
            yield random
            continue
        group = space_group(hypothesis.space_group)
        species = [chemical_symbols[number] for number in atom_sites(hypothesis).numbers]
        lattice = Lattice(group.primitive_basis(hypothesis.lattice.matrix()))
        yield Structure(lattice, species, coordinates[0] @ group.to_primitive.T)


def read_templates(source: Path, formulas: Iterable[str]) -> TemplateLibrary:
    """Template library for some formulas, without the formulas of any benchmark."""
    parsed = [parse_formula(formula) for formula in formulas]
    return TemplateLibrary.read(source, forbid=benchmark_formulas(), only=parsed)


def template_matches(text: str, truth: Structure, library: TemplateLibrary, seed: int) -> list[bool]:
    """Whether each of the most similar templates matches, best first."""
    formula = parse_formula(text)
    copies = template_copies(formula, formula_units_within(formula, MAX_ATOMS), library, seed)
    return [bool(match_pair(crystal, truth).matched) for crystal in copies]


def template_copies(
    formula: Formula, formula_units: Sequence[int], library: TemplateLibrary, seed: int
) -> list[Structure]:
    """The most similar templates with the elements of a formula; never a crystal of the same formula."""
    generator = TemplateGenerator(formula_units, library, allow_same_formula=False)
    try:
        candidates = list(generator.generate(formula, UNRELAXED, np.random.default_rng(seed)))
    except InputError:  # no template has this stoichiometry
        return []
    return [candidate.structure for candidate in candidates]

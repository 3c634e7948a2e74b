"""The control of every match rate with a memory: known crystals with their elements exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.data import benchmark_formulas
from alphacrystal.errors import InputError
from alphacrystal.evaluate import match_pair
from alphacrystal.generate import TemplateGenerator, TemplateLibrary
from alphacrystal_bench.cspbench.compounds import UNRELAXED, Compound

LARGEST = 20  # atoms in the primitive cells that are tried


def read_templates(source: Path, compounds: Sequence[Compound]) -> TemplateLibrary:
    """What may serve as template: no compound of a benchmark, whatever the file holds."""
    formulas = [parse_formula(compound.formula) for compound in compounds]
    return TemplateLibrary.read(source, forbid=benchmark_formulas(), only=formulas)


def template_matches(compound: Compound, library: TemplateLibrary, seed: int) -> list[bool]:
    """Which of the likest templates match, best first; never a crystal of the formula itself."""
    formula = parse_formula(compound.formula)
    generator = TemplateGenerator(formula_units_within(formula, LARGEST), library, allow_same_formula=False)
    try:
        made = list(generator.generate(formula, UNRELAXED, np.random.default_rng(seed)))
    except InputError:  # no template has this stoichiometry
        return []
    return [bool(match_pair(candidate.structure, compound.structure).matched) for candidate in made]

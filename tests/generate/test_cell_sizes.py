"""Which cells a generator considers, and how many candidates of large cells it gives."""

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.config import MAX_ATOMS, make_config
from alphacrystal.generate import Candidate, GeneratorContext
from alphacrystal.generate.generators.distance_matrix import (
    MAX_TOTAL_ATOMS,
    MIN_CANDIDATES,
    within_atom_budget,
)


def context(text: str, **settings: object) -> GeneratorContext:
    formula = parse_formula(text)
    config = make_config(**settings)
    units = list(config.z) or formula_units_within(formula, MAX_ATOMS)
    return GeneratorContext(formula, units, config, lambda: None, lambda: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("Zr4Al3", {}, [1, 2]),
        ("Ca3Al2Si3O12", {}, [1]),
        ("Ca5P3O13H", {}, [1]),  # one formula unit has 22 atoms: the smallest cell
        ("Zr4Al3", {"z": (4,)}, [4]),
    ],
)
def test_searches_without_learned_types_consider_small_cells(
    text: str, settings: dict[str, object], expected: list[int]
) -> None:
    assert list(context(text, **settings).searched_units) == expected


def candidates(atoms: int, count: int) -> list[Candidate]:
    positions = [[i / atoms, 0, 0] for i in range(atoms)]
    structure = Structure(Lattice.cubic(30), ["Na"] * atoms, positions)
    return [Candidate(structure, "test", -1.0 * number) for number in range(count)]


@pytest.mark.parametrize(("atoms", "expected"), [(4, 60), (40, 60), (50, 48), (80, 40)])
def test_larger_cells_give_fewer_candidates(atoms: int, expected: int) -> None:
    listed = candidates(atoms, 60)
    kept = within_atom_budget(listed)
    assert kept == listed[:expected]
    assert len(kept) <= MIN_CANDIDATES or sum(len(c.structure) for c in kept) <= MAX_TOTAL_ATOMS

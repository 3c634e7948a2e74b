"""The textbook compounds have the symmetry and the composition of their entries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Composition
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from alphacrystal_bench.generation.textbook_structures import TEXTBOOK, TextbookCompound


@pytest.mark.parametrize("compound", TEXTBOOK, ids=lambda compound: compound.formula)
def test_structure_has_the_stated_symmetry_and_composition(compound: TextbookCompound) -> None:
    structure = compound.structure()
    assert SpacegroupAnalyzer(structure, 0.01).get_space_group_symbol() == compound.space_group
    assert structure.composition.reduced_composition == Composition(compound.formula).reduced_composition
    neighbours = structure.get_all_neighbors(4.0)
    assert 1.2 < min(n.nn_distance for around in neighbours for n in around) < 3.9


def test_sixty_compounds() -> None:
    assert len({compound.formula for compound in TEXTBOOK}) == 60


def test_benchmark_prints_ranks_of_all_orders(run: Callable[..., Any], tmp_path: Path) -> None:
    arguments = ("benchmark", "textbook", "--limit", "2", "--no-relax", "--out", tmp_path / "out")
    outcome = run(*arguments)
    assert outcome.code == 0, outcome.err
    assert "| Cu | fcc, Fm-3m | 1 |" in outcome.out
    assert "networks alone" in outcome.out
    assert run(*arguments).code == 0
    assert run(*arguments[:4], "--out", tmp_path / "out").code == 2  # other settings

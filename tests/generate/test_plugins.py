"""Generators of other packages: found by name, mixed with built-in ones, their errors in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alphacrystal import predict
from alphacrystal.composition import parse_formula
from alphacrystal.config import make_config
from alphacrystal.errors import InputError
from alphacrystal.generate import GENERATORS, build_generator
from alphacrystal.pipeline.preflight import generator_context

Offer = Callable[[str, str, dict[str, str]], Path]
GROUP = "alphacrystal.generators"
SOURCE = """
from ase import Atoms
from alphacrystal.generate import Candidate

class Salts:
    name = "salts"

    def __init__(self, crystals):
        self.crystals = crystals

    def generate(self, formula, count, rng):
        for a in 5 + rng.random(self.crystals):
            cell = [[0, a / 2, a / 2], [a / 2, 0, a / 2], [a / 2, a / 2, 0]]
            atoms = Atoms(formula.elements, cell=cell, scaled_positions=[[0, 0, 0], [0.5] * 3], pbc=True)
            yield Candidate(atoms, "whatever", None)

class Wrong(Salts):
    def generate(self, formula, count, rng):
        yield Candidate(Atoms("Cu", cell=[2, 2, 2], pbc=True), "wrong", None)

class Broken(Salts):
    def generate(self, formula, count, rng):
        raise RuntimeError("no idea")
        yield

def salts(context):
    assert list(context.formula_units) == [1, 2]
    return Salts(9)

def wrong(context):
    return Wrong(1)

def broken(context):
    return Broken(1)

def nothing(context):
    return None
"""
NAMES = {"salts": "salts", "wrong": "wrong", "broken": "broken", "nothing": "nothing"}
NACL = parse_formula("NaCl")


@pytest.fixture(autouse=True)
def plugins(offer: Offer) -> None:
    offer(GROUP, SOURCE, NAMES)


def test_plugins_are_found_and_give_as_many_as_requested() -> None:
    assert {"broken", "nothing", "salts", "wrong"} < set(GENERATORS.names())
    context = generator_context(NACL, [1, 2], make_config())
    made = list(build_generator("salts", context).generate(NACL, 3, np.random.default_rng(0)))
    assert [candidate.generator for candidate in made] == ["salts"] * 3
    assert {candidate.structure.composition.reduced_formula for candidate in made} == {"NaCl"}


def test_run_mixes_them_with_ours(tmp_path: Path) -> None:
    generators = ("distance_matrix", "salts")
    run = predict(
        "NaCl", folder=tmp_path / "run", generators=generators, candidates=4, max_atoms=4, relax=False
    )
    assert [candidate.generator for candidate in run.candidates] == ["distance_matrix"] * 2 + ["salts"] * 2


def test_plugin_that_fails_in_a_mix_is_noted(tmp_path: Path) -> None:
    generators = ("distance_matrix", "broken")
    run = predict(
        "NaCl", folder=tmp_path / "run", generators=generators, candidates=4, max_atoms=4, relax=False
    )
    assert "broken gave no candidates: The generator broken failed: RuntimeError no idea." in run.notes


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wrong", "gave Cu, not an ordered crystal of NaCl"),
        ("broken", "The generator broken failed: RuntimeError no idea"),
        ("nothing", "has no method generate"),
        ("missing", "There is no generator 'missing': choose from .*distance_matrix, .*, salts, .*wrong"),
    ],
)
def test_errors_of_a_plugin_are_named(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        predict("NaCl", folder=tmp_path / "run", generators=(name,), max_atoms=4, relax=False)

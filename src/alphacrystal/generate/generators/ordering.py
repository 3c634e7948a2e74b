"""Ordered approximants of a disordered crystal: a file with partial occupancies, or a solid solution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.disorder import (
    ARRANGEMENTS,
    PARENT,
    Approximants,
    alloy_structure,
    approximant_formula,
    disorder_facts,
    ordered_approximants,
    solid_solution,
)
from alphacrystal.errors import InputError
from alphacrystal.generate.arrangement import expected_volume
from alphacrystal.generate.protocol import Candidate
from alphacrystal.generate.registry import GeneratorContext, register

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from alphacrystal.composition import Formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.crystal import Assembly

#: Name of the generator.
ORDERING = "ordering"


@dataclass(frozen=True, slots=True, eq=False)
class Parent:
    """A disordered crystal.

    Attributes:
        structure: With partial occupancies.
        name: In messages and tables.
        path: Its file in messages, "" for an alloy.
        assemblies: Its clusters of disorder groups.
    """

    structure: Structure
    name: str
    path: str = ""
    assemblies: tuple[Assembly, ...] = ()


def ordering_candidates(approximants: Approximants, parent: str) -> list[Candidate]:
    """The orderings as candidates.

    Args:
        approximants: The orderings.
        parent: Name of the disordered crystal in tables.
    """
    facts = disorder_facts(approximants, parent).model_dump(mode="json", exclude_none=True)
    candidates = []
    for ordering in approximants.orderings:
        provenance: dict[str, object] = {
            "parent_cells": ordering.cells,
            ARRANGEMENTS: ordering.arrangements,
            PARENT: facts,
        }
        if ordering.electrostatic_energy is not None:
            provenance["electrostatic_energy_per_atom_ev"] = round(ordering.electrostatic_energy, 6)
        candidates.append(Candidate(ordering.structure, ORDERING, None, None, provenance))
    return candidates


def read_parent(path: Path) -> Parent:
    """The disordered crystal of a file.

    Raises:
        InputError: The file cannot be read, or holds several crystals or an ordered one.
    """
    from alphacrystal.data import read_crystals

    crystals = read_crystals(path, disordered=True)
    if len(crystals) != 1:
        raise InputError(f"{path} holds {len(crystals)} structures: give one disordered crystal.")
    structure = crystals[0].structure
    if structure.is_ordered:
        raise InputError(
            f"{path} is fully ordered: relax it with alphacrystal relax, or give it with --seed-structures "
            "or --solid-solution."
        )
    return Parent(structure, path.name, str(path), crystals[0].assemblies)


def solid_solution_parent(path: Path, formula: Formula) -> Parent:
    """A solid solution on the sites of the crystal of a file.

    Args:
        path: The file of the parent compound.
        formula: Its text has the composition of the solid solution.

    Raises:
        InputError: The file cannot be read or holds several crystals, or the formula does not fit on its
            sites.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.data import read_crystals

    crystals = read_crystals(path)
    if len(crystals) != 1:
        raise InputError(f"{path} holds {len(crystals)} structures: give one parent compound.")
    amounts = parse_formula(formula.text).counts
    structure = solid_solution(crystals[0].structure, amounts, str(path), formula.text)
    return Parent(structure, f"{formula.text} in {path.name}", f"{formula.text} in {path}")


def parents(formula: Formula, config: PredictConfig) -> list[Parent]:
    """The disordered crystals of a run.

    Args:
        formula: Of the run; its text has the composition of an alloy or solid solution.
        config: Names the file or the lattices.

    Raises:
        InputError: A file cannot be used.
    """
    if config.disordered is not None:
        return [read_parent(config.disordered)]
    if config.solid_solution is not None:
        return [solid_solution_parent(config.solid_solution, formula)]
    from alphacrystal.composition import parse_formula

    formula_amounts = parse_formula(formula.text).counts
    total = sum(formula_amounts.values())
    volume = sum(expected_volume({symbol: 1}) * x for symbol, x in formula_amounts.items()) / total
    text = "".join(f"{symbol}{amount / total:.4g}" for symbol, amount in formula_amounts.items())
    return [
        Parent(alloy_structure(lattice, formula_amounts, volume), f"{lattice} {text}")
        for lattice in config.alloy
    ]


@dataclass(frozen=True, slots=True, eq=False)
class OrderingGenerator:
    """Enumerates the inequivalent orderings of disordered crystals.

    Attributes:
        parents: The disordered crystals, which share the candidates evenly.
        max_atoms: Atoms in the primitive cell at most.
        most: Orderings of all crystals at most.
        seed: Of a random sample.
    """

    parents: list[Parent]
    max_atoms: int
    most: int
    seed: int
    name: str = ORDERING

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates of a formula; the seed of the run draws a sample.

        Raises:
            InputError: No crystal has an ordered approximant of the formula.
        """
        count = min(count, self.most)
        failures: list[InputError] = []
        yielded = 0
        for place, parent in enumerate(self.parents):
            share = len(range(place, count, len(self.parents)))
            if not share:
                continue
            try:
                approximants = ordered_approximants(
                    parent.structure,
                    parent.path or parent.name,
                    max_atoms=self.max_atoms,
                    count=share,
                    seed=self.seed,
                    formula=formula.counts,
                    assemblies=parent.assemblies,
                )
            except InputError as error:
                failures.append(error)
                continue
            for candidate in ordering_candidates(approximants, parent.name):
                yield candidate
                yielded += 1
        if not yielded and failures:
            raise failures[0]


def _check(context: GeneratorContext) -> None:
    config, formula = context.config, context.formula
    sources = [config.disordered is not None, config.solid_solution is not None, bool(config.alloy)]
    if sum(sources) != 1:
        raise InputError(
            "The generator ordering needs one disordered crystal: give --disordered FILE, --solid-solution "
            "FILE or --alloy fcc."
        )
    if config.alloy and len(formula.elements) < 2:
        raise InputError(f"{formula.text} is one element: an alloy (--alloy) has at least two.")
    given = {
        "--z": config.z,
        "--cell": config.cell,
        "--space-group": config.space_group,
        "--lattice": config.lattice,
    }
    if others := [name for name, value in given.items() if value not in (None, ())]:
        raise InputError(
            f"Ordered approximants have the cell of the disordered crystal: leave out {', '.join(others)}."
        )
    if config.disordered is not None:
        parent = read_parent(config.disordered)
        found = approximant_formula(parent.structure, parent.path, config.order_max_atoms, parent.assemblies)
        if found != formula:
            raise InputError(
                f"The ordered approximants of {config.disordered} have the composition "
                f"{found.reduced_formula}, not "
                f"{formula.name}: give this formula, or alphacrystal predict --from {config.disordered}."
            )


@register(
    ORDERING,
    "ordered approximants of a disordered crystal (--disordered, --solid-solution, --alloy)",
    check=_check,
    unrelaxed_copies=False,
    exhaustive=True,
)
def build_ordering(context: GeneratorContext) -> OrderingGenerator:
    """Build the generator of a run; reads the disordered crystal."""
    config = context.config
    return OrderingGenerator(
        parents(context.formula, config), config.order_max_atoms, config.order_candidates, config.seed
    )

"""Disordered crystals in a run: the formula of their approximants, and the facts of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.data import CrystalRead
    from alphacrystal.disorder import Disorder
    from alphacrystal.generate import Candidate
    from alphacrystal.relaxation import Relaxation

#: Atoms in the formula unit; for larger formulas with decimals the notes name a close smaller one.
SMALL_FORMULA = 20
#: Endings of lists of formulas; such a file is never a structure.
_LIST_ENDINGS = (".csv", ".txt", ".tsv")


def is_structure_source(path: Path) -> bool:
    """Whether the file of ``--from`` is a structure, not a list of formulas."""
    from alphacrystal.data.structure_files import is_structure_file

    return path.suffix.lower() not in _LIST_ENDINGS and is_structure_file(path)


def parent_formula(path: Path, max_atoms: int) -> str:
    """Reduced formula of the ordered approximants of a structure file.

    Args:
        path: The file.
        max_atoms: Atoms of an approximant at most.

    Raises:
        InputError: The file cannot be read, is ordered, or has no approximant.
    """
    from alphacrystal.disorder import approximant_formula
    from alphacrystal.generate.generators.ordering import read_parent

    parent = read_parent(path)
    found = approximant_formula(parent.structure, str(path), max_atoms, parent.assemblies)
    return found.reduced_formula


def approximated_formula(formula: Formula, config: PredictConfig) -> Formula:
    """The formula of the ordered approximants of a solid solution, the nearest that fits into their cells.

    Raises:
        InputError: None comes close to it, or the file of the parent compound cannot be used.
    """
    from alphacrystal.composition import flat_name
    from alphacrystal.disorder import alloy_structure, approximant_formula

    if config.solid_solution is not None:
        from alphacrystal.generate.generators.ordering import solid_solution_parent

        parent = solid_solution_parent(config.solid_solution, formula)
        near = approximant_formula(parent.structure, parent.path, config.order_max_atoms)
    elif config.alloy and formula.num_atoms > config.order_max_atoms:
        structure = alloy_structure("fcc", formula.counts, 1.0)
        near = approximant_formula(structure, formula.text, config.order_max_atoms)
    else:
        return formula
    if near == formula:
        return formula
    name = flat_name(near.counts, formula.text)
    note = f"{formula.text} was approximated by {name}, whose atoms fit into --order-max-atoms"
    return type(formula)(formula.text, near.counts, (note,), name)


def solid_solution_hint(formula: Formula, config: PredictConfig) -> tuple[str, ...]:
    """A note on solid solutions where a formula has fractional amounts."""
    from pymatgen.core import Element

    from alphacrystal.composition import simpler_formula, typed_fractions

    fractions = typed_fractions(formula)
    given = (config.disordered, config.solid_solution, config.fix_sublattice)
    if len(formula.elements) < 2 or not fractions or config.alloy or any(given):
        return ()
    if all(Element(symbol).is_metal for symbol in formula.elements):
        lattices = "--alloy fcc,bcc,hcp"
        return (f"The candidates are ordered compounds; for a solid solution {formula.text} give {lattices}",)
    note = (
        f"The candidates are ordered compounds with {formula.num_atoms} atoms in the formula unit; for a "
        f"solid solution {formula.text} give a parent compound (--solid-solution FILE), or a structure with "
        "partial occupancies (--from FILE)"
    )
    simpler = simpler_formula(formula) if formula.num_atoms > SMALL_FORMULA else None
    near = (
        () if simpler is None else (f"A close composition with {simpler.num_atoms} atoms is {simpler.name}",)
    )
    return (note, *near)


def approximants_of(crystal: CrystalRead, name: str, config: PredictConfig) -> list[Candidate]:
    """The ordered approximants of a disordered crystal as candidates.

    Args:
        crystal: The crystal, with occupancies.
        name: Of the crystal in tables.
        config: Limits of the approximants.

    Raises:
        InputError: It has none within the limits.
    """
    from alphacrystal.disorder import ordered_approximants
    from alphacrystal.generate.generators.ordering import ordering_candidates

    approximants = ordered_approximants(
        crystal.structure,
        crystal.name,
        max_atoms=config.order_max_atoms,
        count=config.order_candidates,
        seed=config.seed,
        assemblies=crystal.assemblies,
    )
    return ordering_candidates(approximants, name)


def orderings_alone(candidates: Sequence[Candidate]) -> bool:
    """Whether candidates are orderings of disordered crystals, without any that has a log-probability.

    Their order is that of the energies: the networks say nothing on a given crystal.
    """
    from alphacrystal.disorder import PARENT

    return any(PARENT in candidate.provenance for candidate in candidates) and all(
        candidate.log_probability is None for candidate in candidates
    )


def disorder_of(
    candidates: Sequence[Candidate],
    relaxations: Mapping[int, Relaxation],
    duplicates: Mapping[int, int],
) -> tuple[Disorder, ...]:
    """The disordered crystals of a run with the energies of their orderings.

    Args:
        candidates: Of the run.
        relaxations: By number of the candidate; empty without energies.
        duplicates: Number of the equal candidate that represents a candidate, by number of the latter.
    """
    from alphacrystal.disorder import ARRANGEMENTS, PARENT

    members: dict[str, list[int]] = {}
    facts: dict[str, Mapping[str, object]] = {}
    for index, candidate in enumerate(candidates):
        parent = candidate.provenance.get(PARENT)
        if isinstance(parent, Mapping):
            name = str(parent.get("parent"))
            facts[name] = parent
            members.setdefault(name, []).append(index)
    if not members:
        return ()
    from pydantic import ValidationError

    from alphacrystal.disorder import Disorder

    found = []
    for name, indices in members.items():
        try:
            disorder = Disorder.model_validate(facts[name])
        except ValidationError:  # of a checkpoint that was edited
            continue
        arrangements = [_whole(candidates[i].provenance.get(ARRANGEMENTS)) for i in indices]
        energies = [_energy(relaxations, duplicates, i) for i in indices]
        found.append(disorder.with_energies(energies, arrangements))
    return tuple(found)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _energy(relaxations: Mapping[int, Relaxation], duplicates: Mapping[int, int], index: int) -> float | None:
    """Energy in eV/atom of a candidate, or of the equal one that represents it."""
    while index not in relaxations and index in duplicates:
        index = duplicates[index]
    relaxation = relaxations.get(index)
    return relaxation.energy_per_atom if relaxation is not None and relaxation.usable else None


def refuse_more_formulas(path: Path, formulas: Sequence[str]) -> None:
    """Refuse formulas together with a structure file.

    Raises:
        InputError: Names them.
    """
    if formulas:
        raise InputError(
            f"{path} is a structure and has a formula: leave out {', '.join(formulas)[:80]}, or give a list "
            "of formulas with --from."
        )

"""Check a request before anything is computed, started or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphacrystal.composition import CellContent, Formula, formula_units_within, parse_cell, simpler_formula
from alphacrystal.config import MAX_ATOMS, PredictConfig
from alphacrystal.errors import InputError, PotentialError
from alphacrystal.pipeline.constraints import check_constraints
from alphacrystal.pipeline.disorder import solid_solution_hint
from alphacrystal.pipeline.framework import units_of_framework
from alphacrystal.pipeline.pattern import measured_peaks, read_measurement
from alphacrystal.pipeline.seeds import read_seeds
from alphacrystal.runtime.torch_device import check_device

if TYPE_CHECKING:
    from alphacrystal.diffraction import PeakList, PowderPattern
    from alphacrystal.generate import Candidate, GeneratorContext

# Conditions of each crystal system on the conventional cell; a triclinic cell has none.
CELL_RULES = {
    "cubic": "a = b = c and angles of 90°",
    "tetragonal": "a = b and angles of 90°",
    "hexagonal": "a = b, alpha = beta = 90° and gamma = 120°",
    "trigonal": "hexagonal axes with a = b, alpha = beta = 90° and gamma = 120°",
    "orthorhombic": "angles of 90°",
    "monoclinic": "alpha = gamma = 90° (unique axis b)",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request of a prediction.

    Attributes:
        formula: Reduced formula.
        formula_units: Formula units Z of the primitive cells that the run considers.
        config: Settings.
        notes: Notes of the readers of formula and files.
        pattern: Measured powder pattern, or a list of its peaks; None without one.
        peaks: Its peaks.
        seeds: Structures of the user.
    """

    formula: Formula
    formula_units: tuple[int, ...]
    config: PredictConfig
    notes: tuple[str, ...] = ()
    pattern: PowderPattern | PeakList | None = None
    peaks: PeakList | None = None
    seeds: tuple[Candidate, ...] = ()


def check_request(formula: Formula, config: PredictConfig) -> Request:
    """Refuse an impossible request before anything is computed, started or written.

    Raises:
        InputError: The cell, the space group, the lattice or an element cannot be used.
        PotentialError: No potential has this name.
        WeightsError: A network's weights are missing or damaged.
    """
    ordered = config.generators == ("ordering",)  # the cells follow from the disordered crystal
    units = [] if ordered else units_of_framework(formula, formula_units_to_try(formula, config), config)
    check_potential_covers(formula, config)
    check_lattice(config)
    check_constraints(formula, config)
    check_generators(formula, units, config)
    check_phonons(config)
    pattern = read_measurement(config)
    check_rerank(formula, config)
    if not ordered:
        from alphacrystal.learn import check_supported, load_model, models_folder

        check_supported(formula, units, config.space_group)
        for name in models_in_use(config):
            load_model(name, models_folder(config.models))
    seeds, seed_notes = read_seeds(formula, config)
    notes = (
        *formula.notes,
        *solid_solution_hint(formula, config),
        *(() if pattern is None else pattern.notes),
        *seed_notes,
    )
    return Request(formula, tuple(units), config, notes, pattern, measured_peaks(pattern), seeds)


def check_energies(formula: Formula, config: PredictConfig) -> None:
    """Refuse settings of energies that cannot be used with any generator.

    Raises:
        InputError: A setting or an element cannot be used.
        PotentialError: A potential cannot be used.
    """
    check_potential_covers(formula, config)
    check_phonons(config)
    check_rerank(formula, config)


def check_phonons(config: PredictConfig) -> None:
    """Refuse phonons without relaxation or without the packages that compute them.

    Raises:
        InputError: Says which.
    """
    if not config.phonons:
        if config.follow_modes:
            raise InputError(
                "Modes are followed from phonons: give --phonons N, or leave out --follow-modes."
            )
        return
    if not config.relax:
        raise InputError("Phonons need relaxed structures: leave out --no-relax or --phonons.")
    from alphacrystal.relaxation import require_phonopy

    require_phonopy()


def check_rerank(formula: Formula, config: PredictConfig) -> None:
    """Refuse a second potential that cannot give energies of the listed structures.

    Raises:
        InputError: There is no relaxation, it is the first potential, or it does not cover an element.
        PotentialError: No potential has this name, its package is not installed, or it cannot be loaded.
    """
    if config.rerank is None:
        if config.rerank_steps:
            raise InputError("--rerank-steps are steps of a second potential: name it with --rerank.")
        return
    if not config.relax:
        raise InputError("--rerank needs relaxed structures: leave out --no-relax or --rerank.")
    if config.rerank == config.full_potential:
        raise InputError(
            f"{config.rerank} is the potential of the relaxation already: name another one with --rerank."
        )
    from alphacrystal.relaxation import check_potential, check_supported_elements

    check_potential(config.rerank, forces=config.rerank_steps > 0, device=config.device)
    check_supported_elements(
        config.rerank, formula.elements, remedy="choose another with --rerank", device=config.device
    )


def models_in_use(config: PredictConfig) -> tuple[str, ...]:
    """Names of the networks that a run needs."""
    from alphacrystal.generate import GENERATORS
    from alphacrystal.learn import CORE_MODELS

    more = [model for name in config.generators for model in GENERATORS.get(name).models]
    return tuple(dict.fromkeys([*CORE_MODELS, *more]))


def check_generators(formula: Formula, formula_units: Sequence[int], config: PredictConfig) -> None:
    """Run the checks that the generators of a run declare.

    Raises:
        InputError: A generator lacks a file or a package, or the potential does not cover an element.
        PotentialError: No potential has this name.
    """
    from alphacrystal.generate import GENERATORS

    disordered = config.disordered is not None or config.solid_solution is not None or config.alloy
    if disordered and "ordering" not in config.generators:
        raise InputError(
            f"The generator {', '.join(config.generators)} orders no disordered crystal: leave out "
            "--generators, or add ordering to it."
        )
    context = generator_context(formula, formula_units, config)
    for name in config.generators:
        if (check := GENERATORS.get(name).check) is not None:
            check(context)


def generator_context(
    formula: Formula, formula_units: Sequence[int], config: PredictConfig
) -> GeneratorContext:
    """The arguments of the generators of a run, without progress and resumption."""
    from alphacrystal.generate import GeneratorContext
    from alphacrystal.pipeline.energies import energy_function

    def check_energies() -> None:
        from alphacrystal.relaxation import check_potential

        check_potential(config.full_potential, formula.elements, forces=False, device=config.device)

    return GeneratorContext(formula, formula_units, config, lambda: energy_function(config), check_energies)


def formula_units_to_try(formula: Formula, config: PredictConfig) -> list[int]:
    """Formula units Z of the primitive cell that a run considers.

    Raises:
        InputError: The cell content is no multiple of the formula, or nothing fits within the atom limit.
    """
    if config.cell is not None and config.z:
        raise InputError("The cell content and Z were both given: choose one of --cell and --z.")
    if config.cell is not None:
        cell = parse_cell(config.cell, formula)
        _check_size(cell, config.max_atoms)
        return [cell.formula_units]
    if config.z:
        for z in config.z:
            _check_size(formula.cell(z), config.max_atoms)
        return list(config.z)
    limit = MAX_ATOMS
    if formula.num_atoms > limit:
        simpler = simpler_formula(formula)
        near = "" if simpler is None else f", e.g. {simpler.name} ({simpler.num_atoms} atoms)"
        raise InputError(
            f"{formula.text} has {formula.num_atoms} atoms in one formula unit, more than the {limit} the "
            f"networks were trained for: choose a simpler formula{near}."
        )
    return formula_units_within(formula, config.max_atoms)


def _check_size(cell: CellContent, max_atoms: int) -> None:
    if cell.num_atoms > max_atoms:
        raise InputError(
            f"The cell {cell.name} holds {cell.num_atoms} atoms, more than the limit of {max_atoms}: "
            f"choose a smaller cell or raise --max-atoms ({MAX_ATOMS} at most)."
        )


def check_potential_covers(formula: Formula, config: PredictConfig) -> None:
    """Refuse a potential that is unknown or does not cover an element.

    Raises:
        PotentialError: No potential has this name, a package of its relaxation is not installed, or the
            device cannot be used.
        InputError: The potential does not cover an element.
    """
    check_device(config.device)
    if not config.relax:
        return
    from alphacrystal.relaxation import check_potential, require_optuna

    if config.relaxation == "bayesian" and config.steps:
        require_optuna()
    forces = config.relaxation == "gradient" and config.steps > 0
    check_potential(config.full_potential, formula.elements, forces=forces, device=config.device)
    check_dispersion(config)


def check_dispersion(config: PredictConfig) -> None:
    """Refuse a chosen dispersion without its package.

    Raises:
        PotentialError: The package is not installed.
    """
    from alphacrystal.runtime.registry import require_package

    if config.dispersion == "d3":
        require_package("dftd3", "dispersion", f"The potential {config.full_potential}", PotentialError)


def check_lattice(config: PredictConfig) -> None:
    """Refuse a lattice that the space group does not allow.

    Raises:
        InputError: Names the crystal system and its conditions on a cell.
    """
    if config.lattice is None or config.space_group is None:
        return
    from alphacrystal.crystal import (
        LatticeParameters,
        allowed_groups,
        choice_name,
        crystal_system,
        obeys_system,
    )

    system = crystal_system(allowed_groups(config.space_group)[0])
    if not obeys_system(system, LatticeParameters(*config.lattice)):
        raise InputError(
            f"The lattice {','.join(f'{value:g}' for value in config.lattice)} does not fit "
            f"{choice_name(config.space_group)}: a {system} cell has {CELL_RULES[system]}."
        )

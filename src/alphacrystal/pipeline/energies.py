"""Build the relaxer, its convergence limits and the energy references of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from alphacrystal.config import PredictConfig
from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.generate import EnergyFunction
    from alphacrystal.ranking import EnergyReference, KnownPhase
    from alphacrystal.relaxation import Relaxer, RelaxSettings
    from alphacrystal.typing import FloatArray, StageProgress

LOOSE_FMAX = 0.4  # eV/Å; enough to recognise duplicates and candidates of too high energy
LOOSE_STEPS = 25


@contextmanager
def open_relaxer(config: PredictConfig) -> Iterator[Relaxer | None]:
    """Open the worker processes of the relaxation; they load the potential during the generation."""
    if not config.relax:
        yield None
        return
    from alphacrystal.relaxation import RelaxPool

    with RelaxPool(
        config.potential,
        workers=config.workers,
        method=config.relaxation if config.steps else "energy",
        seed=config.seed,
        device=config.device,
    ) as pool:
        yield pool


def relax_settings(
    config: PredictConfig, *, keep_symmetry: bool = True, loose: bool = False, dispersion: bool = True
) -> RelaxSettings:
    """Limits of the final pass, or of the loose one before it.

    Args:
        config: Settings of the run.
        keep_symmetry: Keep the space groups.
        loose: For the loose pass.
        dispersion: Add the dispersion of the run.
    """
    from alphacrystal.relaxation import RelaxSettings

    return RelaxSettings(
        fmax=max(LOOSE_FMAX, config.fmax) if loose else config.fmax,
        max_steps=min(LOOSE_STEPS, config.steps) if loose else config.steps,
        pressure_gpa=config.pressure,
        dispersion=dispersion and config.dispersion == "d3",
        time_limit_s=config.relax_seconds,
        keep_symmetry=keep_symmetry,
    )


def primitive_cell(structure: Structure) -> Structure:
    """The primitive cell within the symmetry tolerance of the relaxer.

    The default tolerance of pymatgen, 0.25 Å, would remove real distortions.
    """
    from alphacrystal.relaxation import RelaxSettings

    return structure.get_primitive_structure(tolerance=RelaxSettings().symprec)


def energy_reference(elements: Iterable[str], config: PredictConfig) -> EnergyReference | None:
    """The reference of formation energies and energies above hull; None without relaxation.

    It has the scale of the potential without dispersion.

    Raises:
        InputError: The hull or the references cannot be read, lack these elements, or are given without
            relaxation.
    """
    if not config.relax:
        if config.hull is not None or config.references is not None:
            raise InputError("Without relaxation there are no energies: leave out --hull and --references.")
        return None
    from alphacrystal.ranking import EnergyReference, read_hull_reference
    from alphacrystal.relaxation import read_references

    references = read_references(config.references, config.potential) if config.references else None
    hull = None
    if config.hull is not None:
        hull = read_hull_reference(
            config.hull, elements, enthalpies=config.pressure != 0, potential=config.potential
        )
    elif (known := known_phases_of(elements, config)) is not None:
        from alphacrystal.ranking import hull_of_known_phases
        from alphacrystal.relaxation import elemental_references

        hull = hull_of_known_phases(
            known, elements, references or elemental_references(config.potential) or {}
        )
    return EnergyReference(config.potential, config.pressure, references, hull)


def known_phases_of(elements: Iterable[str], config: PredictConfig) -> tuple[KnownPhase, ...] | None:
    """Known phases of a chemical system that a run compares with; None without a table or under pressure."""
    if not config.known_phases or not config.relax or config.pressure != 0:
        return None
    from alphacrystal.ranking import known_phases, phase_table

    path = phase_table(config.potential)
    return None if path is None else known_phases(path, frozenset(elements))


def energy_function(config: PredictConfig) -> EnergyFunction:
    """Formation energies in eV/atom by the run's potential, or its total energies without references.

    The value is NaN for a structure for which the potential raises, hangs or returns no energy. Potentials
    of other packages run in a separate process that can be killed.

    Raises:
        PotentialError: The potential cannot be loaded.
        InputError: The references cannot be read.
    """
    import numpy as np

    from alphacrystal.ranking import EnergyReference
    from alphacrystal.relaxation import EnergyProcess, read_references
    from alphacrystal.runtime.torch_setup import one_torch_thread

    # The CHGNet engine of this package does not hang: no separate process is needed.
    shipped = config.full_potential.startswith("chgnet")
    evaluate = (
        _in_process(config.full_potential, config.device)
        if shipped
        else EnergyProcess(config.full_potential, device=config.device).energies_per_atom
    )
    references = read_references(config.references, config.full_potential) if config.references else None
    reference = EnergyReference(config.full_potential, 0.0, references)

    @one_torch_thread()
    def energies(structures: Sequence[Structure]) -> FloatArray:
        values = []
        for structure, energy in zip(structures, evaluate(structures), strict=True):
            finite = bool(np.isfinite(energy))
            formation = reference.formation_energy(structure, float(energy)) if finite else None
            values.append(float(energy) if formation is None else formation)
        return np.array(values)

    return energies


def _in_process(name: str, device: str) -> Callable[[Sequence[Structure]], FloatArray]:
    from alphacrystal.relaxation import energies_checked, load_energy_model

    model = load_energy_model(name, device)
    return lambda structures: energies_checked(model, structures)[0]


def with_hull_energies(
    reference: EnergyReference | None,
    config: PredictConfig,
    relaxer: Relaxer,
    on_progress: StageProgress,
) -> EnergyReference | None:
    """Relax the phases of a hull that have no energies, with the run's potential, without dispersion."""
    if reference is None or reference.hull is None or not reference.hull.structures:
        return reference
    names = list(reference.hull.structures)
    structures = [primitive_cell(reference.hull.structures[name]) for name in names]
    on_progress(0, len(names))
    done = 0

    def on_result(index: int, relaxation: object) -> None:
        nonlocal done
        done += 1
        on_progress(done, len(names))

    relaxations = relaxer.relax(structures, relax_settings(config, dispersion=False), on_result=on_result)
    energies: dict[str, float] = {}
    for name, relaxation in zip(names, relaxations, strict=True):
        if relaxation.usable and relaxation.energy_per_atom is not None:
            corrected = reference.corrected_energy(relaxation.structure, relaxation.energy_per_atom)
            if corrected is not None:
                energies[name] = corrected
    return replace(reference, hull=reference.hull.with_energies(energies, reference.elemental_energies()))

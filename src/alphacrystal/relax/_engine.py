"""Relaxes many crystals side by side: finished ones leave the batch, waiting ones take their place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alphacrystal.relax._crystal import Crystal
from alphacrystal.relax._fire import Fire
from alphacrystal.relax._potential import EV_PER_A3_IN_GPA, CrystalPotential, Evaluation, Potential
from alphacrystal.relax._quasi_newton import QuasiNewton
from alphacrystal.relax._relaxation import Relaxation, RelaxationStatus
from alphacrystal.relax._sanity import sanity_problem
from alphacrystal.relax._settings import RelaxSettings
from alphacrystal.relax._symmetry import identity_symmetry, symmetrise_crystal
from alphacrystal.relax._variables import Minimiser

if TYPE_CHECKING:
    from pymatgen.core import Structure

FloatArray = NDArray[np.float64]

_MINIMISERS: dict[str, Callable[[Crystal, RelaxSettings], Minimiser]] = {
    "quasi-newton": QuasiNewton,
    "fire": Fire,
}

#: How a relaxation ended, and why where it did not converge.
_End = tuple[RelaxationStatus, str]

#: Bonding never yields this much (eV/atom; tungsten, the strongest, gains 9): a potential that says so is
#: falling into a hole of its own. Absolute energies do not tell, their zero differs between potentials.
_DEEPEST_FALL = 50.0

#: Forces beyond this (eV/Å) after the first steps mean the potential is outside what it knows.
_LARGEST_FORCE = 1e3


@dataclass(slots=True, eq=False)
class _Job:
    """One structure under way."""

    index: int
    structure: Structure
    minimiser: Minimiser
    start_volume: float
    start_energy: float = 0.0
    steps: int = -1
    seconds: float = 0.0
    energy_per_atom: float | None = None
    max_force: float | None = None
    max_stress: float | None = None
    best: Crystal | None = None
    lowest: float = np.inf


class RelaxationEngine:
    """A batch of relaxations that advances by one evaluation of every active structure at a time."""

    def __init__(self, potential: Potential, settings: RelaxSettings) -> None:
        self._potential = potential
        self._settings = settings
        self._jobs: list[_Job] = []
        self._refused: list[tuple[int, Relaxation]] = []

    @property
    def active(self) -> int:
        """Structures under way."""
        return len(self._jobs) + len(self._refused)

    def add(self, index: int, structure: Structure) -> None:
        """Take a structure in; ``index`` comes back with its result."""
        start = time.perf_counter()
        if not structure.is_ordered:
            self._refuse(index, structure, "its sites are partly occupied")
            return
        crystal = Crystal.from_structure(structure)
        problem = sanity_problem(crystal, crystal.volume)
        if problem is not None:
            self._refuse(index, structure, problem)
            return
        if self._settings.keep_symmetry:
            crystal = symmetrise_crystal(crystal, self._settings.symprec)
        else:
            crystal.symmetry = identity_symmetry(crystal)
        make = _MINIMISERS[self._settings.optimizer]
        job = _Job(index, structure, make(crystal, self._settings), crystal.volume)
        job.seconds = time.perf_counter() - start
        self._jobs.append(job)

    def _refuse(self, index: int, structure: Structure, reason: str) -> None:
        failed = Relaxation(structure, RelaxationStatus.FAILED, reason, None, None, None, 0, 0.0)
        self._refused.append((index, failed))

    def step(self) -> list[tuple[int, Relaxation]]:
        """Evaluate every active structure once and return those that finished."""
        finished, self._refused = self._refused, []
        if not self._jobs:
            return finished
        start = time.perf_counter()
        evaluation = self._evaluate()
        ends = [self._advance(job, evaluation, position) for position, job in enumerate(self._jobs)]
        # Each structure is charged its share of the batch by its size.
        sizes = np.array([len(job.structure) for job in self._jobs], dtype=np.float64)
        shares = (time.perf_counter() - start) * sizes / sizes.sum()
        active = []
        for job, end, share in zip(self._jobs, ends, shares, strict=True):
            job.seconds += float(share)
            if end is None:
                active.append(job)
            else:
                finished.append((job.index, self._result(job, *end)))
        self._jobs = active
        return finished

    def _evaluate(self) -> Evaluation:
        crystals = [job.minimiser.crystal for job in self._jobs]
        if isinstance(self._potential, CrystalPotential):
            return self._potential.evaluate_crystals(crystals)
        return self._potential.evaluate([c.to_structure() for c in crystals])

    def _advance(self, job: _Job, evaluation: Evaluation, position: int) -> _End | None:
        """Digest one evaluation; how the relaxation ended, or None where it goes on."""
        crystal = job.minimiser.crystal
        failure = evaluation.failures[position]
        energy = float(evaluation.energies[position])
        forces = evaluation.forces[position]
        stress = evaluation.stresses[position]
        job.steps += 1
        finite = np.isfinite(energy) and np.isfinite(forces).all() and np.isfinite(stress).all()
        if failure is None and not finite:
            failure = "the potential returned NaN"
        if failure is None and crystal.symmetry is not None:
            forces = crystal.symmetry.symmetrise_vectors(forces)
            stress = crystal.symmetry.symmetrise_tensor(stress)
        problem = failure or self._explosion(job, energy, forces)
        if problem is not None:
            return self._retreat(job, problem, failure is not None)
        if self._record(job, energy, forces, stress):
            return RelaxationStatus.CONVERGED, ""
        if job.steps >= self._settings.max_steps:
            return RelaxationStatus.STEP_LIMIT, f"not converged in {job.steps} steps"
        limit = self._settings.time_limit_s
        if limit is not None and job.seconds > limit:
            return RelaxationStatus.TIME_LIMIT, f"not converged in {limit:g} s"
        job.minimiser.tell(energy, forces, stress)
        if job.minimiser.stalled():
            return RelaxationStatus.STEP_LIMIT, "the energy stopped falling before the forces did"
        return None

    @staticmethod
    def _retreat(job: _Job, problem: str, failed: bool) -> _End | None:
        """Answer to an unusable evaluation: a shorter step while there is one to shorten."""
        if job.best is None:
            return (RelaxationStatus.FAILED if failed else RelaxationStatus.EXPLODED), problem
        job.minimiser.reject()
        return (RelaxationStatus.EXPLODED, problem) if job.minimiser.stalled() else None

    @staticmethod
    def _explosion(job: _Job, energy: float, forces: FloatArray) -> str | None:
        """One clause that says how the structure left the physical range, or None."""
        crystal = job.minimiser.crystal
        if job.steps == 0:
            job.start_energy = energy
        fall = (job.start_energy - energy) / len(crystal)
        force = float(np.abs(forces).max())
        if fall > _DEEPEST_FALL and energy < 0:
            return f"the energy fell by {fall:.0f} eV/atom"
        if job.steps > 0 and force > _LARGEST_FORCE:
            return f"a force of {force:.0f} eV/Å"
        return sanity_problem(crystal, job.start_volume)

    def _record(self, job: _Job, energy: float, forces: FloatArray, stress: FloatArray) -> bool:
        """Keep the geometry where it is the best so far; whether it is converged."""
        crystal = job.minimiser.crystal
        atoms = len(crystal)
        pressure = self._settings.pressure_gpa / EV_PER_A3_IN_GPA
        residual = stress + pressure * np.eye(3)
        max_force = float(np.sqrt((forces**2).sum(axis=1).max()))
        cell_force = 0.0
        if self._settings.relax_cell:
            cell_force = float(np.sqrt((residual**2).sum(axis=1).max())) * crystal.volume / atoms
        converged = max(max_force, cell_force) < self._settings.fmax
        enthalpy = (energy + pressure * crystal.volume) / atoms
        if converged or enthalpy <= job.lowest:
            job.lowest = enthalpy
            job.best = Crystal(crystal.numbers, crystal.lattice.copy(), crystal.frac_coords.copy())
            job.energy_per_atom = enthalpy
            job.max_force = max_force
            job.max_stress = float(np.abs(residual).max()) * EV_PER_A3_IN_GPA
        return converged

    @staticmethod
    def _result(job: _Job, status: RelaxationStatus, reason: str) -> Relaxation:
        structure = job.structure if job.best is None else job.best.to_structure()
        return Relaxation(
            structure=structure,
            status=status,
            reason=reason,
            energy_per_atom=job.energy_per_atom,
            max_force=job.max_force,
            max_stress=job.max_stress,
            steps=max(job.steps, 0),
            seconds=job.seconds,
        )

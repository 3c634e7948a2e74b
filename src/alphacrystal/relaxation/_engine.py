"""Relaxes crystals side by side; one that is finished leaves the batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Crystal
from alphacrystal.relaxation._checked import Guard, evaluate_checked, joined, sanity_problem, starting_crystal
from alphacrystal.relaxation._dispersion import DispersionPotential
from alphacrystal.relaxation._fire import Fire
from alphacrystal.relaxation._potential import EV_PER_A3_IN_GPA, Evaluation, Potential
from alphacrystal.relaxation._quasi_newton import QuasiNewton
from alphacrystal.relaxation._relaxation import Relaxation, RelaxationStatus
from alphacrystal.relaxation._settings import RelaxSettings
from alphacrystal.relaxation._variables import Minimiser, plane_projector
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


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
    """A batch of relaxations that advances by one evaluation of every active structure at a time.

    The time limit counts processor seconds of this thread, which do not depend on other work on the machine.
    A structure is charged its share of a batch by its number of atoms. Once half of a time limit is spent in
    this way, the structures are evaluated one by one and charged exactly, so that a slow one is charged for
    its time alone.
    """

    def __init__(self, potential: Potential, settings: RelaxSettings, guard: Guard = nullcontext) -> None:
        self._potential = DispersionPotential(potential) if settings.dispersion else potential
        self._settings = settings
        self._guard = guard
        self._one_by_one = False
        self._jobs: list[_Job] = []
        self._refused: list[tuple[int, Relaxation]] = []

    @property
    def active(self) -> int:
        """Structures under way."""
        return len(self._jobs) + len(self._refused)

    def add(self, index: int, structure: Structure) -> None:
        """Take a structure in; ``index`` comes back with its result."""
        start = time.thread_time()
        crystal = starting_crystal(structure, self._settings)
        if isinstance(crystal, str):
            self._refused.append((index, Relaxation.failed(structure, crystal)))
            return
        make = _MINIMISERS[self._settings.optimizer]
        job = _Job(index, structure, make(crystal, self._settings), crystal.volume)
        job.seconds = time.thread_time() - start
        self._jobs.append(job)

    def step(self) -> list[tuple[int, Relaxation]]:
        """Evaluate every active structure once and return those that finished."""
        finished, self._refused = self._refused, []
        if not self._jobs:
            return finished
        evaluation = self._evaluate()
        active = []
        for position, job in enumerate(self._jobs):
            begin = time.thread_time()
            end = self._advance(job, evaluation, position)
            job.seconds += time.thread_time() - begin
            if end is None:
                active.append(job)
            else:
                finished.append((job.index, self._result(job, *end)))
        self._jobs = active
        return finished

    def _evaluate(self) -> Evaluation:
        """Evaluate the active structures and charge each its time."""
        if self._one_by_one:
            return joined([self._timed([job]) for job in self._jobs])
        evaluation = self._timed(self._jobs)
        limit = self._settings.time_limit_s
        if limit is not None and len(self._jobs) > 1 and max(job.seconds for job in self._jobs) > limit / 2:
            self._one_by_one = True
            for job in self._jobs:
                job.seconds = min(job.seconds, limit / 2)
        return evaluation

    def _timed(self, jobs: Sequence[_Job]) -> Evaluation:
        begin = time.thread_time()
        evaluation = evaluate_checked(self._potential, [job.minimiser.crystal for job in jobs], self._guard)
        share = (time.thread_time() - begin) / sum(len(job.structure) for job in jobs)
        for job in jobs:
            job.seconds += share * len(job.structure)
        return evaluation

    def _advance(self, job: _Job, evaluation: Evaluation, position: int) -> _End | None:
        """Process one evaluation; returns the end of the relaxation, or None if it continues."""
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
            return RelaxationStatus.TIME_LIMIT, f"not converged in {limit:g} s of processor time"
        job.minimiser.tell(energy, forces, stress)
        if job.minimiser.stalled():
            return RelaxationStatus.STEP_LIMIT, "the energy stopped falling before the forces did"
        return None

    @staticmethod
    def _retreat(job: _Job, problem: str, failed: bool) -> _End | None:
        """Answer to an unusable evaluation: a shorter step while there is one to shorten."""
        status = RelaxationStatus.FAILED if failed else RelaxationStatus.EXPLODED
        if job.best is None:
            return status, problem
        job.minimiser.reject()
        return (status, problem) if job.minimiser.stalled() else None

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
        if self._settings.in_plane:
            projector = plane_projector(crystal.lattice)
            residual = projector @ residual @ projector
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

"""Baseline: chgnet with its calculator and the FIRE optimiser of ASE, and its batch predictions."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

GPA_PER_EV_PER_A3 = 160.21766340  # exact SI value


@dataclass(frozen=True, slots=True)
class TimedRelaxation:
    """One relaxation and its cost.

    Attributes:
        cpu_s: Processor seconds; of a batch, the share of this crystal.
        energy_per_atom: Final energy in eV/atom; None if it is undefined.
        converged: Whether forces and stress fell below the limit.
        steps: Optimiser steps.
    """

    cpu_s: float
    energy_per_atom: float | None
    converged: bool
    steps: int


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the output and warnings of chgnet and ASE."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


class ChgnetBaseline:
    """Model, calculator and batch predictions of the package chgnet."""

    def __init__(self) -> None:
        with _quiet():
            from chgnet.model.dynamics import CHGNetCalculator
            from chgnet.model.model import CHGNet

            self._model: Any = CHGNet.load(verbose=False, use_device="cpu")
            self._calculator = CHGNetCalculator(self._model, use_device="cpu", on_isolated_atoms="ignore")

    def relax_with_fire(self, structure: Structure, fmax: float, steps: int) -> TimedRelaxation:
        """Relax atoms and cell (FrechetCellFilter) with the FIRE optimiser of ASE, without symmetry."""
        from ase.filters import FrechetCellFilter
        from ase.optimize import FIRE
        from pymatgen.io.ase import AseAtomsAdaptor

        with _quiet():
            atoms: Any = AseAtomsAdaptor.get_atoms(structure, msonable=False)
            begin = time.process_time()
            atoms.calc = self._calculator
            optimizer = FIRE(FrechetCellFilter(atoms), logfile=None)
            converged = bool(optimizer.run(fmax=fmax, steps=steps))
            energy = float(atoms.get_potential_energy()) / len(atoms)
            seconds = time.process_time() - begin
        return TimedRelaxation(
            seconds, energy if np.isfinite(energy) else None, converged, int(optimizer.nsteps)
        )

    def predict(
        self, structures: Sequence[Structure], batch: int
    ) -> tuple[list[dict[str, FloatArray]], float, float]:
        """Energies (eV/atom), forces (eV/Å) and stresses (GPa) as "e", "f" and "s" per structure.

        Returns:
            The predictions, processor seconds of building the graphs, and those of ``predict_graph``.
        """
        with _quiet():
            begin = time.process_time()
            graphs = [self._model.graph_converter(structure) for structure in structures]
            built = time.process_time()
            predictions = self._model.predict_graph(graphs, task="efs", batch_size=batch)
            done = time.process_time()
        return ([predictions] if len(structures) == 1 else predictions), built - begin, done - built

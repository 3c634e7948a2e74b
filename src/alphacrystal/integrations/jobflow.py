"""Makers for jobflow: a prediction or a relaxation as a workflow job (extra ``jobflow``).

``RelaxMaker`` has the interface of atomate2's relaxation Makers: ``make(structure, prev_dir=None)``, and an
output with ``structure`` and ``dir_name``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from pymatgen.core.structure import Structure

from alphacrystal.crystal import StructureLike, as_structure
from alphacrystal.runtime.torch_device import AUTO

try:
    from jobflow import Maker, job
except ImportError as error:
    raise ImportError("Workflows need the package jobflow: pip install 'alphacrystal[jobflow]'.") from error


class PredictionOutput(BaseModel):
    """The output of a prediction job.

    Attributes:
        formula: Reduced formula.
        structures: Conventional cells, best first.
        rows: The columns of ``summary.csv`` for each of them.
        notes: Sentences to read with the result.
        folder: The run folder.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    formula: str
    structures: list[Structure]
    rows: list[dict[str, Any]]
    notes: list[str]
    folder: str


class RelaxationOutput(BaseModel):
    """The output of a relaxation job.

    Attributes:
        structure: The relaxed crystal.
        converged: Whether forces and stress met their limits.
        status: End of the relaxation.
        reason: Cause where it did not converge.
        energy_per_atom_ev: eV/atom at zero pressure, None under pressure and where it failed.
        enthalpy_per_atom_ev: eV/atom under pressure, None at zero pressure and where it failed.
        max_force_ev_per_a: Largest remaining force in eV/Å, None where it failed.
        dir_name: Folder in which the job ran.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    structure: Structure
    converged: bool
    status: str
    reason: str
    energy_per_atom_ev: float | None
    enthalpy_per_atom_ev: float | None
    max_force_ev_per_a: float | None
    dir_name: str


@dataclass
class PredictMaker(Maker):
    """Creates jobs that predict the crystals of a formula; each job writes a run folder where it runs.

    Attributes:
        name: Name of the jobs.
        settings: Fields of ``PredictConfig``.
    """

    name: str = "alphacrystal predict"
    settings: dict[str, Any] = field(default_factory=dict)

    @job(output_schema=PredictionOutput)
    def make(self, formula: str) -> PredictionOutput:
        """A job that predicts ``formula``."""
        from alphacrystal.pipeline.predict import predict

        prediction = predict(formula, **self.settings)
        return PredictionOutput(
            formula=prediction.formula,
            structures=prediction.structures,
            rows=[asdict(row) for row in prediction.rows],
            notes=prediction.remarks,
            folder=str(Path.cwd() / (prediction.folder or "")),
        )


@dataclass
class RelaxMaker(Maker):
    """Creates jobs that relax a crystal and keep its space group.

    Attributes:
        name: Name of the jobs.
        potential: Name of the potential.
        device: Its device: auto, cpu, cuda, cuda:N or mps.
        settings: Fields of ``RelaxSettings``.
    """

    name: str = "alphacrystal relax"
    potential: str = "chgnet"
    device: str = AUTO
    settings: dict[str, Any] = field(default_factory=dict)

    @job(output_schema=RelaxationOutput)
    def make(self, structure: StructureLike, prev_dir: str | Path | None = None) -> RelaxationOutput:
        """A job that relaxes ``structure``.

        Args:
            structure: The crystal.
            prev_dir: Folder of an earlier calculation, which flows of atomate2 pass; it is not used.
        """
        del prev_dir
        from alphacrystal.relaxation import RelaxSettings, load_potential, relax

        crystal = as_structure(structure)
        settings = RelaxSettings(**self.settings)
        (result,) = relax([crystal], load_potential(self.potential, self.device), settings)
        is_enthalpy = settings.pressure_gpa != 0
        return RelaxationOutput(
            structure=result.structure,
            converged=result.converged,
            status=str(result.status),
            reason=result.reason,
            energy_per_atom_ev=None if is_enthalpy else result.energy_per_atom,
            enthalpy_per_atom_ev=result.energy_per_atom if is_enthalpy else None,
            max_force_ev_per_a=result.max_force,
            dir_name=str(Path.cwd()),
        )

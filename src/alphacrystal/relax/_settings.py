"""What a user can choose about a relaxation."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RelaxSettings(BaseModel):
    """Limits and options of a relaxation; immutable.

    Attributes:
        fmax: Converged when every atomic force is below this, in eV/Å, and every row of
            V·(stress + pressure)/atoms, in eV/atom, is below the same number: the criterion of ASE's
            FrechetCellFilter. At 15 Å³/atom, 0.1 stands for 1.1 GPa.
        max_steps: Most energy evaluations after the first.
        keep_symmetry: Keep the space group of the start (it can only rise).
        symprec: Tolerance in Å for finding that space group; the start is moved onto it exactly.
        relax_cell: Relax the cell with the atoms.
        pressure_gpa: Hydrostatic pressure in GPa; energies become enthalpies.
        optimizer: "quasi-newton" takes the fewest evaluations; "fire" takes ASE's FIRE steps, which from
            random starts without symmetry more often end in the deeper basin.
        max_displacement: Longest move of an atom in one step, Å (FIRE: norm over all atoms and strains).
        max_strain: Largest strain component in one step (quasi-Newton only).
        time_limit_s: Seconds of computing one structure may take; None means no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fmax: float = Field(default=0.1, gt=0)
    max_steps: int = Field(default=150, ge=0)
    keep_symmetry: bool = True
    symprec: float = Field(default=0.01, gt=0)
    relax_cell: bool = True
    pressure_gpa: float = Field(default=0.0, allow_inf_nan=False)
    optimizer: Literal["quasi-newton", "fire"] = "quasi-newton"
    max_displacement: float = Field(default=0.2, gt=0)
    max_strain: float = Field(default=0.06, gt=0, lt=0.5)
    time_limit_s: float | None = Field(default=60.0, gt=0)

"""Settings of a relaxation."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: By forces, by energies alone, or no relaxation but a single point.
RelaxationMethod = Literal["gradient", "bayesian", "energy"]

#: Shortest limit of one evaluation (s): the first one of a network takes some tenths.
_SHORTEST_EVALUATION = 1.0

#: Shortest time (s) without a sign of life after which a worker process counts as hung.
_SHORTEST_SILENCE = 300.0


class RelaxSettings(BaseModel):
    """Limits and options of a relaxation; immutable.

    Attributes:
        fmax: Converged when every atomic force is below this, in eV/Å, and every row of
            V·(stress + pressure)/atoms, in eV/atom, is below the same number: the criterion of ASE's
            FrechetCellFilter. At 15 Å³/atom, 0.1 corresponds to 1.1 GPa.
        max_steps: Most energy evaluations after the first.
        keep_symmetry: Keep the space group of the start (it can only rise).
        symprec: Tolerance in Å for finding that space group; the start is moved onto it exactly.
        relax_cell: Relax the cell with the atoms.
        in_plane: Change the cell in the plane of its first two vectors only, for layers in vacuum: the third
            vector, which must be perpendicular to them, stays, and stresses out of the plane do not count.
        pressure_gpa: Hydrostatic pressure in GPa; energies become enthalpies.
        dispersion: Add D3(BJ) dispersion to the potential, see `DispersionPotential`.
        optimizer: "quasi-newton" takes the fewest evaluations; "fire" takes ASE's FIRE steps, which from
            random starts without symmetry more often end in the deeper basin.
        max_displacement: Longest move of an atom in one step, Å (FIRE: norm over all atoms and strains).
        max_strain: Largest strain component in one step (quasi-Newton only).
        time_limit_s: Processor seconds that one structure may take; None means no limit. In a worker process
            (`RelaxPool`) a single evaluation that takes longer (1 s at least) is ended with its process.
        silence_limit_s: Wall seconds after which a worker process that shows no sign of life, such as a
            potential that waits for ever, is ended; 10 times ``time_limit_s`` and at least 300 s if None.
            Results depend on this limit only where a potential hangs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fmax: float = Field(default=0.05, gt=0)
    max_steps: int = Field(default=150, ge=0)
    keep_symmetry: bool = True
    symprec: float = Field(default=0.01, gt=0)
    relax_cell: bool = True
    in_plane: bool = False
    pressure_gpa: float = Field(default=0.0, allow_inf_nan=False)
    dispersion: bool = False
    optimizer: Literal["quasi-newton", "fire"] = "quasi-newton"
    max_displacement: float = Field(default=0.2, gt=0)
    max_strain: float = Field(default=0.06, gt=0, lt=0.5)
    time_limit_s: float | None = Field(default=60.0, gt=0)
    silence_limit_s: float | None = Field(default=None, gt=0)

    @property
    def evaluation_limit_s(self) -> float | None:
        """Processor seconds that one evaluation may take in a worker process; None means no limit."""
        return None if self.time_limit_s is None else max(self.time_limit_s, _SHORTEST_EVALUATION)

    @property
    def longest_silence_s(self) -> float:
        """Wall seconds without a sign of life after which a worker process is ended."""
        if self.silence_limit_s is not None:
            return self.silence_limit_s
        return max(_SHORTEST_SILENCE, 10 * (self.time_limit_s or 0.0))

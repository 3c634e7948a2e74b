"""What a visitor may ask for, and the command that answers it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alphacrystal.config import PredictConfig, make_config
from alphacrystal.errors import InputError
from alphacrystal.web._settings import Limits

#: Generators and potentials that need no file of the user's: a request never names a path.
GeneratorName = Literal["distance_matrix", "contact_map", "random", "gnoa-random", "gnoa-tpe", "gnoa-pso"]
PotentialName = Literal["chgnet", "chgnet-r2scan", "sevennet", "sevennet-l3i5"]


class JobRequest(BaseModel):
    """A formula and the settings of its prediction; the defaults are those of `alphacrystal predict`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formula: Annotated[str, Field(min_length=1, max_length=1000, description="For example Zr4Al3.")]
    candidates: Annotated[int, Field(ge=1, le=5000, description="Structures generated.")] = 50
    top: Annotated[int, Field(ge=1, le=1000, description="Rows of the final list.")] = 20
    generators: Annotated[tuple[GeneratorName, ...], Field(min_length=1, max_length=6)] = ("distance_matrix",)
    relax: Annotated[bool, Field(description="Relax with the potential; without, no energies.")] = True
    potential: PotentialName = "chgnet"
    pressure: Annotated[float, Field(ge=-50, le=1000, description="Hydrostatic pressure in GPa.")] = 0.0
    order: Literal["combined", "chemical", "energy"] = "combined"
    units: Annotated[
        tuple[Annotated[int, Field(ge=1, le=20)], ...],
        Field(max_length=20, description="Formula units Z of the primitive cell; all that fit if empty."),
    ] = ()
    cell: Annotated[
        str | None,
        Field(min_length=1, max_length=1000, description="Content of the primitive cell, e.g. Pb4O4."),
    ] = None
    max_atoms: Annotated[int, Field(ge=1, le=20, description="Largest primitive cell.")] = 20
    space_group: Annotated[int | None, Field(ge=1, le=230)] = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    def settings(self, workers: int) -> PredictConfig:
        """Settings of the pipeline with so many relaxation processes.

        Raises:
            InputError: A value is out of range.
        """
        values = self.model_dump(exclude={"formula"})
        return make_config(**values, workers=workers)


def check_job(request: JobRequest, limits: Limits) -> str:
    """Refuse what cannot be predicted before it takes a place; returns the reduced formula.

    Raises:
        AlphaCrystalError: The formula is none, or a setting or limit does not allow it.
    """
    from alphacrystal.composition import parse_formula
    from alphacrystal.pipeline.preflight import check_request

    for text in filter(None, (request.formula, request.cell)):
        if len(text) > limits.formula_length:
            raise InputError(
                f"A formula may have {limits.formula_length} characters at most here, not {len(text)}."
            )
    if request.candidates > limits.candidates:
        raise InputError(
            f"A job may generate {limits.candidates} structures at most here, not {request.candidates}."
        )
    formula = parse_formula(request.formula)
    check_request(formula, request.settings(limits.workers))
    return formula.reduced_formula


def command(request: JobRequest, folder: Path, workers: int, *, resume: bool) -> list[str]:
    """Arguments of the process that predicts; the formula stands behind `--`, where nothing is an option."""
    options: dict[str, object] = {
        "out": folder,
        "candidates": request.candidates,
        "top": request.top,
        "generators": ",".join(request.generators),
        "potential": request.potential,
        "pressure": request.pressure,
        "order": request.order,
        "max-atoms": request.max_atoms,
        "seed": request.seed,
        "workers": workers,
    }
    if request.units:
        options["z"] = ",".join(map(str, request.units))
    if request.cell is not None:
        options["cell"] = request.cell
    if request.space_group is not None:
        options["space-group"] = request.space_group
    return [
        sys.executable,
        "-P",  # nothing is imported from the current folder
        "-c",
        "from alphacrystal.cli import main; main()",
        "predict",
        *(f"--{name}={value}" for name, value in options.items()),
        "--relax" if request.relax else "--no-relax",
        *(["--resume"] if resume else []),
        "--",
        request.formula,
    ]

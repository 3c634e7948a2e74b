"""The request for the exploration of a chemical system, and the command that computes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alphacrystal.config import MAX_ATOMS, PredictConfig, make_config
from alphacrystal.errors import InputError
from alphacrystal.exploration import DEFAULTS, Budget, check_exploration, parse_budget, parse_system
from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.web._fields import GeneratorName, PotentialName, Pressures, command_line, described
from alphacrystal.web._settings import Limits

OVERRUN_S = 300.0  # in which an exploration whose time is spent ends its last formulas and writes its results


def _default(name: str, **limits: Any) -> Any:
    """A field with the default of `alphacrystal explore`."""
    return Field(DEFAULTS[name], description=PredictConfig.model_fields[name].description, **limits)


BudgetText = Annotated[str, Field(min_length=1, max_length=30)]


class MoreBudget(BaseModel):
    """A new budget of an exploration that has ended: a time, or a larger number of formulas in all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: BudgetText


class ExploreRequest(BaseModel):
    """A chemical system and the settings of its exploration, with the defaults of `alphacrystal explore`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Annotated[str, Field(min_length=1, max_length=60, description="For example Li-P-S.")]
    budget: BudgetText = Field(
        "30min", description="Time or number of formulas, e.g. 30min, 2h, 200formulas."
    )
    candidates: int = described("candidates", ge=1, le=5000)
    max_atoms: int = _default("max_atoms", ge=1, le=MAX_ATOMS)
    pressure: Pressures = described("pressure")
    generators: tuple[GeneratorName, ...] = described("generators", min_length=1, max_length=6)
    potential: PotentialName = described("potential")
    dispersion: Literal["d3", "none"] = _default("dispersion")
    known_phases: bool = described("known_phases")
    seed: int = described("seed", ge=0, lt=2**31)

    @property
    def pressures(self) -> tuple[float, ...]:
        """The different pressures in GPa, ascending."""
        values = self.pressure if isinstance(self.pressure, tuple) else (self.pressure,)
        return tuple(sorted(set(values)))

    @property
    def input_files(self) -> dict[str, list[tuple[str, ...]]]:
        """An exploration has no uploaded files."""
        return {}

    @property
    def limit(self) -> Budget:
        """The budget.

        Raises:
            InputError: It cannot be read.
        """
        return parse_budget(self.budget)


def check_explore_request(request: ExploreRequest, limits: Limits) -> str:
    """Refuse a request that cannot be explored before it is queued; returns the name of the system.

    Raises:
        AlphaCrystalError: The system or the budget is none, or a setting or limit does not allow it.
    """
    system = parse_system(request.system)
    budget = request.limit
    if budget.formulas is not None and budget.formulas > limits.formulas:
        raise InputError(
            f"An exploration may predict {limits.formulas} formulas at most here, not {budget.formulas}."
        )
    if budget.seconds is not None and budget.seconds > limits.seconds:
        raise InputError(
            f"A job may take {limits.seconds / 60:g} minutes at most here, not {budget.seconds / 60:g}."
        )
    if request.candidates > limits.candidates:
        raise InputError(
            f"A job may generate {limits.candidates} structures of a formula at most here, not "
            f"{request.candidates}."
        )
    values = request.model_dump(exclude={"system", "budget", "pressure"})
    check_exploration(system, make_config(**values), request.pressures)
    return system.name


def with_budget(request: ExploreRequest, budget: str, predicted: int) -> ExploreRequest:
    """The request with a new budget.

    Args:
        request: Of an exploration that has ended.
        budget: As in a request.
        predicted: Formulas that it has predicted.

    Raises:
        InputError: The budget cannot be read, or is no larger than the number of predicted formulas.
    """
    changed = request.model_copy(update={"budget": budget})
    formulas = changed.limit.formulas
    if formulas is not None and formulas <= predicted:
        plural = "" if predicted == 1 else "s"
        raise InputError(
            f"The exploration has predicted {predicted} formula{plural}: give a budget of more formulas in "
            f"all, e.g. {2 * predicted}formulas."
        )
    return changed


def explore_command(
    request: ExploreRequest, folder: Path, workers: int, *, spent: float, resume: bool, device: str = AUTO
) -> list[str]:
    """Arguments of the process that explores.

    Args:
        request: The request.
        folder: Its output folder.
        workers: Its worker processes.
        spent: Running time in s of its earlier processes, which a budget of time includes.
        resume: Whether to continue the exploration in the folder.
        device: Of the potential; a continued exploration keeps its device.
    """
    seconds = request.limit.seconds
    values = {
        **request.model_dump(exclude={"system", "budget"}),
        "budget": f"{request.limit.formulas}formulas"
        if seconds is None
        else f"{max(1.0, seconds - spent):.0f}s",
        "out": folder,
        "workers": workers,
        "device": None if resume else device,
    }
    return command_line("explore", values, parse_system(request.system).name, resume=resume)


def time_limit(request: object, limits: Limits) -> float:
    """Running time of a job in s at which it is stopped."""
    timed = isinstance(request, ExploreRequest) and request.limit.seconds is not None
    return limits.seconds + (OVERRUN_S if timed else 0.0)

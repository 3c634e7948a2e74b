"""The request for a prediction, and the command that computes it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from alphacrystal.config import MAX_ATOMS, NEGATABLE, PredictConfig, make_config
from alphacrystal.errors import InputError
from alphacrystal.web._settings import Limits


def _offered(noun: str, names: Callable[[], list[str]]) -> tuple[AfterValidator, Any]:
    """Validation and JSON schema of a name that the page offers: one that needs no file of the user."""

    def check(name: str) -> str:
        if name not in names():
            raise ValueError(f"there is no {noun} {name!r} here: choose from {', '.join(names())}")
        return name

    return AfterValidator(check), Field(json_schema_extra=lambda schema: schema.update(enum=list(names())))


def offered_generators() -> list[str]:
    """Names of the generators on the page; a request never names a path."""
    from alphacrystal.generate import GENERATORS

    return [spec.name for spec in GENERATORS.built_in() if spec.on_page]


def offered_potentials() -> list[str]:
    """Names of the potentials on the page."""
    from alphacrystal.relaxation import POTENTIALS

    return [spec.name for spec in POTENTIALS.built_in() if spec.on_page]


GeneratorName = Annotated[str, *_offered("generator", offered_generators)]
PotentialName = Annotated[str, *_offered("potential", offered_potentials)]
_SETTINGS = PredictConfig.model_fields


def _described(name: str, **limits: Any) -> Any:
    """A field with the default and the description of the setting of the same name."""
    return Field(_SETTINGS[name].default, description=_SETTINGS[name].description, **limits)


class JobRequest(BaseModel):
    """A formula and the settings of its prediction; the defaults are those of `alphacrystal predict`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formula: Annotated[str, Field(min_length=1, max_length=1000, description="For example Zr4Al3.")]
    candidates: int = _described("candidates", ge=1, le=5000)
    top: int = _described("top", ge=1, le=1000)
    generators: tuple[GeneratorName, ...] = _described("generators", min_length=1, max_length=6)
    relax: bool = _described("relax")
    potential: PotentialName = _described("potential")
    pressure: float = _described("pressure", ge=-50, le=1000)
    dispersion: Literal["auto", "d3", "none"] = _described("dispersion")
    phonons: int = _described("phonons", ge=0, le=20)
    temperature: float = _described("temperature", ge=0, le=5000)
    follow_modes: bool = _described("follow_modes")
    known_phases: bool = _described("known_phases")
    order: Literal["combined", "chemical", "energy"] = _described("order")
    z: tuple[Annotated[int, Field(ge=1, le=MAX_ATOMS)], ...] = _described("z", max_length=20)
    cell: str | None = _described("cell", min_length=1, max_length=1000)
    max_atoms: int = _described("max_atoms", ge=1, le=MAX_ATOMS)
    space_group: int | None = _described("space_group", ge=1, le=230)
    seed: int = _described("seed", ge=0, lt=2**31)

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        """Accept the names of settings in older job files."""
        if isinstance(values, dict) and "units" in values and "z" not in values:
            return {"z" if key == "units" else key: value for key, value in values.items()}
        return values

    def settings(self, workers: int) -> PredictConfig:
        """Settings of the pipeline with so many relaxation processes.

        Raises:
            InputError: A value is out of range.
        """
        values = self.model_dump(exclude={"formula"})
        return make_config(**values, workers=workers)


def check_job(request: JobRequest, limits: Limits) -> str:
    """Refuse a request that cannot be predicted before it is queued; returns the reduced formula.

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
    return formula.name


def command(request: JobRequest, folder: Path, workers: int, *, resume: bool) -> list[str]:
    """Arguments of the process that predicts; the formula follows `--`, so it cannot be an option."""
    values = {**request.model_dump(exclude={"formula"}), "out": folder, "workers": workers}
    return [
        sys.executable,
        "-P",  # nothing is imported from the current folder
        "-c",
        "from alphacrystal.cli import main; main()",
        "predict",
        *(option for name, value in values.items() for option in _options(name, value)),
        *(["--resume"] if resume else []),
        "--",
        request.formula,
    ]


def _options(name: str, value: object) -> list[str]:
    """A setting as an option of the command line; none where it is not set."""
    flag = name.replace("_", "-")
    if value is None or value == ():
        return []
    if isinstance(value, bool):
        return [f"--{flag}"] if value else [f"--no-{flag}"] if name in NEGATABLE else []
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return [f"--{flag}={text}"]

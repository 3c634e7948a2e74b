"""The request for a prediction, and the command that computes it."""

from __future__ import annotations

import binascii
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from alphacrystal.config import MAX_ATOMS, NEGATABLE, PredictConfig, make_config
from alphacrystal.errors import InputError, PotentialError
from alphacrystal.web._names import is_name
from alphacrystal.web._pattern import stored_name
from alphacrystal.web._settings import Limits

MAX_PRESSURES = 20  # of a job
MAX_FILE_NAME = 200  # characters


def _offered(noun: str, names: Callable[[], list[str]]) -> tuple[AfterValidator, Any]:
    """Validation and JSON schema of a name that the page offers: one that needs no file of the user."""

    def check(name: str) -> str:
        if name not in names():
            raise ValueError(f"there is no {noun} {name!r} here: choose from {', '.join(names())}")
        return name

    schema_extra = lambda schema: schema.update(enum=list(names()))  # noqa: E731
    return AfterValidator(check), Field(max_length=60, json_schema_extra=schema_extra)


def offered_generators() -> list[str]:
    """Names of the generators on the page; a request never names a path."""
    from alphacrystal.generate import GENERATORS

    return [spec.name for spec in GENERATORS.built_in() if spec.on_page]


def offered_potentials() -> list[str]:
    """Names of the potentials on the page."""
    from alphacrystal.relaxation import POTENTIALS

    return [spec.name for spec in POTENTIALS.built_in() if spec.on_page]


def offered_second_potentials() -> list[str]:
    """Names of all potentials whose packages are installed, those of users and of other packages too."""
    from alphacrystal.relaxation import POTENTIALS, check_potential

    names = []
    for name in POTENTIALS.names():
        if name.endswith(":"):  # a folder or a name on a hub would follow
            continue
        try:
            check_potential(name, forces=False)
        except PotentialError:  # a package is missing
            continue
        names.append(name)
    return names


def _file_name(text: str) -> str:
    if not is_name(text):
        raise ValueError("it is no file name")
    return text


def _from_base64(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("it must be text in base64")
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not in base64") from None


GeneratorName = Annotated[str, *_offered("generator", offered_generators)]
PotentialName = Annotated[str, *_offered("potential", offered_potentials)]
#: Checked when a job is requested, not when its state is read: a package may be removed later.
SecondPotentialName = Annotated[str, Field(pattern=r"^[\w.+-]{1,60}$")]
Base64 = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    WithJsonSchema({"type": "string", "format": "byte", "contentEncoding": "base64"}),
]
FileName = Annotated[str, Field(min_length=1, max_length=MAX_FILE_NAME), AfterValidator(_file_name)]
Pressure = Annotated[float, Field(ge=-50, le=1000, allow_inf_nan=False)]
#: One pressure, or a list of them; a list of one is this pressure.
Pressures = Annotated[
    Annotated[Pressure, Tag("number")]
    | Annotated[tuple[Pressure, ...], Field(min_length=1, max_length=MAX_PRESSURES), Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list | tuple) else "number"),
    AfterValidator(lambda value: value[0] if isinstance(value, tuple) and len(value) == 1 else value),
]
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
    pressure: Pressures = _described("pressure")
    dispersion: Literal["auto", "d3", "none"] = _described("dispersion")
    phonons: int = _described("phonons", ge=0, le=20)
    temperature: float = _described("temperature", ge=0, le=5000)
    follow_modes: bool = _described("follow_modes")
    rerank: SecondPotentialName | None = _described("rerank")
    known_phases: bool = _described("known_phases")
    order: Literal["combined", "chemical", "energy"] = _described("order")
    z: tuple[Annotated[int, Field(ge=1, le=MAX_ATOMS)], ...] = _described("z", max_length=20)
    cell: str | None = _described("cell", min_length=1, max_length=1000)
    max_atoms: int = _described("max_atoms", ge=1, le=MAX_ATOMS)
    space_group: int | None = _described("space_group", ge=1, le=230)
    seed: int = _described("seed", ge=0, lt=2**31)
    xrd_name: FileName | None = Field(None, description="Name of the file of the powder pattern.")
    wavelength: str | None = _described("wavelength", min_length=1, max_length=40)

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        """Accept the names of settings in older job files."""
        if isinstance(values, dict) and "units" in values and "z" not in values:
            return {"z" if key == "units" else key: value for key, value in values.items()}
        return values

    @property
    def pressures(self) -> tuple[float, ...]:
        """The different pressures in GPa, ascending, of a request of several; else empty."""
        return tuple(sorted(set(self.pressure))) if isinstance(self.pressure, tuple) else ()

    @property
    def pattern_file(self) -> str | None:
        """Name of the powder pattern's file in the run folder, None without a pattern."""
        return None if self.xrd_name is None else stored_name(self.xrd_name)

    def settings(self, workers: int) -> PredictConfig:
        """Settings of the pipeline with so many relaxation processes, without the powder pattern.

        Of several pressures, it has the lowest.

        Raises:
            InputError: A value is out of range, or the pressures are too few.
        """
        from alphacrystal.pipeline.pressure_series import check_pressures

        without = {"formula", "xrd_name"} | ({"wavelength"} if self.xrd_name is not None else set())
        values = {**self.model_dump(exclude=without), "workers": workers}
        if isinstance(self.pressure, tuple):
            return check_pressures(self.pressure, values)[1]
        return make_config(**values)


class NewJob(JobRequest):
    """A request with the powder pattern itself."""

    xrd: Base64 | None = Field(
        None, description=f"{_SETTINGS['xrd'].description} The content of the file in base64."
    )

    @model_validator(mode="after")
    def _pattern_has_content(self) -> Self:
        if self.xrd is None and self.xrd_name is not None:
            raise ValueError("xrd_name is the name of a powder pattern: give its content as xrd")
        return self

    def request(self) -> JobRequest:
        """The request without the content of the pattern."""
        name = self.xrd_name or "pattern" if self.xrd is not None else None
        return JobRequest.model_validate(self.model_dump(exclude={"xrd", "xrd_name"}) | {"xrd_name": name})


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
    if request.rerank is not None and request.rerank not in (names := offered_second_potentials()):
        raise InputError(f"There is no potential {request.rerank!r} here: choose from {', '.join(names)}.")
    formula = parse_formula(request.formula)
    check_request(formula, request.settings(limits.workers))
    return formula.name


def command(request: JobRequest, folder: Path, workers: int, *, resume: bool) -> list[str]:
    """Arguments of the process that predicts; the formula follows `--`, so it cannot be an option."""
    values = {**request.model_dump(exclude={"formula", "xrd_name"}), "out": folder, "workers": workers}
    if request.pattern_file is not None:
        values["xrd"] = folder / request.pattern_file
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

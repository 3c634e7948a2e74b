"""Types of the fields of requests with their limits, and their values as options of a command."""

from __future__ import annotations

import binascii
import sys
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

from alphacrystal.config import NEGATABLE, PredictConfig
from alphacrystal.errors import PotentialError
from alphacrystal.web._names import is_name

MAX_PRESSURES = 20  # of a job
MAX_FILE_NAME = 200  # characters
MAX_STORED_NAME = 100


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
#: Name of an uploaded file in the run folder: no separator, no leading dot, nothing that a shell interprets.
StoredName = Annotated[str, Field(pattern=rf"^[A-Za-z0-9_-][A-Za-z0-9._-]{{0,{MAX_STORED_NAME - 1}}}$")]
Pressure = Annotated[float, Field(ge=-50, le=1000, allow_inf_nan=False)]
#: One pressure, or a list of them; a list of one is this pressure.
Pressures = Annotated[
    Annotated[Pressure, Tag("number")]
    | Annotated[tuple[Pressure, ...], Field(min_length=1, max_length=MAX_PRESSURES), Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list | tuple) else "number"),
    AfterValidator(lambda value: value[0] if isinstance(value, tuple) and len(value) == 1 else value),
]
_SETTINGS = PredictConfig.model_fields


def described(name: str, **limits: Any) -> Any:
    """A field with the default and the description of the setting of the same name."""
    return Field(_SETTINGS[name].default, description=_SETTINGS[name].description, **limits)


class UploadedFile(BaseModel):
    """A file in a request.

    Attributes:
        name: Its name on the machine of the user.
        content: Its content in base64.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: FileName
    content: Base64


def command_line(command: str, values: Mapping[str, object], argument: str, *, resume: bool) -> list[str]:
    """Arguments of a process that runs a command.

    Args:
        command: For example "predict".
        values: Settings by name; a list gives an option for each of its values.
        argument: Follows `--`, so that it cannot be an option.
        resume: Whether to continue the earlier run in the output folder.
    """
    return [
        sys.executable,
        "-P",  # nothing is imported from the current folder
        "-c",
        "from alphacrystal.cli import main; main()",
        command,
        *(option for name, value in values.items() for option in _options(name, value)),
        *(["--resume"] if resume else []),
        "--",
        argument,
    ]


def _options(name: str, value: object) -> list[str]:
    """A setting as options of the command line; none where it is not set."""
    flag = name.replace("_", "-")
    if value is None or value == ():
        return []
    if isinstance(value, bool):
        return [f"--{flag}"] if value else [f"--no-{flag}"] if name in NEGATABLE else []
    if isinstance(value, Mapping):
        return [f"--{flag}={key}={item:g}" for key, item in value.items()]
    if isinstance(value, list):
        return [f"--{flag}={item}" for item in value]
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return [f"--{flag}={text}"]

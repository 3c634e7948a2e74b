"""Command-line options from the fields of `PredictConfig`: one description for all commands."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from alphacrystal.config import NEGATABLE, PredictConfig
from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import DEVICE_HELP

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

FLAGS: dict[str, tuple[str, ...]] = {"generators": ("--generators", "--generator")}


def generator_names() -> str:
    """The generators with their labels, for the help text."""
    from alphacrystal.generate import GENERATORS

    labels = {spec.name: f" ({spec.label})" for spec in GENERATORS.built_in()}
    return "; ".join(f"{name}{labels.get(name, '')}" for name in GENERATORS.names())


def potential_names() -> str:
    """The potentials, for the help text."""
    from alphacrystal import relaxation

    return ", ".join(relaxation.potential_names())


#: The option of commands without the settings of a prediction.
DeviceOption = Annotated[str, typer.Option(help=DEVICE_HELP)]

#: Options that a command line may repeat, with the text of their value in the help.
REPEATED = {"seed_structures": "FILE", "min_distance": "A-B=Å"}

#: Parts of help texts that need heavy imports; `SettingsCommand` adds them when the help is shown.
CHOICES: dict[str, Callable[[], str]] = {"generators": generator_names, "potential": potential_names}


class SettingsCommand(TyperCommand):
    """A command whose help text lists the generators and potentials that are installed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._complete: set[str] = set()

    def add_choices(self) -> None:
        """Complete the help texts of the options, once."""
        for parameter in self.params:
            choices = CHOICES.get(parameter.name or "")
            if choices is not None and parameter.name not in self._complete:
                self._complete.add(parameter.name or "")
                parameter.help = f"{parameter.help} One of: {choices()}."  # type: ignore[attr-defined]

    def format_help(self, *arguments: Any) -> None:
        """Write the help text with all choices."""
        self.add_choices()
        super().format_help(*arguments)


def settings_options(
    fields: Collection[str] = (),
    *,
    without: Collection[str] = (),
    defaults: Mapping[str, object] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting; it receives those that the user set as ``settings``.

    Args:
        fields: Names of settings; all if empty.
        without: Settings to leave out.
        defaults: Defaults of this command that differ from those of `PredictConfig`, for the help text.
    """
    names = [name for name in fields or PredictConfig.model_fields if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(**arguments: Any) -> None:
            values = {name: arguments.pop(name) for name in names}
            command(
                **arguments,
                settings={name: value for name, value in values.items() if value not in (None, [])},
            )

        signature = inspect.signature(command)
        hints = get_type_hints(command, include_extras=True)
        kept = [
            parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in signature.parameters.items()
            if name != "settings"
        ]
        options = [_option(name, (defaults or {}).get(name)) for name in names]
        setattr(wrapped, "__signature__", signature.replace(parameters=[*kept, *options]))  # noqa: B010 - typed
        wrapped.__annotations__ = {item.name: item.annotation for item in [*kept, *options]}
        del wrapped.__dict__["__wrapped__"]
        setattr(wrapped, "command_class", SettingsCommand)  # noqa: B010 - an attribute of a function
        return wrapped

    return decorate


def _option(name: str, default: object) -> inspect.Parameter:
    field = PredictConfig.model_fields[name]
    value_type, text = (list[str], REPEATED[name]) if name in REPEATED else _type_and_choices(field)
    default = field.default if default is None else default
    note = (
        ""
        if default in (None, (), {}, False) or name in NEGATABLE
        else f" (default: {_default_text(default)})"
    )
    flags: tuple[str, ...] = FLAGS.get(name, ())
    if value_type is bool:
        flag = "--" + name.replace("_", "-")
        flags = (f"{flag}/--no-{name.replace('_', '-')}",) if name in NEGATABLE else (flag,)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    option = typer.Option(
        *flags,
        help=f"{field.description}{note}",
        metavar=text,
        rich_help_panel=str(extra["group"]),
        show_default=False,
        parser=_PARSERS.get(name),
    )
    annotation = Annotated[Union[value_type, None], option]  # type: ignore[valid-type] # noqa: UP007 - a value
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _type_and_choices(field: FieldInfo) -> tuple[type, str | None]:
    """The type of the value of an option, and its name in the help text if the type has none."""
    annotation: Any = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(item for item in get_args(annotation) if item is not type(None))
    if annotation is int and str in get_args(field.annotation):
        return str, "GROUP"
    if get_origin(annotation) is Literal:
        return str, "|".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        return tuple, "NAME,..." if get_args(annotation)[0] is str else "NUMBER,..."
    assert annotation in (int, float, str, bool, Path)
    return annotation, None


def _default_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--z takes whole numbers separated by commas, e.g. 1,2,4, not {text!r}.") from None


def _lattice(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 6):
        raise InputError(
            f"--lattice takes 6 numbers separated by commas, e.g. 4,4,6,90,90,90, or the edge of a cube, not "
            f"{text!r}."
        )
    return numbers


def _pressures(text: str) -> float | tuple[float, ...]:
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError:
        raise InputError(
            f"--pressure takes GPa, or several values separated by commas, e.g. 0,20,60, not {text!r}."
        ) from None
    return values[0] if len(values) == 1 else values


_PARSERS: dict[str, Callable[[str], Any]] = {
    "generators": _words,
    "alloy": _words,
    "z": _whole_numbers,
    "lattice": _lattice,
    "space_group": str,
    "lattice_tolerance": str,
    "pressure": _pressures,
}

"""The commands of `alphacrystal`: one module each, imported when its command runs."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from alphacrystal.cli import commands

#: Entry points of other packages: Typer applications or functions.
COMMANDS = "alphacrystal.commands"
#: Commands in the order of a workflow; further ones follow by name.
ORDER = (
    "predict",
    "inspect",
    "relax",
    "rank",
    "layers",
    "evaluate",
    "view",
    "export",
    "serve",
    "campaign",
    "data",
    "model",
    "train",
)


class CommandGroup(TyperGroup):
    """Commands by name; a command is a module of `alphacrystal.cli.commands` or an entry point.

    A module ``NAME.py`` defines a Typer application ``app`` or a function of its name, and the first line of
    its docstring is the help text.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        names = [*_modules(), *_entry_points()]
        return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, None if there is none; its module is imported when it runs."""
        if cmd_name in _modules():
            return _LazyCommand(cmd_name, _help_text(_modules()[cmd_name]), lambda: _built_in(cmd_name))
        entry = _entry_points().get(cmd_name)
        if entry is None:
            return None
        summary = entry.dist.metadata["Summary"] if entry.dist else ""
        return _LazyCommand(cmd_name, summary or "", lambda: _click_command(cmd_name, entry.load()))

    def loaded(self) -> TyperGroup:
        """A group of all commands with complete help texts, for documentation."""
        group = TyperGroup(name=self.name, help=self.help, params=self.params, callback=self.callback)
        for name in self.list_commands(None):
            command = self.get_command(None, name).load()
            if hasattr(command, "add_choices"):
                command.add_choices()
            group.add_command(command, name)
        return group


class _LazyCommand(TyperCommand):
    """A command whose module is imported when it is used."""

    def __init__(self, name: str, help_text: str, load: Callable[[], Any]) -> None:
        super().__init__(name, help=help_text, callback=None)
        self._load = load

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """The context of the imported command."""
        return self.load().make_context(*arguments, **options)

    def load(self) -> Any:
        """Import the command."""
        return self._load()


@cache
def _modules() -> dict[str, Path]:
    folder = Path(commands.__path__[0])
    return {
        module.name.replace("_", "-"): folder / f"{module.name}.py"
        for module in pkgutil.iter_modules(commands.__path__)
    }


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=COMMANDS)}


def _help_text(path: Path) -> str:
    """The first line of the docstring of a module, read without an import."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0] if text else ""


def _built_in(name: str) -> Any:
    module = import_module(f"{commands.__name__}.{name.replace('-', '_')}")
    return _click_command(name, getattr(module, "app", None) or getattr(module, name.replace("-", "_")))


def _command_class(function: Callable[..., object]) -> type[TyperCommand]:
    return getattr(function, "command_class", TyperCommand)


def _click_command(name: str, target: Any) -> Any:
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name, cls=_command_class(target), context_settings=CONTEXT)(target)
        target = app
    command = typer.main.get_command(target)
    command.name = name
    return command


CONTEXT = {"help_option_names": ["-h", "--help"]}

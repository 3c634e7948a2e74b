"""The functions of `alphacrystal` have the options of the commands, with the same defaults."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from pymatgen.core import Lattice, Structure

import alphacrystal
from alphacrystal.cli.app import app
from alphacrystal.cli.command_group import CommandGroup

#: Options that only read or write: lists of formulas, files of settings, the text that is printed.
OF_THE_COMMAND = {"as_csv", "as_json", "config_file", "output_file", "source"}
RENAMED = {"formulas": "text", "out": "folder"}


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    """Commands by name."""
    group = typer.main.get_command(app)
    assert isinstance(group, CommandGroup)
    return dict(group.loaded().commands)


@pytest.mark.parametrize("verb", ["predict", "inspect", "relax", "rank", "layers", "evaluate"])
def test_function_has_the_options_of_the_command(verb: str, commands: dict[str, Any]) -> None:
    options = {option.name: option for option in commands[verb].params}
    arguments = inspect.signature(getattr(alphacrystal, verb)).parameters
    settings = alphacrystal.PredictConfig.model_fields if "settings" in arguments else {}
    for name in set(options) - OF_THE_COMMAND:
        assert name in settings or RENAMED.get(name, name) in arguments
    for name in set(options) & set(arguments):
        assert arguments[name].default in (inspect.Parameter.empty, options[name].default)


def test_rank_uses_one_process_by_default(tmp_path: Path) -> None:
    halite = Structure.from_spacegroup(225, Lattice.cubic(5.7), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    (folder,) = alphacrystal.rank([halite], folder=tmp_path / "run")
    assert json.loads((folder / "run.json").read_text())["configuration"]["workers"] == 1


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("evaluate", {"top": 0}),
        ("evaluate", {"workers": 0}),
        ("evaluate", {"time_limit": -1.0}),
        ("inspect", {"top": 0}),
        ("inspect", {"max_atoms": 0}),
        ("relax", {"workers": 0}),
        ("rank", {"pressure": 2000}),
    ],
)
def test_numbers_that_the_command_refuses_are_refused(verb: str, arguments: dict[str, float]) -> None:
    inputs = {"evaluate": ("a.cif", "b.cif"), "inspect": ("NaCl",)}.get(verb, (["a.cif"],))
    (name,) = arguments
    with pytest.raises(alphacrystal.InputError, match=name.replace("_", ".")):  # a space or _
        getattr(alphacrystal, verb)(*inputs, **arguments)

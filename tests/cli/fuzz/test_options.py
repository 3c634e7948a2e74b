"""Every option of every verb with values that nobody would give it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from alphacrystal.cli.app import app

NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e-300",
    "1e400",
    "1e300",
    "1_0",
    "0x10",
    "٣",
    "",
    " ",
    "x",
    "1,2",
]
NUMBERS += ["1.5", "-0", "9" * 30, "1e3000", "½", "True"]
#: What makes a run long: small or refused.
COSTLY = {
    "budget": ["1formulas", "0formulas", "1", "1min ", "formulas"],
    "candidates": ["1", "2"],
    "steps": ["0", "1"],
    "workers": ["1"],
    "epochs": ["1"],
    "threads": ["1"],
    "evaluations": ["1", "3"],
    "trials": ["1", "5"],
    "generate_seconds": ["0.05", "1e-9"],
    "time_limit": ["0.01", "5"],
    "limit": ["1", "30"],
    "top": ["1", "2", "1000"],
}
#: Never started here: a server, a benchmark, registered potentials of the user.
LEFT_OUT = {"serve", "mcp", "benchmark", "potential"}
TEXTS = {
    "generators": [
        "random",
        "template",
        "contact_map",
        "distance_matrix,random",
        "gnoa-random",
        "gnoa-pso",
        ",",
    ],
    "potential": ["chgnet", "chgnet-r2scan", "megnet:", "m3gnet:x", "sevennet", "megnet:../x", "emt", "lj"],
    "relaxation": ["gradient", "bayesian", "Gradient"],
    "similarity": ["learned", "substitution"],
    "fitness": ["likelihood", "rmse", "paper", "contacts"],
    "order": ["combined", "chemical", "energy"],
    "metrics": ["all", "paper", "cspbench", "invariant", "none", "rmsd", ",", "all,none", "energy_distance"],
    "preset": ["cspbench", "diffcsp"],
    "z": ["1", "1,2", "0", "-1", "1,,2", "9" * 30, "1,1,1", "4,x", "٢"],
    "cell": ["Na2Cl2", "NaCl", "Na4Cl4", "Na2Cl", "K", "", "Na20Cl20", "(NaCl)2"],
    "lattice": [
        "4,4,4,90,90,90",
        "5.6,5.6,5.6,90,90,90",
        "1,1,1,1,1,179",
        "4,5,6,80,95,120",
        "nan,4,4,90,90,90",
        "4,4,4,90,90",
        "1e-9,1e-9,1e-9,90,90,90",
        "199,199,199,90,90,90",
        "inf,1,1,90,90,90",
    ],
    "elements": ["Na", "Na,Cl", "X", ",", ""],
    "source": ["files", "optimade", "materials-project", "ftp"],
    "name": ["symmetry", "contact", "lattice", "gpt", "../symmetry"],
    "space_group": ["1", "225", "227", "194", "230"],
    "chemsys": ["Na-Cl", "-", ""],
    "query": ["", "elements HAS"],
}
ARGUMENTS = {
    "predict": ["NaCl"],
    "inspect": ["NaCl"],
    "relax": ["{cif}"],
    "rank": ["{cif}"],
    "evaluate": ["{cif}", "{cif}"],
    "view": ["{run}"],
    "campaign": ["{missing}"],
    "train": ["lattice"],
    "data build": ["{folder}"],
    "data subset": ["{folder}"],
    "data stats": ["{folder}"],
    "data references": ["{folder}"],
    "data neighbours": ["{folder}"],
    "data bond-valences": ["{folder}"],
    "data phases": ["{folder}"],
    "doctor": [],
    "explore": ["Na-Cl"],
    "export": ["{run}"],
    "model list": [],
    "model card": ["symmetry"],
}
ALWAYS = {
    "predict": ["--candidates", "1", "--max-atoms", "4", "--workers", "1", "--steps", "1", "--out", "out"],
    "relax": ["--steps", "1", "--workers", "1", "--out", "out"],
    "rank": ["--out", "out"],
    "train": ["--data", "{folder}", "--out", "out", "--epochs", "1"],
    "doctor": ["--no-self-test"],
    "explore": [
        *("--budget", "1formulas", "--candidates", "1", "--max-atoms", "2", "--workers", "1"),
        *("--steps", "1", "--no-report", "--out", "out"),
    ],
    "export": ["--to", "optimade", "--out", "out"],
    "data build": ["--out", "out.jsonl"],
    "data subset": ["--out", "out.jsonl"],
    "data references": ["--out", "out.json"],
    "data neighbours": ["--out", "out.csv"],
    "data bond-valences": ["--out", "out.json"],
    "data phases": ["--out", "out.sqlite"],
}


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from () if name in LEFT_OUT else commands(command, f"{name} ")
        elif name not in LEFT_OUT:
            yield before + name, command


VERBS = dict(commands(typer.main.get_command(app).loaded()))
JUNK = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
PATHS = [
    "{cif}",
    "{folder}",
    "{run}",
    "{missing}",
    "{empty}",
    "{junk}",
    "",
    ".",
    "{folder}/",
    "x" * 300,
    "{cif}/x",
]
#: Written to, as the user asks.
OUTPUTS = {"out", "json_file", "plot", "cache"}
NAMES = [
    "out",
    "a/b/out.jsonl",
    "o.jsonl.gz",
    "",
    ".",
    "-",
    "x" * 300,
    "{cif}/x",
    "/proc/x",
    "é.json",
    "o.jsonl/",
]


def options(verb: str) -> list[Any]:
    # view --figures writes into the run it is given, as asked
    unwanted = {"scheduler", "open_report", "figures", "show_completion", "install_completion", "help"}
    return [p for p in VERBS[verb].params if p.param_type_name == "option" and p.name not in unwanted]


@st.composite
def option_text(draw: Any, parameter: Any) -> list[str]:
    """An option with a value, by the type it says it has."""
    flag = draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts]))
    if parameter.is_flag:
        return [flag]
    kind = parameter.bare_type()
    if parameter.name in COSTLY:
        values = [*COSTLY[parameter.name], *(text for text in NUMBERS if not _large(text))]
        value = draw(st.sampled_from(values))
    elif kind in {int, float} and parameter.name not in TEXTS:
        value = draw(st.sampled_from(NUMBERS))
    elif parameter.name in OUTPUTS:
        value = draw(st.one_of(st.sampled_from(NAMES), JUNK.filter(lambda text: "/" not in text)))
    elif kind is Path:
        value = draw(st.one_of(st.sampled_from(PATHS), JUNK.filter(lambda text: "/" not in text)))
    else:
        usual = TEXTS.get(parameter.name, NUMBERS)
        value = draw(
            st.one_of(st.sampled_from(usual), st.sampled_from(usual), st.sampled_from(NUMBERS), JUNK)
        )
    return [f"{flag}={value}"] if draw(st.booleans()) and flag.startswith("--") else [flag, value]


def _large(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and float(text) > 2
    except ValueError:
        return False


@st.composite
def command_lines(draw: Any) -> list[str]:
    verb = draw(st.sampled_from(sorted(VERBS) + ["predict"] * 12 + ["inspect"] * 2))
    words = [*verb.split(), *ALWAYS.get(verb, [])]
    for _ in range(draw(st.integers(1, 4))):
        words += draw(option_text(draw(st.sampled_from(options(verb)))))
    if verb == "predict" and draw(st.integers(0, 7)):
        words.append("--no-relax")
    arguments = ARGUMENTS[verb]
    if draw(st.integers(0, 9)) == 0:
        arguments = draw(st.lists(st.one_of(st.sampled_from(PATHS), JUNK), max_size=3))
    return [*words, *arguments]


@pytest.fixture
def places(fuzz: Any) -> dict[str, Path]:
    """What the words in braces stand for."""
    folder = fuzz.inputs / "crystals"
    folder.mkdir()
    for symbols, a in ((("Na", "Cl"), 5.64), (("Mg", "O"), 4.21), (("K", "Cl"), 6.29)):
        crystal = Structure.from_spacegroup(225, Lattice.cubic(a), symbols, [[0, 0, 0], [0.5, 0.5, 0.5]])
        crystal.to(str(folder / f"{''.join(symbols)}.cif"))
    (folder / "Na.vasp").write_text(
        Structure.from_spacegroup(229, Lattice.cubic(4.29), ["Na"], [[0, 0, 0]]).to(fmt="poscar")
    )
    (fuzz.inputs / "empty").mkdir()
    (fuzz.inputs / "junk").write_bytes(bytes(range(256)) * 4)
    run = fuzz.inputs / "run"
    assert (
        fuzz("predict", "NaCl", "--no-relax", "--candidates", "2", "--max-atoms", "4", "--out", run).code == 0
    )
    found = {name: fuzz.inputs / name for name in ("empty", "junk", "run", "missing")}
    return {**found, "cif": folder / "NaCl.cif", "folder": folder}


@pytest.mark.parametrize("count", [30, pytest.param(600, marks=pytest.mark.slow)])
def test_any_value_of_any_option_is_taken_or_refused(fuzz: Any, places: dict[str, Path], count: int) -> None:
    @fuzz.cases(count)
    @given(words=command_lines())
    def check(words: list[str]) -> None:
        with fuzz.case():
            fuzz(*(_filled(word, places) for word in words))

    check()


def _filled(word: str, places: dict[str, Path]) -> str:
    for name, path in places.items():
        word = word.replace("{" + name + "}", str(path))
    return word


SETTINGS = [
    *(
        "top",
        "candidates",
        "generators",
        "evaluations",
        "trials",
        "generate_seconds",
        "templates",
        "similarity",
    ),
    *("faithful", "fitness", "relax", "potential", "relaxation", "pressure", "hull", "references", "order"),
    *(
        "units",
        "cell",
        "max_atoms",
        "space_group",
        "lattice",
        "fmax",
        "steps",
        "relax_seconds",
        "workers",
        "seed",
    ),
    *("models", "colour", ""),
]
TOML_VALUES = [
    "1",
    "0",
    "-1",
    "2.5",
    "nan",
    "inf",
    "true",
    "''",
    "'x'",
    "[]",
    "[1]",
    "['random']",
    "[[1]]",
    "{}",
]
TOML_VALUES += [
    "{a = 1}",
    "1979-05-27",
    '"\\u0000"',
    '"\\u001b[2J"',
    "[4,4,4,90,90,90]",
    "9" * 18,
    "'NaCl'",
    "'1'",
]


@pytest.mark.parametrize("count", [20, pytest.param(150, marks=pytest.mark.slow)])
def test_any_settings_file_is_taken_or_refused(fuzz: Any, count: int) -> None:
    @fuzz.cases(count)
    @given(
        lines=st.lists(st.tuples(st.sampled_from(SETTINGS), st.sampled_from(TOML_VALUES)), max_size=4),
        junk=st.one_of(st.just(""), st.just(""), JUNK),
    )
    def check(lines: list[tuple[str, str]], junk: str) -> None:
        path = fuzz.inputs / "run.toml"
        path.write_text("".join(f"{name} = {value}\n" for name, value in lines) + junk, encoding="utf-8")
        quick = ("--no-relax", "--candidates", "1", "--max-atoms", "4", "--workers", "1")
        with fuzz.case():
            fuzz("predict", "NaCl", "--config", path, *quick, "--out", "out")

    check()

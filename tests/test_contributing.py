"""The recipes of CONTRIBUTING.md, followed in a copy of the source."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.data import StructureRecord

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"Create `([^`]+)`[^\n]*\n\n   ```python\n(.*?)   ```", re.DOTALL)

Command = Callable[..., str]


def recipe(title: str) -> list[tuple[str, str]]:
    """Paths and code of the blocks below a heading."""
    _, _, section = TEXT.partition(f"\n## {title}\n")
    section = section.partition("\n## ")[0]
    blocks = [(path, textwrap.dedent(code)) for path, code in BLOCK.findall(section)]
    assert blocks
    return blocks


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source of both packages."""
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("src", "benchmarks/alphacrystal_bench/src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    return tmp_path


@pytest.fixture
def command(source: Path) -> Command:
    """The command line of the copy; returns standard output."""
    folders = (source / "src", source / "benchmarks" / "alphacrystal_bench" / "src")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
    }

    def run(*arguments: object, program: str = "from alphacrystal.cli import main; main()") -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            check=False,
            cwd=source,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_generator_recipe(source: Path, command: Command) -> None:
    ((path, code),) = recipe("Add a generator")
    (source / path).write_text(code, encoding="utf-8")
    output = command(
        *("predict", "NaCl", "--generators", "rock-salt", "--candidates", 2, "--no-relax"),
        *("--out", source / "run", "--json"),
    )
    assert json.loads(output)["rows"][0]["space_group_number"] == 225
    assert "rock-salt" in command("predict", "--help")


def test_potential_recipe(source: Path, command: Command) -> None:
    ((path, code),) = recipe("Add a potential")
    (source / path).write_text(code, encoding="utf-8")
    program = (
        "from alphacrystal.relaxation import load_potential, potential_names\n"
        "potential = load_potential('emt')\n"
        "print(potential.name in potential_names(), sorted(potential.supported_elements))"
    )
    assert command(program=program).split() == [
        "True",
        *str(sorted(["Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au"])).split(),
    ]
    # Step 4: the contract test with the name.
    shutil.copytree(ROOT / "tests" / "relaxation", source / "tests" / "relaxation")
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, source / name)
    contract = source / "tests" / "relaxation" / "test_potential_contract.py"
    text = contract.read_text(encoding="utf-8")
    assert "NAMES = [\n" in text
    contract.write_text(text.replace("NAMES = [\n", 'NAMES = [\n    "emt",\n', 1), encoding="utf-8")
    pytest_main = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    assert " passed" in command("-q", "-k", "emt", contract, program=pytest_main)


def test_benchmark_recipe(source: Path, command: Command) -> None:
    blocks = recipe("Add a benchmark")
    assert len(blocks) == 2
    for path, code in blocks:
        (source / path).write_text(code, encoding="utf-8")
    rock_salt = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0, 0]]
    )
    record = StructureRecord.from_structure(rock_salt, "NaCl").model_copy(update={"split": "val"})
    (source / "records.jsonl").write_text(record.model_dump_json() + "\n", encoding="utf-8")
    output = command("benchmark", "volumes", "--data", "records.jsonl", "--out", "result", "--json")
    result = json.loads(output)
    assert result["compounds"] == 1
    assert 0 < result["median_error"] < 0.5


def test_command_recipe(source: Path, command: Command) -> None:
    ((path, code),) = recipe("Add a command")
    (source / path).write_text(code, encoding="utf-8")
    assert command("cells", "TiO2", "--max-atoms", 6).split() == ["TiO2", "Ti2O4"]
    assert "List the possible cell" in command("--help")

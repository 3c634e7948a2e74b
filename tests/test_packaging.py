"""The wheels, the conda recipe, the container file and the workflow agree with pyproject.toml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROGRAM, WEIGHTS = (
    tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))
    for folder in (".", "weights")
)
PROJECT = PROGRAM["project"]
#: Names on conda-forge that differ.
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
RECIPE = ROOT / "packaging" / "conda" / "recipe.yaml"


def recipe() -> dict[str, Any]:
    """The recipe with the values of its context."""
    text = RECIPE.read_text(encoding="utf-8")
    context = YAML(typ="safe").load(text)["context"]
    for name, value in context.items():
        text = text.replace(f"${{{{ {name} }}}}", value)
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


def output(name: str) -> dict[str, Any]:
    """One package of the recipe."""
    (found,) = [item for item in recipe()["outputs"] if item["package"]["name"] == name]
    return dict(found)


def ranges(requirements: list[str]) -> dict[str, SpecifierSet]:
    """Version ranges by name, as pip or conda write them."""
    parsed = [Requirement(text.replace(" ", "", 1)) for text in requirements]
    return {item.name: item.specifier for item in parsed}


def conda_ranges(project: dict[str, Any]) -> dict[str, SpecifierSet]:
    """The version ranges that a recipe must have: those of pyproject.toml, and that of Python."""
    wanted = {
        CONDA_NAMES.get(name, name): specifier
        for name, specifier in ranges(project.get("dependencies", [])).items()
    }
    return {"python": SpecifierSet(project["requires-python"]), **wanted}


@pytest.mark.parametrize(("name", "content"), [("alphacrystal", PROGRAM), ("alphacrystal-weights", WEIGHTS)])
def test_recipe_has_the_dependencies_of_the_project(name: str, content: dict[str, Any]) -> None:
    requirements = output(name)["requirements"]
    assert ranges(requirements["run"]) == conda_ranges(content["project"])
    built_with = ranges([text for text in requirements["host"] if " " in text and "python" not in text])
    assert built_with == ranges(content["build-system"]["requires"])


def test_recipe_has_the_version_the_command_and_the_licence_of_the_project() -> None:
    content = recipe()
    assert content["recipe"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
    assert WEIGHTS["project"]["version"] == PROJECT["version"]
    assert Version(PROJECT["version"]) in ranges(PROJECT["dependencies"])["alphacrystal-weights"]
    commands = [f"{name} = {place}" for name, place in PROJECT["scripts"].items()]
    assert output("alphacrystal")["build"]["python"]["entry_points"] == commands
    about = content["about"]
    assert (about["license"], [about["license_file"]]) == (PROJECT["license"], PROJECT["license-files"])
    assert about["summary"] == PROJECT["description"]


def test_container_copies_what_is_there_and_keeps_the_pins() -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    sources = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "src", "weights"} == set(sources)
    assert all((ROOT / source).exists() for source in sources)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{source}" for source in sources} <= set(ignored)
    (install,) = [line for line in lines if "pip install" in line]
    assert "--constraint constraints.txt" in install
    assert "./weights" in install.split()
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', install)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    (base,) = [line.split()[1] for line in lines if line.startswith("FROM ")]
    version = re.fullmatch(r"python:(\d+\.\d+)-slim", base)  # a plain name, no registry
    assert version is not None
    assert version[1] in supported_pythons()
    (command,) = [line for line in lines if line.startswith("ENTRYPOINT ")]
    assert command == f'ENTRYPOINT ["{next(iter(PROJECT["scripts"]))}"]'


def supported_pythons() -> set[str]:
    """The versions of Python in the classifiers, which the range of the project allows."""
    found = {line.split()[-1] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert all(Version(f"{version}.0") in SpecifierSet(PROJECT["requires-python"]) for version in found)
    return found


def test_workflow_tests_all_versions_and_the_wheels() -> None:
    jobs = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert set(jobs["test"]["strategy"]["matrix"]["python"]) == supported_pythons()
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert commands["wheel"] == ["scripts/smoke-wheel"]
    scripts = set(re.findall(r"scripts/[\w-]+", str(commands)))
    targets = set(re.findall(r"make (\w+)", str(commands)))
    assert all((ROOT / script).stat().st_mode & 0o111 for script in scripts)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of both packages, unpacked into one folder each, by the name of the package."""
    pytest.importorskip("hatchling", reason="needs hatchling, which scripts/setup-venv installs")
    folder = tmp_path_factory.mktemp("wheels")
    for line in (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY "):
            for name in line.split()[1:-1]:
                place = folder / "source" / name
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, place)
    unpacked = {}
    for package, project in (("alphacrystal", "."), ("alphacrystal_weights", "weights")):
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(build, cwd=folder / "source" / project, check=True, capture_output=True)
        (wheel,) = folder.glob(f"{package}-[0-9]*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / package)
        unpacked[package] = folder / package
    return unpacked


def metadata(wheel: Path) -> Message:
    (path,) = wheel.glob("*.dist-info/METADATA")
    return message_from_string(path.read_text(encoding="utf-8"))


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize(
    ("package", "source"),
    [("alphacrystal", "src/alphacrystal"), ("alphacrystal_weights", "weights/src/alphacrystal_weights")],
)
def test_wheel_has_all_files_of_the_package(wheels: dict[str, Path], package: str, source: str) -> None:
    built = files(wheels[package] / package)
    assert built == files(ROOT / source)
    assert "__init__.py" in built


@pytest.mark.parametrize("package", ["alphacrystal", "alphacrystal_weights"])
def test_wheel_needs_what_the_recipe_names(wheels: dict[str, Path], package: str) -> None:
    content = metadata(wheels[package])
    built = [text for text in content.get_all("Requires-Dist") or [] if "extra ==" not in text]
    project = {"requires-python": content["Requires-Python"], "dependencies": built}
    assert ranges(output(content["Name"])["requirements"]["run"]) == conda_ranges(project)
    assert recipe()["recipe"]["version"] == content["Version"]


def test_program_starts_from_the_wheel(wheels: dict[str, Path], tmp_path: Path) -> None:
    places = os.pathsep.join(map(str, [wheels["alphacrystal"], wheels["alphacrystal_weights"]]))
    program = "import alphacrystal; print(alphacrystal.__file__)\nfrom alphacrystal.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--version"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=True,
    )
    place, version = done.stdout.splitlines()
    assert Path(place).is_relative_to(wheels["alphacrystal"])
    assert version == f"alphacrystal {metadata(wheels['alphacrystal'])['Version']}"


def test_setup_names_a_missing_and_an_old_python(tmp_path: Path) -> None:
    for name in (
        "pyproject.toml",
        "constraints.txt",
        "scripts",
        "benchmarks/alphacrystal_bench/pyproject.toml",
    ):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && exec echo Python 3.9.2\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    for python, version in ((str(old), "Python 3.9.2"), ("no-python", "missing")):
        done = subprocess.run(
            ["scripts/setup-venv", "run"],
            cwd=tmp_path,
            env=os.environ | {"PYTHON": python},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.startswith(
            f"AlphaCrystal needs Python 3.11 or newer, but '{python}' is {version}: "
        )
        assert not (tmp_path / ".venv").exists()


def test_recipe_is_valid_for_rattler_build() -> None:
    rattler_build = pytest.importorskip("rattler_build", reason="needs py-rattler-build")
    stage = rattler_build.Stage0Recipe.from_file(str(RECIPE))
    rendered = [variant.recipe for variant in stage.render(rattler_build.VariantConfig())]
    assert {item.package.name for item in rendered} == {"alphacrystal", "alphacrystal-weights"}
    assert all("python >=3.11" in item.requirements.run for item in rendered)

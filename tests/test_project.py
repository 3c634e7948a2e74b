"""The project's own promises: quick imports, one version, declared dependencies, readable modules."""

import ast
import importlib
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

import alphacrystal

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "alphacrystal"
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BENCH = ROOT / "benchmarks" / "alphacrystal_bench"
BENCH_PROJECT = tomllib.loads((BENCH / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = ["ase", "chgnet", "matplotlib", "pandas", "plotly", "pymatgen", "scipy", "sympy", "torch"]


def requirement_names(requirements: list[str]) -> set[str]:
    return {Requirement(text).name for text in requirements} - {"alphacrystal"}


@pytest.mark.parametrize("module", ["alphacrystal", "alphacrystal.cli"])
def test_import_loads_no_heavy_package(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def packages() -> list[str]:
    folders = [path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("__init__.py")]
    return sorted(".".join(folder.parts) for folder in folders)


def test_public_names_exist_and_are_documented() -> None:
    undocumented = []
    for package in packages():
        module = importlib.import_module(package)
        public = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
        documented = {package: module} | {
            f"{package}.{name}": value
            for name, value in public.items()
            if inspect.isclass(value) or inspect.isfunction(value)
        }
        undocumented += [name for name, value in documented.items() if not inspect.getdoc(value)]
    assert undocumented == []


def test_top_level_names_are_a_flat_list() -> None:
    public = {name for name in vars(alphacrystal) if not name.startswith("_")}
    submodules = {path.stem for path in PACKAGE.iterdir()}
    assert public - submodules <= set(alphacrystal.__all__)
    assert len(alphacrystal.__all__) == len(set(alphacrystal.__all__))
    assert set(alphacrystal.__all__) <= set(dir(alphacrystal))
    assert submodules.isdisjoint(alphacrystal.__all__), "an imported submodule would hide the name"


def test_version_is_the_same_everywhere() -> None:
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, flags=re.MULTILINE)
    assert newest is not None
    assert {
        alphacrystal.__version__,
        importlib.metadata.version("alphacrystal"),
        str(citation["version"]),
        newest[1],
    } == {PROJECT["version"]}


def test_modules_are_shorter_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES
    }
    assert {name: length for name, length in lengths.items() if length >= 400} == {}


def declared_names(left_out: set[str]) -> set[str]:
    """Dependencies of both packages, without those of some extras."""
    names = set()
    for project in (PROJECT, BENCH_PROJECT):
        extras = project["optional-dependencies"].items()
        requirements = [text for name, texts in extras if name not in left_out for text in texts]
        names |= requirement_names(project["dependencies"] + requirements)
    return names


def test_dependencies_are_explained() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([^`]+)` \|", page, flags=re.MULTILINE))
    assert explained == declared_names(set())


def test_dependencies_are_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {Requirement(line).name.lower() for line in lines if line and not line.startswith("#")}
    # Potentials of others and CrySPY are the user's to install, and jobflow, which wants an older
    # python-dateutil, and mcp, which has many dependencies.
    assert (
        declared_names({"cryspy", "jobflow", "matgl", "materials-project", "mcp", "sevennet", "torch-sim"})
        - {"alphacrystal-weights"}
        <= pins
    )


def imported_packages(path: Path) -> set[str]:
    """Top-level names imported anywhere in a module, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"alphacrystal"}


def test_package_imports_only_declared_dependencies() -> None:
    imported = set().union(*(imported_packages(path) for path in MODULES))
    # Import names that differ from the name on the package index.
    distribution = {
        "IPython": "ipython",
        "mp_api": "mp-api",
        "py3Dmol": "py3dmol",
        "pymatgen": "pymatgen-core",
        "sklearn": "scikit-learn",
        "torch_sim": "torch-sim-atomistic",
    }
    optional = PROJECT["optional-dependencies"]
    extras = requirement_names([text for name in optional if name != "dev" for text in optional[name]])
    allowed = requirement_names(PROJECT["dependencies"]) | extras
    assert {distribution.get(name, name) for name in imported} <= allowed


def tracked_text_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    binary = {".safetensors", ".gz", ".npz", ".png"}
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in binary]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"(?<![\w.])/(tmp|work|root|home|Users)/", id="path-of-one-machine"),
        pytest.param(
            r"\b(pypi|pythonhosted|npmjs|pytorch)\.(org|com)/(simple|packages|whl)\b", id="registry"
        ),
    ],
)
def test_tracked_files_name_no_place_outside_the_project(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_text_files()
        for match in re.finditer(pattern, path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []

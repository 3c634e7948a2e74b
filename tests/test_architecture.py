"""The order of the stages: which package may know which, and that private modules stay private."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
MODULES = sorted((SOURCE / "alphacrystal").rglob("*.py"))

# Each stage may know those before it. None knows the front ends, which run the stages.
STAGES = [
    "composition",
    "crystal",
    "data",
    "learn",
    "reconstruct",
    "generate",
    "relax",
    "rank",
    "report",
    "evaluate",
]
FRONT_ENDS = {"pipeline", "benchmark", "cli", "integrations", "web", "scale"}
# Potentials and our networks know nothing of each other.
APART = {"relax": {"learn", "reconstruct", "generate"}}


def forbidden(stage: str) -> set[str]:
    """Packages that a stage must not import; nothing is forbidden to what is no stage."""
    if stage not in STAGES:
        return set()
    return FRONT_ENDS | set(STAGES[STAGES.index(stage) + 1 :]) | APART.get(stage, set())


def imported_modules(path: Path) -> set[str]:
    """Full names of our modules that a file imports, inside functions and for types too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("alphacrystal.")}


def short_name(path: Path) -> str:
    return str(path.relative_to(SOURCE / "alphacrystal"))


@pytest.mark.parametrize("path", MODULES, ids=short_name)
def test_stage_knows_only_what_comes_before_it(path: Path) -> None:
    stage = path.relative_to(SOURCE / "alphacrystal").parts[0]
    known = {name.split(".")[1] for name in imported_modules(path)}
    assert known & forbidden(stage) == set()


def owner_of_private_part(name: str) -> str | None:
    """Folder whose private module (or private name) a full name goes through, if any."""
    parts = name.split(".")
    for at, part in enumerate(parts):
        if part.startswith("_") and not part.startswith("__"):
            return ".".join(parts[:at])
    return None


@pytest.mark.parametrize("path", MODULES, ids=short_name)
def test_private_modules_are_used_only_in_their_own_folder(path: Path) -> None:
    folder = ".".join(path.parent.relative_to(SOURCE).parts)
    owners = {name: owner_of_private_part(name) for name in imported_modules(path)}
    # A name inside a private module of this folder (folder._module._name) belongs to this folder too.
    strangers = [name for name, owner in owners.items() if owner and not f"{folder}.".startswith(f"{owner}.")]
    assert strangers == []

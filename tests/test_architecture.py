"""The order of the packages: which may import which, and that private modules stay private."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
BENCHMARKS = ROOT / "benchmarks" / "alphacrystal_bench" / "src"

# Every package and root module; each may import those before it.
ORDER = [
    "typing",
    "errors",
    "runtime",
    "plots",
    "composition",
    "crystal",
    "data",
    "learn",
    "reconstruct",
    "config",
    "generate",
    "relax",
    "rank",
    "report",
    "evaluate",
    "pipeline",
    "scale",
    "web",
    "integrations",
    "cli",
]
# The same inside learn: shared inputs, one subpackage per model, weights, predictions, training.
LEARN_ORDER = [
    "structure_types",
    "model_inputs",
    "space_groups",
    "symmetry",
    "lattice",
    "distances",
    "coordinates",
    "contacts",
    "weight_files",
    "hypotheses",
    "distograms",
    "training",
]
# Potentials do not depend on the networks, and the networks do not depend on potentials.
APART = {"relax": {"learn", "reconstruct", "generate", "config"}}


def modules(source: Path) -> list[Path]:
    paths = sorted(source.rglob("*.py"))
    assert paths, f"no modules in {source}"
    return paths


def imported_names(path: Path) -> set[str]:
    """Full names that a file imports from this project, inside functions and for types too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith(("alphacrystal.", "alphacrystal_bench."))}


def top_level_name(path: Path) -> str:
    return path.relative_to(SOURCE / "alphacrystal").parts[0].removesuffix(".py")


def test_every_package_and_root_module_has_a_place_in_the_order() -> None:
    assert {top_level_name(path) for path in modules(SOURCE)} - {"__init__"} == set(ORDER)


def test_packages_import_only_those_before_them() -> None:
    offenders = []
    for path in modules(SOURCE):
        package = top_level_name(path)
        if package == "__init__":
            continue
        forbidden = set(ORDER[ORDER.index(package) + 1 :]) | APART.get(package, set())
        offenders += [
            f"{path.relative_to(SOURCE)} imports {name}"
            for name in imported_names(path)
            if name.split(".")[0] == "alphacrystal_bench" or name.split(".")[1] in forbidden
        ]
    assert offenders == []


def test_modules_and_models_of_learn_import_only_those_before_them() -> None:
    folder = SOURCE / "alphacrystal" / "learn"
    offenders, parts = [], set()
    for path in modules(folder):
        part = path.relative_to(folder).parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        parts.add(part)
        later = set(LEARN_ORDER[LEARN_ORDER.index(part) + 1 :])
        offenders += [
            f"{path.relative_to(folder)} imports {name}"
            for name in imported_names(path)
            if name.startswith("alphacrystal.learn.") and name.split(".")[2] in later
        ]
    assert offenders == []
    assert parts == set(LEARN_ORDER)


def owner_of_private_part(name: str) -> str | None:
    """Folder whose private module (or private name) a full name goes through, if any."""
    parts = name.split(".")
    for index, part in enumerate(parts):
        if part.startswith("_") and not part.startswith("__"):
            return ".".join(parts[:index])
    return None


def private_imports(source: Path) -> Iterator[str]:
    for path in modules(source):
        folder = ".".join(path.parent.relative_to(source).parts)
        for name in sorted(imported_names(path)):
            owner = owner_of_private_part(name)
            # A name inside a private module of this folder (folder._module._name) belongs to this folder too.
            if owner is not None and not f"{folder}.".startswith(f"{owner}."):
                yield f"{path.relative_to(source)} imports {name}"


def test_private_modules_are_imported_only_in_their_own_folder() -> None:
    assert [*private_imports(SOURCE), *private_imports(BENCHMARKS)] == []


def test_no_package_has_import_circles() -> None:
    """Imports inside functions and for types count too."""
    for source in (SOURCE, BENCHMARKS):
        paths = {".".join(path.relative_to(source).with_suffix("").parts): path for path in modules(source)}
        names = {name.removesuffix(".__init__"): path for name, path in paths.items()}
        graph = {name: set(imported_modules(path, names)) for name, path in names.items()}
        for package in {name.split(".")[1] for name in names if "." in name}:
            members = {name for name in names if name.split(".")[1:2] == [package]}
            TopologicalSorter({name: graph[name] & members for name in members}).prepare()


def imported_modules(path: Path, modules_by_name: dict[str, Path]) -> Iterator[str]:
    """The modules that a file imports: of "package.name", the module itself or else its package."""
    for name in imported_names(path):
        yield name if name in modules_by_name else name.rpartition(".")[0]

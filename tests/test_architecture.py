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
    "disorder",
    "diffraction",
    "data",
    "learn",
    "reconstruct",
    "config",
    "generate",
    "relaxation",
    "ranking",
    "report",
    "export",
    "evaluation",
    "pipeline",
    "scale",
    "exploration",
    "web",
    "integrations",
    "cli",
]
# The same inside learn: shared inputs, one subpackage per model, weights, predictions, training.
LEARN_ORDER = [
    "structure_types",
    "model_inputs",
    "orbit_matching",
    "space_groups",
    "symmetry",
    "lattice",
    "distances",
    "coordinates",
    "orbit_distances",
    "contacts",
    "existence",
    "weight_files",
    "proposed_types",
    "pressure_types",
    "hypotheses",
    "heavier_homologues",
    "distograms",
    "orbit_distograms",
    "compound_probabilities",
    "training",
]
# Potentials do not depend on the networks, and the networks do not depend on potentials.
APART = {"relaxation": {"learn", "reconstruct", "generate", "config"}}


TESTS = Path(__file__).parent
LIMITS = "holds a limit that a test lowers or reaches, which would take minutes or gigabytes otherwise"
ALGORITHM = "an algorithm whose intermediate results have a known answer; the package returns only the best"
STEP = "one step of a search or a table whose rule is to be checked case by case"
SERVER = "a part of the server that no request reaches alone: processes, names, locks, deletion"
# Private modules (and private names of other modules) that tests import, with the reason. Others are tested
# through their package. The list may only get shorter.
PRIVATE_IN_TESTS = {
    "alphacrystal.data._http": LIMITS,
    "alphacrystal.data._materials_project": "the fields of every request, compared with the schema",
    "alphacrystal.data._records": LIMITS,
    "alphacrystal.diffraction._profile_model": ALGORITHM,
    "alphacrystal.evaluation._cell_distances": ALGORITHM,
    "alphacrystal.evaluation._correspondences": ALGORITHM,
    "alphacrystal.evaluation._families": ALGORITHM,
    "alphacrystal.evaluation._metrics": "the type of the results that the metrics are compared by",
    "alphacrystal.evaluation._superposed": ALGORITHM,
    "alphacrystal.evaluation._superposition": ALGORITHM,
    "alphacrystal.generate.gnoa.space._has_gap": STEP,
    "alphacrystal.generate.gnoa.space._volume_allowed": STEP,
    "alphacrystal.learn.symmetry.derivative_types._derivatives": STEP,
    "alphacrystal.learn.symmetry.derivative_types._orbit_splits": STEP,
    "alphacrystal.ranking._hull": "entries without a file",
    "alphacrystal.reconstruct._batch": ALGORITHM,
    "alphacrystal.reconstruct._fitness": ALGORITHM,
    "alphacrystal.reconstruct._labelling": ALGORITHM,
    "alphacrystal.reconstruct._partial": ALGORITHM,
    "alphacrystal.reconstruct._periodic": ALGORITHM,
    "alphacrystal.relaxation._relax": STEP,
    "alphacrystal.relaxation._reference_table": STEP,
    "alphacrystal.relaxation._variables": ALGORITHM,
    "alphacrystal.report._crystal_view": "replaced where the package of the view is missing",
    "alphacrystal.report._diffraction": ALGORITHM,
    "alphacrystal.report._distance_pair": ALGORITHM,
    "alphacrystal.report._figures": STEP,
    "alphacrystal.report._results": STEP,
    "alphacrystal.scale._local": LIMITS,
    "alphacrystal.scale._store": LIMITS,
    "alphacrystal.scale._tables": LIMITS,
    "alphacrystal.web._compare": LIMITS,
    "alphacrystal.web._connections": LIMITS,
    "alphacrystal.web._files": SERVER,
    "alphacrystal.web._guard": LIMITS,
    "alphacrystal.web._job": SERVER,
    "alphacrystal.web._names": SERVER,
    "alphacrystal.web._pool": LIMITS,
    "alphacrystal.web._process": SERVER,
    "alphacrystal.web._progress": SERVER,
    "alphacrystal.web._request": SERVER,
    "alphacrystal.web._run_folder": SERVER,
}


def modules(source: Path) -> list[Path]:
    paths = sorted(source.rglob("*.py"))
    assert paths, f"no modules in {source}"
    return paths


def imported_names(path: Path, *, for_types: bool = True) -> set[str]:
    """Full names that a file imports from this project, inside functions too, optionally for types."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not for_types:
        tree.body = [
            node
            for node in tree.body
            if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        ]
    for node in ast.walk(tree):
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
            for name in imported_names(path, for_types=False)
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


def private_part(name: str) -> str | None:
    """The private module (or private name) that a full name goes through, if any."""
    parts = name.split(".")
    for index, part in enumerate(parts, start=1):
        if part.startswith("_") and not part.startswith("__"):
            return ".".join(parts[:index])
    return None


def private_imports(source: Path) -> Iterator[str]:
    for path in modules(source):
        folder = ".".join(path.parent.relative_to(source).parts)
        for name in sorted(imported_names(path)):
            private = private_part(name)
            # A name inside a private module of this folder (folder._module._name) belongs to this folder too.
            if private is not None and not f"{folder}.".startswith(f"{private.rpartition('.')[0]}."):
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


def test_tests_import_private_modules_for_a_reason_only() -> None:
    imported = {name for path in modules(TESTS) for name in imported_names(path)}
    private = {part for name in imported if (part := private_part(name)) is not None}
    assert sorted(private - set(PRIVATE_IN_TESTS)) == [], "test this through its package"
    assert sorted(set(PRIVATE_IN_TESTS) - private) == [], "remove these from the list"

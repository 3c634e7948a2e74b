"""Settings that all tests share, and textbook crystals to test on."""

import contextlib
import importlib.util
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from pymatgen.symmetry.groups import SpaceGroup
from scipy.spatial.transform import Rotation

from alphacrystal.cli import main
from alphacrystal.runtime import worker_process
from alphacrystal.runtime.worker_process import WorkerProcess

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.learn.contacts.matrix_labels import Matrices

# A background job of a script inherits an ignored Ctrl-C, and so would every process started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

if "COVERAGE_PROCESS_CONFIG" in os.environ:
    # Workers are killed, and a killed process saves no coverage: let them end by their closed pipe first.
    SAVING_S = 0.5
    stop_worker = WorkerProcess.stop

    def stop_after_end(worker: WorkerProcess) -> int:
        with contextlib.suppress(OSError, ValueError):
            worker._calls.close()
        time.sleep(SAVING_S)
        return stop_worker(worker)

    WorkerProcess.stop = stop_after_end  # type: ignore[method-assign]

# pymatgen forgets a space group as soon as no crystal is built from it, and needs half a second for Fm-3m.
KEPT_SPACE_GROUPS: list[Any] = []
new_space_group = SpaceGroup.__new__


def kept_space_group(cls: type, *arguments: Any, **options: Any) -> Any:
    group = new_space_group(cls, *arguments, **options)
    KEPT_SPACE_GROUPS.append(group)
    return group


SpaceGroup.__new__ = kept_space_group  # type: ignore[method-assign,assignment]

# Time limits per example would fail by chance on a busy machine; CI draws the same examples every time.
settings.register_profile("alphacrystal", deadline=None, max_examples=50, derandomize="CI" in os.environ)
settings.load_profile("alphacrystal")

# Space group, cell (Å, degrees), one site of each orbit; ITA standard setting, origin choice 2. Values
# rounded from R. W. G. Wyckoff, Crystal Structures (1963-1971).
CUBE = (90, 90, 90)
HEXAGONAL = (90, 90, 120)
TEXTBOOK = {
    "copper": (225, (3.615, 3.615, 3.615, *CUBE), [("Cu", 0, 0, 0)]),
    "magnesium": (194, (3.209, 3.209, 5.211, *HEXAGONAL), [("Mg", 1 / 3, 2 / 3, 0.25)]),
    "diamond": (227, (3.567, 3.567, 3.567, *CUBE), [("C", 1 / 8, 1 / 8, 1 / 8)]),
    "halite": (225, (5.640, 5.640, 5.640, *CUBE), [("Na", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)]),
    "caesium chloride": (221, (4.123, 4.123, 4.123, *CUBE), [("Cs", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)]),
    "fluorite": (225, (5.463, 5.463, 5.463, *CUBE), [("Ca", 0, 0, 0), ("F", 0.25, 0.25, 0.25)]),
    "sphalerite": (216, (5.409, 5.409, 5.409, *CUBE), [("Zn", 0, 0, 0), ("S", 0.25, 0.25, 0.25)]),
    "perovskite": (
        221,
        (3.905, 3.905, 3.905, *CUBE),
        [("Sr", 0, 0, 0), ("Ti", 0.5, 0.5, 0.5), ("O", 0.5, 0.5, 0)],
    ),
    "spinel": (
        227,
        (8.083, 8.083, 8.083, *CUBE),
        [("Mg", 1 / 8, 1 / 8, 1 / 8), ("Al", 0.5, 0.5, 0.5), ("O", 0.2624, 0.2624, 0.2624)],
    ),
    "pyrite": (205, (5.418, 5.418, 5.418, *CUBE), [("Fe", 0, 0, 0), ("S", 0.3851, 0.3851, 0.3851)]),
    "cuprite": (224, (4.270, 4.270, 4.270, *CUBE), [("Cu", 0, 0, 0), ("O", 0.25, 0.25, 0.25)]),
    "wurtzite": (
        186,
        (3.250, 3.250, 5.207, *HEXAGONAL),
        [("Zn", 1 / 3, 2 / 3, 0), ("O", 1 / 3, 2 / 3, 0.382)],
    ),
    "nickeline": (194, (3.619, 3.619, 5.034, *HEXAGONAL), [("Ni", 0, 0, 0), ("As", 1 / 3, 2 / 3, 0.25)]),
    "quartz": (
        152,
        (4.913, 4.913, 5.405, *HEXAGONAL),
        [("Si", 0.4697, 0, 1 / 3), ("O", 0.4135, 0.2669, 0.2144)],
    ),
    "corundum": (167, (4.759, 4.759, 12.993, *HEXAGONAL), [("Al", 0, 0, 0.3522), ("O", 0.3063, 0, 0.25)]),
    "layered oxide": (
        166,
        (2.816, 2.816, 14.05, *HEXAGONAL),
        [("Li", 0, 0, 0.5), ("Co", 0, 0, 0), ("O", 0, 0, 0.2395)],
    ),
    "rutile": (136, (4.594, 4.594, 2.959, *CUBE), [("Ti", 0, 0, 0), ("O", 0.3048, 0.3048, 0)]),
    "anatase": (141, (3.785, 3.785, 9.514, *CUBE), [("Ti", 0, 0.25, 0.375), ("O", 0, 0.25, 0.1669)]),
    "chalcopyrite": (
        122,
        (5.289, 5.289, 10.423, *CUBE),
        [("Cu", 0, 0, 0), ("Fe", 0, 0, 0.5), ("S", 0.2574, 0.25, 0.125)],
    ),
    "orthoperovskite": (
        62,
        (5.442, 7.640, 5.380, *CUBE),
        [
            ("Ca", 0.0359, 0.25, 0.9932),
            ("Ti", 0, 0, 0.5),
            ("O", 0.4838, 0.25, 0.0711),
            ("O", 0.2893, 0.0371, 0.7110),
        ],
    ),
    "marcasite": (58, (4.443, 5.425, 3.387, *CUBE), [("Fe", 0, 0, 0), ("S", 0.2000, 0.3780, 0)]),
    "baddeleyite": (
        14,
        (5.150, 5.212, 5.317, 90, 99.23, 90),
        [("Zr", 0.2754, 0.0395, 0.2083), ("O", 0.0700, 0.3317, 0.3447), ("O", 0.4496, 0.7569, 0.4792)],
    ),
}


WITH_ORIGIN_CHOICE = {141, 224, 227}


@cache
def textbook_structure(name: str) -> "Structure":
    from ase.spacegroup import crystal
    from pymatgen.io.ase import AseAtomsAdaptor

    number, cell, sites = TEXTBOOK[name]
    atoms = crystal(
        [site[0] for site in sites],
        [site[1:] for site in sites],
        spacegroup=number,
        setting=2 if number in WITH_ORIGIN_CHOICE else 1,
        cellpar=cell,
    )
    found = AseAtomsAdaptor.get_structure(atoms)
    return type(found)(found.lattice, found.species, found.frac_coords)  # without ASE's extras


def redescribed(structure: "Structure", seed: int, *, enlarge: int = 1) -> "Structure":
    """The same crystal with another cell, origin, orientation and order of atoms, all drawn from the seed."""
    rng = np.random.default_rng(seed)
    cell = np.eye(3, dtype=int)
    for _ in range(3):  # shears by lattice vectors: determinant 1
        row, other = rng.choice(3, 2, replace=False)
        cell[row] += rng.integers(-1, 2) * cell[other]
    cell[rng.integers(3)] *= enlarge
    other = structure.copy() * cell
    rotation = Rotation.random(random_state=seed).as_matrix()
    order = rng.permutation(len(other))
    return type(structure)(
        other.lattice.matrix @ rotation,
        [other[int(i)].specie for i in order],
        (other.frac_coords + rng.random(3))[order],
    )


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, dict[str, str]], Path]:
    """A function that installs a distribution: entry-point group, source text, and functions by name."""

    def install(group: str, source: str, names: dict[str, str]) -> Path:
        folder = tmp_path / "site"
        module = group.replace(".", "_")
        metadata = folder / f"test_{module}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (folder / f"test_{module}.py").write_text(source)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: test-{module}\nVersion: 1.0\n")
        lines = [f"{name} = test_{module}:{function}" for name, function in names.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")
        monkeypatch.delitem(sys.modules, f"test_{module}", raising=False)
        monkeypatch.syspath_prepend(str(folder))
        return folder

    return install


@pytest.fixture(scope="session")
def redescribe() -> "Callable[..., Structure]":
    """A function of (structure, seed, enlarge=1) that describes the same crystal in another way."""
    return redescribed


@pytest.fixture(scope="session")
def textbook() -> "Callable[[str], Structure]":
    """Conventional cell of a textbook crystal by name; each call gives a new one, which a test may change."""
    return lambda name: textbook_structure(name).copy()


@pytest.fixture(scope="session")
def trainable() -> "Callable[[str], Structure]":
    """As ``textbook``, with other elements if the formula is that of a benchmark compound."""
    from alphacrystal.data import benchmark_formulas

    def crystal(name: str) -> "Structure":
        structure = textbook_structure(name).copy()
        if structure.composition.reduced_formula in benchmark_formulas():
            others = {"Ti": "Sn", "Si": "Ge", "Zr": "Hf", "Al": "Ga"}
            structure.replace_species(
                {key: value for key, value in others.items() if key in structure.symbol_set}
            )
        return structure

    return crystal


@pytest.fixture(scope="session", params=list(TEXTBOOK))
def textbook_crystal(request: pytest.FixtureRequest) -> "Structure":
    """Each textbook crystal in turn."""
    return textbook_structure(request.param)


# What happens to files, for the tests of damaged ones.
TOKENS = b"nan|inf|-1|0|1e308|1e-9|7|?|.||x|null|[]|{}|99999999999999999999|\xff|\x00|\n|'|\"|1e5".split(b"|")
JSON_VALUES = [
    None,
    True,
    -1,
    0,
    3,
    1e300,
    10**30,
    float("nan"),
    "",
    "x",
    "H",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
]
Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def damaged(draw: Draw, content: bytes) -> bytes:
    """Content after one to three accidents."""
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.sampled_from(ACCIDENTS))(draw, content)
    return content


def _place(draw: Draw, content: Sequence[Any]) -> int:
    return int(draw(st.integers(0, max(len(content) - 1, 0))))


def _flipped(draw: Draw, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 8)) if content else 0):
        changed[_place(draw, changed)] ^= 1 << draw(st.integers(0, 7))
    return bytes(changed)


def _cut(draw: Draw, content: bytes) -> bytes:
    return content[: _place(draw, content)]


def _gap(draw: Draw, content: bytes) -> bytes:
    first, second = sorted((_place(draw, content), _place(draw, content)))
    return content[:first] + content[second:]


def _doubled(draw: Draw, content: bytes) -> bytes:
    first, second = sorted((_place(draw, content), _place(draw, content)))
    return content[:second] + content[first : min(second, first + 5000)] + content[second:]


def _inserted(draw: Draw, content: bytes) -> bytes:
    place = _place(draw, content)
    return content[:place] + draw(st.sampled_from(TOKENS)) + content[place:]


def _number(draw: Draw, content: bytes) -> bytes:
    found = [match.span() for match in re.finditer(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?", content)]
    if not found:
        return content
    begin, end = found[_place(draw, found)]
    return content[:begin] + draw(st.sampled_from(TOKENS)) + content[end:]


def _line(draw: Draw, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    first, second = _place(draw, lines), _place(draw, lines)
    kind = draw(st.sampled_from(["drop", "swap", "repeat"]))
    if kind == "drop":
        del lines[first]
    elif kind == "swap":
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines.insert(second, lines[first])
    return b"".join(lines)


def _other(draw: Draw, content: bytes) -> bytes:
    return bytes(draw(st.one_of(st.just(b""), st.binary(max_size=200), st.just(b"\0" * len(content)))))


def _json_value(draw: Draw, content: bytes) -> bytes:
    """JSON, or one line of JSON lines, with a value replaced, lost or of another kind."""
    try:
        lines = [content] if _is_json(content) else content.splitlines()
        place = _place(draw, lines)
        document = json.loads(lines[place])
    except (ValueError, IndexError):
        return _number(draw, content)
    lines[place] = json.dumps(_with_another(draw, document)).encode()
    return b"\n".join(lines)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _with_another(draw: Draw, document: Any) -> Any:
    keys: list[Any] = []
    if isinstance(document, dict):
        keys = list(document)
    elif isinstance(document, list):
        keys = list(range(len(document)))
    if not keys or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(JSON_VALUES))
    key = keys[_place(draw, keys)]
    if draw(st.integers(0, 5)) == 0:
        del document[key]
    else:
        document[key] = _with_another(draw, document[key])
    return document


ACCIDENTS = [
    _flipped,
    _cut,
    _gap,
    _doubled,
    _inserted,
    _number,
    _number,
    _line,
    _other,
    _json_value,
    _json_value,
]


@pytest.fixture(scope="session")
def damage() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """A function from the content of a file to a strategy of what accidents make of it."""
    return damaged


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# As root Chromium has no sandbox; a test machine has no graphics card.
CHROMIUM_FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
BROWSER_PATIENCE = 240_000  # ms


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright; the test is skipped where either is missing."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens an address; the test fails if the page asked others or complained."""
    contexts: list[Any] = []
    complaints: list[str] = []
    asked: set[str] = set()

    def go(address: str, *, patience: int = BROWSER_PATIENCE, **options: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1300, "height": 900}} | options))
        context.set_default_timeout(patience)
        contexts.append(context)
        context.on("request", lambda request: asked.add(request.url))
        # The browser itself notes refusals of ours (4xx) that the page then explains.
        context.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert [text for text in complaints if "the server responded with a status of 4" not in text] == []
    ours = r"(http://127\.0\.0\.1:\d+/|file:|data:|blob:)"
    assert {url for url in asked if not re.match(ours, url)} == set()


@pytest.fixture(scope="session")
def faults_of() -> Callable[[Any], list[str]]:
    """What is wrong with an open page for those who see badly or use no mouse."""
    script = Path(__file__).with_name("page_faults.js").read_text(encoding="utf-8")

    def look(page: Any) -> list[str]:
        found: list[str] = page.evaluate(script)
        return found

    return look


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on standard error."""
        assert "Traceback" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("Error: ")


Run = Callable[..., Outcome]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Outcome:
    """`alphacrystal ARGUMENTS` in this process, through its real entry point."""
    before = sys.argv, signal.getsignal(signal.SIGTERM)
    capsys.readouterr()
    sys.argv = ["alphacrystal", *map(str, arguments)]
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before[0]
        signal.signal(signal.SIGTERM, before[1])
    assert isinstance(code, int)
    captured = capsys.readouterr()
    return Outcome(code, captured.out, captured.err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs the command line in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ALPHACRYSTAL_MODELS", raising=False)
    return lambda *arguments: call(capsys, *arguments)


class Command:
    """The command line as a process, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(self, folder: Path, server: socket.socket, request: dict[str, Any]) -> None:
        self.returncode: int | None = None
        self._files = [folder / name for name in ("out", "err")]
        read, write = os.pipe()
        descriptors = [os.open(path, os.O_WRONLY | os.O_CREAT) for path in self._files] + [write]
        socket.send_fds(server, [json.dumps(request).encode() + b"\n"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._status = os.fdopen(read)
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("alphacrystal", timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        self.returncode = int(self._status.readline())
        self._status.close()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote to standard output and standard error, once it has ended."""
        self.wait(timeout)
        out, err = (path.read_text(encoding="utf-8", errors="surrogateescape") for path in self._files)
        return out, err

    def read_line(self) -> str:
        """The first line of standard output, while the process runs."""
        while "\n" not in (text := self._files[0].read_text(encoding="utf-8")):
            assert self.poll() is None, self.communicate()
            time.sleep(0.01)
        return text.partition("\n")[0]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def running_server() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """A connection to a process that runs the command line in forks of itself, and the process."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("command_server.py")), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={name: value for name, value in os.environ.items() if not name.startswith("ALPHACRYSTAL_")}
            | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"},
        )
    return ours, process


@pytest.fixture(scope="session", autouse=True)
def end_of_the_server() -> Iterator[None]:
    """Ends the server with the tests, if one of them started it."""
    yield
    if forked_workers.cache_info().currsize:
        forked_workers().close()
    if running_server.cache_info().currsize:
        connection, process = running_server()
        connection.close()
        process.wait()


@pytest.fixture(scope="session")
def command_server() -> socket.socket:
    """A connection to a process that runs the command line in forks of itself."""
    return running_server()[0]


@cache
def forked_workers() -> Any:
    """Starts the workers of this process as forks of one that has imported the package."""
    path = Path(__file__).with_name("forked_workers.py")
    spec = importlib.util.spec_from_file_location("forked_workers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(running_server()[0], [b"null\n"], [theirs.fileno()])
    return module.ForkedWorkers(ours)


@pytest.fixture(autouse=True)
def fast_workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers and jobs are forks (`forked_workers`), except for the tests of the processes themselves."""
    if "runtime" in request.path.parts or "COVERAGE_PROCESS_CONFIG" in os.environ:
        return

    def start(*arguments: Any, **options: Any) -> Any:
        return forked_workers()(*arguments, **options)

    monkeypatch.setattr(worker_process, "_spawn", start)
    if "web" in request.path.parts:
        from alphacrystal.web import _process

        start_program = _process._spawn

        def start_job(arguments: Sequence[str], *descriptors: int) -> Any:
            is_command = "from alphacrystal.cli import main; main()" in arguments
            return (forked_workers().start_job if is_command else start_program)(arguments, *descriptors)

        monkeypatch.setattr(_process, "_spawn", start_job)


@pytest.fixture(scope="session")
def start_command(
    command_server: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Command]:
    """A function that starts the command line as a process.

    The process is a fork of one that has imported the package. What a process does before that is the matter
    of `start_new_process`.
    """

    def begin(
        *arguments: object, path: Path | None = None, cwd: Path | None = None, **environment: str
    ) -> Command:
        request = {
            "arguments": [*map(str, arguments)],
            "directory": str(cwd or Path.cwd()),
            "environment": os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"} | environment,
            "path": [] if path is None else [str(path)],
        }
        if path is not None:  # for the processes that it starts
            paths = [str(path), os.environ.get("PYTHONPATH", "")]
            request["environment"]["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        return Command(tmp_path_factory.mktemp("command"), command_server, request)

    return begin


@pytest.fixture
def start(start_command: Callable[..., Command]) -> Iterator[Callable[..., Command]]:
    """The function `start_command`; its processes are ended after the test."""
    started: list[Command] = []

    def begin(*arguments: object, **options: Any) -> Command:
        started.append(start_command(*arguments, **options))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_new_process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function that starts the command line as a process that imports the package itself."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from alphacrystal.cli import main; main()", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def made_up_cells(count: int, seed: int) -> "Matrices":
    """Cells of 2 to 6 atoms of a few elements, whose distances follow from the atomic numbers."""
    from alphacrystal.learn.contacts.matrix_labels import MAX_ATOMS, Matrices, pair_mask

    rng = np.random.default_rng(seed)
    numbers = np.zeros((count, MAX_ATOMS), dtype=np.int64)
    for row in numbers:
        size = rng.integers(2, 7)
        row[:size] = np.sort(rng.choice([3, 8, 22, 55], size))
    mask = pair_mask(numbers)
    distances = np.where(mask, 1.0 + 0.08 * (numbers[:, :, None] + numbers[:, None, :]), 0.0)
    return Matrices(numbers, distances, mask)


@pytest.fixture(scope="session")
def cells() -> "Matrices":
    """Made-up cells to train the network of the paper on."""
    return made_up_cells(48, 0)


@pytest.fixture(scope="session")
def other_cells() -> "Matrices":
    """Made-up cells to validate it on."""
    return made_up_cells(16, 1)

"""Mutated files, and a sandbox that shows whether reading one had any effect besides its result.

FUZZ_SEED in the environment draws other inputs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st

from alphacrystal.errors import AlphaCrystalError

SEED = int(os.environ.get("FUZZ_SEED", "14"))
MEMORY = 3 * 2**30  # bytes that a reader may reserve beyond what the process has
PROCESSOR_S = 60  # of processor time for one small file: far above any reader, a bound on endless loops
LONGEST_SENTENCE = 1500  # characters

#: A module in the current folder that leaves a file behind when it is imported.
DECOY = "decoy_module"
DECOY_SOURCE = "from pathlib import Path\nPath(__file__).with_name('decoy_was_imported').touch()\n"

#: Modules that only a damaged file needs, and why that is right.
LAZY_MODULES = {
    "encodings.utf_16": "codec of a text that begins with a UTF-16 byte order mark",
    "encodings.utf_16_le": "the same",
    "encodings.utf_16_be": "the same",
    "encodings.utf_8_sig": "codec of a text that begins with a UTF-8 byte order mark",
    "encodings.cp1252": "codec of a text that is not UTF-8",
}

HOSTILE = (
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"-0", b"1e-320", b"9" * 40, b"9" * 5000, b"0x10", b"1_0"),
    *(
        b"../../etc/passwd",
        b"/dev/zero",
        b"..",
        b"~",
        b"file:///etc/passwd",
        b"\\\\host\\share",
        b"|id",
        b"$(id)",
    ),
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b'"\\ud800"',
        b"\x1b[2J",
        b"\x85",
        b"\xe2\x80\xa8",
    ),
    *(b"[" * 3000, b"{" * 3000, b'{"a":' * 1500, b"[[" * 500 + b"]]" * 500, b"(" * 2000, b"'" * 3, b'"""'),
    *(
        b"x" * 70_000,
        b"\n" * 3000,
        b"1 " * 20_000,
        b"null",
        b"true",
        b"{}",
        b"[]",
        b'""',
        b"=1+1",
        b"@x",
        b";",
    ),
    *(b'"a\\nb"', b'"\\u001b[2J"', b'"\\u2028"', b'"\\r"', b"a\nb", b"\xc3\xa9"),
    *(b"data_", b"loop_", b"save_", b"_cell_length_a", b"Lattice=", b"Direct", b"H", b"Og", b"X", b"D"),
)
HOSTILE_OBJECTS = (
    f'{{"@module": "{DECOY}", "@class": "Decoy", "@version": null}}'.encode(),
    f'{{"@module": "{DECOY}", "@callable": "run", "@bound": null}}'.encode(),
    b'{"@module": "pathlib", "@class": "Path", "@callable": "unlink", "path": "../secret.txt"}',
    b'{"@module": "builtins", "@class": "open", "file": "../secret.txt", "mode": "w"}',
    b'{"@module": "numpy", "@class": "array", "dtype": "object", "data": [1]}',
    b'{"@module": "os", "@callable": "system", "@bound": null}',
    b'{"@class": "Structure", "@module": "pymatgen.core.structure"}',
)
_TOKEN = re.compile(rb"[^\s,;:=\[\]{}()\"'/]+")


@st.composite
def _mutated(draw: Any, damage: Any, content: bytes, other: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        step = draw(st.sampled_from(["damage", "damage", "token", "token", "splice", "insert", "object"]))
        if step == "damage":
            content = draw(damage(content))
        elif step == "splice":
            content = content[: _place(draw, content)] + other[_place(draw, other) :]
        elif step == "insert":
            at = _place(draw, content)
            content = content[:at] + draw(st.sampled_from(HOSTILE)) + content[at:]
        elif step == "object":
            content = _with_object(draw, content)
        elif spans := [match.span() for match in _TOKEN.finditer(content[:20_000])]:
            begin, end = draw(st.sampled_from(spans))
            content = content[:begin] + draw(st.sampled_from(HOSTILE)) + content[end:]
    return content


def _place(draw: Any, content: bytes) -> int:
    return int(draw(st.integers(0, len(content))))


def _with_object(draw: Any, content: bytes) -> bytes:
    """A value, or the first keys of an object, replaced by a document that names code."""
    document = draw(st.sampled_from(HOSTILE_OBJECTS))
    if openings := [match.start() for match in re.finditer(rb"\{(?=\s*\")", content[:20_000])]:
        at = draw(st.sampled_from(openings))
        return content[:at] + document[:-1] + b", " + content[at + 1 :]
    at = _place(draw, content)
    return content[:at] + document + content[at:]


@pytest.fixture(scope="session")
def mutated(damage: Any) -> Callable[[bytes, bytes], st.SearchStrategy[bytes]]:
    """A function from a file's content and that of another file to a strategy of what becomes of them."""
    return lambda content, other: _mutated(damage, content, other)


@pytest.fixture(scope="session")
def inputs() -> Callable[[int], Callable[[Callable[..., None]], Callable[..., None]]]:
    """A decorator of a hypothesis test: how many inputs, always the same ones for one seed."""

    def decorator(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
        chosen = settings(
            max_examples=count,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )
        return lambda test: chosen(seed(SEED)(test))

    return decorator


@dataclass(frozen=True)
class Sandbox:
    """A tree of files around the current folder.

    Attributes:
        root: Of the tree.
        working: The current folder; importable, as for ``python -m``.
        out: The output folder, where a reader may write.
        temporary: For files that are gone when the reader returns.
        imported: Modules that were imported by readers, and the sentence on the file. A module is imported
            once only, so the test looks here at its end and not after each file.
    """

    root: Path
    working: Path
    out: Path
    temporary: Path
    imported: dict[str, str]

    def place(self, files: Mapping[str, bytes], folder: Path) -> None:
        """Make files the only ones of a folder."""
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Type, size, time of change and content hash of all that is outside the output folder."""
        tree: dict[str, tuple[object, ...]] = {}
        for path in self.root.rglob("*"):
            if path.is_relative_to(self.out):
                continue
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            times = () if path.is_dir() else (status.st_size, status.st_mtime_ns)
            tree[str(path.relative_to(self.root))] = (status.st_mode, *times, content)
        return tree

    def read(self, reader: Callable[[], object]) -> str:
        """Run a reader on what was placed; returns the sentence of its refusal, "" where it read the file.

        Fails if it raises anything but an ``AlphaCrystalError`` of one line, changes a file outside the
        output folder, or needs more memory or time than any small file can.
        """
        tree, modules = self.snapshot(), set(sys.modules)
        sentence = ""
        try:
            with _limited(), _audited(self.out, self.temporary):
                reader()
        except AlphaCrystalError as error:
            sentence = str(error)
            assert sentence, "the refusal says nothing"
            assert sentence.isprintable(), f"more than one line of text: {sentence!r}"
            assert len(sentence) <= LONGEST_SENTENCE, f"{len(sentence)} characters: {sentence[:200]}"
        for name in set(sys.modules) - modules - LAZY_MODULES.keys():
            self.imported[name] = sentence or "the file was read"
        assert self.snapshot() == tree, "a file outside the output folder was changed"
        return sentence


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox with things to spoil, entered."""
    working = tmp_path / "home" / "working"
    (working / "out").mkdir(parents=True)
    (working / "input").mkdir()
    (working / f"{DECOY}.py").write_text(DECOY_SOURCE)
    for name in ("secret.txt", "home/secret.txt", "home/working/secret.txt", "home/etc/passwd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("keep me")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(working)
    monkeypatch.syspath_prepend(str(working))
    return Sandbox(tmp_path, working, working / "out", tmp_path / "temporary", {})


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Bound the memory and the processor time of a reader: beyond, MemoryError and TimeoutError."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"the reader took more than {PROCESSOR_S} s of processor time")

    usual = resource.getrlimit(resource.RLIMIT_AS)
    statistics = Path("/proc/self/statm")
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, PROCESSOR_S)
    try:
        if statistics.is_file():  # Linux
            reserved = int(statistics.read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (reserved + MEMORY, usual[1]))
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, usual)


#: Folders where the reader that is running may write, None between readers; hooks cannot be taken back.
_allowed: list[tuple[Path, ...] | None] = [None]
_events: list[tuple[str, object]] = []
_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect")
_CHANGES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.chmod",
    "os.link",
    "os.symlink",
)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    folders = _allowed[0]
    if folders is None:
        return
    changes = event in _CHANGES or (event == "open" and _for_writing(arguments[2]))
    if event in _PROGRAMS or (changes and not _is_inside(event, arguments, folders)):
        _events.append((event, arguments))


def _is_inside(event: str, arguments: tuple[Any, ...], folders: tuple[Path, ...]) -> bool:
    """Whether an event changes a file in one of the folders."""
    place = arguments[0]
    if isinstance(place, int):  # a descriptor of a file that was opened, and checked, before
        return True
    path = Path(os.fsdecode(place))
    if event in ("os.remove", "os.rmdir") and arguments[1] != -1:  # of a tree: relative to a descriptor
        path = Path(f"/proc/self/fd/{arguments[1]}").readlink() / path
    return any(map(path.resolve().is_relative_to, folders))


def _for_writing(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


@contextlib.contextmanager
def _audited(*folders: Path) -> Iterator[None]:
    """Fail on a program that is started, a connection, and a change of a file anywhere on the machine."""
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    _events.clear()
    _allowed[0] = folders
    try:
        yield
    finally:
        _allowed[0] = None
        assert _events == [], "the reader touched what it must not"


_hooked: list[bool] = []

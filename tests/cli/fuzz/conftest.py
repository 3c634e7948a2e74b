"""Any input at all: exit code 0 or 2, one sentence, no traceback, and nothing on disk is lost.

FUZZ_SEED in the environment draws other cases.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st

Run = Callable[..., Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

SEED = int(os.environ.get("FUZZ_SEED", "7"))
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


class Fuzz:
    """The command line in a folder of its own for each case, and what holds whatever it is given."""

    def __init__(self, run: Run, root: Path) -> None:
        self._run = run
        self.inputs = root / "inputs"
        self.inputs.mkdir()
        self._root = root
        self._cases = 0

    @contextmanager
    def case(self) -> Iterator[Path]:
        """An empty working folder; what lies in ``inputs`` must be the same afterwards, byte for byte."""
        self._cases += 1
        folder = self._root / f"case{self._cases}"
        folder.mkdir()
        os.chdir(folder)
        before = contents(self.inputs)
        try:
            yield folder
            assert contents(self.inputs) == before, "an input file was changed"
        finally:
            os.chdir(self._root)
            shutil.rmtree(folder)

    def __call__(self, *arguments: object) -> Any:
        """Run the command line; returns its outcome."""
        outcome = self._run(*arguments)
        said = outcome.out + outcome.err
        assert outcome.code in {0, 2}, (arguments, outcome)
        assert "Traceback" not in said, (arguments, outcome)
        assert "Internal failure" not in said, (arguments, outcome)
        control = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", outcome.err)
        assert control is None, (arguments, outcome)
        if outcome.code == 2:
            assert outcome.err.strip(), (arguments, outcome)
            assert outcome.err.count("Error: ") <= 1, (arguments, outcome)
        return outcome

    @staticmethod
    def cases(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Decorator of a hypothesis test: how many cases, always the same ones for one seed."""

        def decorate(test: Callable[..., None]) -> Callable[..., None]:
            quiet = list(HealthCheck)
            phases = (Phase.generate, Phase.shrink)
            own = settings(max_examples=count, database=None, suppress_health_check=quiet, phases=phases)
            return own(seed(SEED)(test))

        return decorate


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


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


@pytest.fixture
def fuzz(run: Run, tmp_path: Path) -> Iterator[Fuzz]:
    """The command line for any input at all."""
    return Fuzz(run, tmp_path)


@pytest.fixture(scope="session")
def damage() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """A function from the content of a file to a strategy of what accidents make of it."""
    return damaged


@pytest.fixture(scope="session")
def hashes() -> Callable[[Path], dict[str, str]]:
    """A function that gives the hash of each file below a folder."""
    return contents

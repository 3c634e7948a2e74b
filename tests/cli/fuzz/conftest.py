"""Any input at all: exit code 0 or 2, one sentence, no traceback, and nothing on disk is lost.

FUZZ_SEED in the environment draws other cases.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st

Run = Callable[..., Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

SEED = int(os.environ.get("FUZZ_SEED", "7"))


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


@pytest.fixture
def fuzz(run: Run, tmp_path: Path) -> Iterator[Fuzz]:
    """The command line for any input at all."""
    return Fuzz(run, tmp_path)


@pytest.fixture(scope="session")
def hashes() -> Callable[[Path], dict[str, str]]:
    """A function that gives the hash of each file below a folder."""
    return contents

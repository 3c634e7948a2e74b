"""A run that is killed at any moment goes on to the list that it would have had, byte for byte."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., subprocess.Popen[str]]

#: Two groups in each pass of the relaxation.
REQUEST = ("BaTiO3", "--candidates", "12", "--max-atoms", "6", "--top", "6")


def finished_lines(folder: Path) -> int:
    """Candidates generated and relaxations finished so far."""
    paths = [folder / "checkpoint" / name for name in ("generated.jsonl", "relaxations.jsonl")]
    return sum(path.read_bytes().count(b"\n") for path in paths if path.is_file())


def begin(start: Start, folder: Path, workers: int) -> subprocess.Popen[str]:
    """Start the run, or go on where it has begun."""
    if (folder / "checkpoint" / "request.json").is_file():
        return start("predict", "--resume", "--out", folder)
    # A run killed before it stored its request needs the formula again.
    again = ("--resume",) if (folder / "events.jsonl").is_file() else ()
    return start("predict", *REQUEST, *again, "--workers", workers, "--out", folder)


def killed(process: subprocess.Popen[str], folder: Path, lines: int, delay: float) -> bool:
    """Kill the run ``delay`` seconds after it has written so many lines; False where it ended before."""
    while finished_lines(folder) < lines and process.poll() is None:
        time.sleep(0.005)
    time.sleep(delay)
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def ended(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "run"


@pytest.fixture
def expected(start: Start, whole: Path) -> bytes:
    """The list of the uninterrupted run."""
    if not whole.exists():
        ended(begin(start, whole, 2))
    return (whole / "summary.csv").read_bytes()


def test_run_killed_in_the_loose_pass_and_in_the_tight_one_ends_in_the_same_bytes(
    start: Start, expected: bytes, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    loose = (whole / "checkpoint" / "relaxations.jsonl").read_text().count('"stage": "loose"')
    generated = finished_lines(whole) - len(
        (whole / "checkpoint" / "relaxations.jsonl").read_text().splitlines()
    )
    assert loose >= 8
    # The other number of workers changes nothing either.
    assert killed(begin(start, folder, 1), folder, generated + 2, 0.0)
    assert killed(begin(start, folder, 1), folder, generated + loose + 1, 0.0)
    ended(begin(start, folder, 1))
    assert (folder / "summary.csv").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_run_killed_at_random_moments_ends_in_the_same_bytes(
    start: Start, expected: bytes, whole: Path, tmp_path: Path, seed: int
) -> None:
    """Five kills for each seed, one to four of them of the same run."""
    rng = random.Random(seed)
    total = finished_lines(whole)
    kills = number = 0
    while kills < 5:
        number += 1
        folder = tmp_path / f"run{number}"
        workers = rng.choice((1, 2))
        for _ in range(min(rng.randint(1, 4), 5 - kills)):
            # Half of the kills hit the work, the others any moment from the start of the program on.
            lines = rng.randint(finished_lines(folder), total) if rng.random() < 0.5 else 0
            delay = rng.uniform(0.0, 0.3) if lines else rng.uniform(0.0, 12.0)
            if not killed(begin(start, folder, workers), folder, lines, delay):
                break
            kills += 1
        ended(begin(start, folder, workers))
        assert (folder / "summary.csv").read_bytes() == expected, f"run {number}"

"""The lock of an output folder: one process at a time, none after a kill, nothing written through a link."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alphacrystal.errors import FolderInUseError, InputError
from alphacrystal.runtime.folder_lock import LOCK_FILE, lock_folder

HOLD = """
import sys
from pathlib import Path
from alphacrystal.runtime.folder_lock import lock_folder
with lock_folder(Path(sys.argv[1]), create=True):
    print("locked", flush=True)
    sys.stdin.readline()
"""
COUNT = """
import sys
from pathlib import Path
from alphacrystal.runtime.folder_lock import lock_file
folder, counter = Path(sys.argv[1]), Path(sys.argv[1], "counter")
for _ in range(int(sys.argv[2])):
    with lock_file(folder / ".lock", folder=folder, wait=True):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


@pytest.fixture
def script() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function that starts Python on a text with arguments."""
    started: list[subprocess.Popen[str]] = []

    def begin(text: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", text, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_second_process_is_refused_with_the_id_of_the_first(
    script: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    holder = script(HOLD, tmp_path / "run")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    with (
        pytest.raises(FolderInUseError, match=f"in use by process {holder.pid}: wait until it ends"),
        lock_folder(tmp_path / "run"),
    ):
        pass
    assert (tmp_path / "run" / LOCK_FILE).is_file()
    (tmp_path / "run" / "result").touch()
    holder.communicate("\n")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["result"]
    with lock_folder(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_killed_process_leaves_no_lock(script: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    holder = script(HOLD, tmp_path / "run")
    assert holder.stdout is not None
    holder.stdout.readline()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run" / LOCK_FILE).is_file()
    with lock_folder(tmp_path / "run"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_removing_the_file_at_the_end_lets_no_two_processes_in(
    script: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "counter").write_text("0")
    processes = [script(COUNT, tmp_path, 150) for _ in range(4)]
    for process in processes:
        assert process.wait() == 0
    assert (tmp_path / "counter").read_text() == "600"
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


def test_folder_that_stays_empty_is_removed_and_one_of_others_is_not(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "new", create=True), lock_folder(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with lock_folder(tmp_path / "old", create=True):
        pass
    assert (tmp_path / "old").is_dir()


@pytest.mark.parametrize("link", ["symbolic", "dangling", "hard"])
def test_lock_file_that_is_a_link_is_refused_and_its_target_stays(tmp_path: Path, link: str) -> None:
    target = tmp_path / "target"
    folder = tmp_path / "run"
    folder.mkdir()
    if link != "dangling":
        target.write_text("mine")
    if link == "hard":
        (folder / LOCK_FILE).hardlink_to(target)
    else:
        (folder / LOCK_FILE).symlink_to(target)
    with pytest.raises(InputError, match="is a link"), lock_folder(folder):
        pass
    assert target.exists() == (link != "dangling")
    assert link == "dangling" or target.read_text() == "mine"


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_folder_that_cannot_be_created_is_one_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_text("")
    with (
        pytest.raises(InputError, match="choose another folder with --out"),
        lock_folder(tmp_path / place, create=True),
    ):
        pass


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}/run"])
def test_names_that_are_too_long_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="file name too long"), lock_folder(tmp_path / name, create=True):
        pass

"""Nothing outside an output folder is written to or deleted, whatever links are in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from alphacrystal.errors import InputError
from alphacrystal.report import prepare_output_folder
from alphacrystal.runtime.contained_paths import check_inside, refuse_links, remove_folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user with a file, next to the folder of a run."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "thesis.txt").write_text("mine")
    (tmp_path / "run" / "part").mkdir(parents=True)
    (tmp_path / "run" / "part" / "file").write_text("ours")
    return tmp_path / "outside"


LINKS: dict[str, Callable[[Path, Path], None]] = {
    "folder": lambda run, outside: (run / "structures").symlink_to(outside),
    "file": lambda run, outside: (run / "part" / "x.cif").symlink_to(outside / "thesis.txt"),
    "dangling": lambda run, outside: (run / ".x.tmp").symlink_to(outside / "none"),
    "hard": lambda run, outside: (run / "part" / "x").hardlink_to(outside / "thesis.txt"),
}


@pytest.mark.parametrize("link", list(LINKS))
def test_link_in_a_folder_is_refused_by_name(outside: Path, link: str) -> None:
    run = outside.parent / "run"
    refuse_links(run)
    LINKS[link](run, outside)
    with pytest.raises(InputError, match=r"is a link to another place; replace it"):
        refuse_links(run)


def test_named_pipe_in_a_folder_is_refused(outside: Path) -> None:
    run = outside.parent / "run"
    os.mkfifo(run / "part" / "generated.jsonl")
    with pytest.raises(InputError, match=r"generated\.jsonl is no regular file; remove it"):
        refuse_links(run)


@pytest.mark.parametrize("create", [os.mkfifo, os.mkdir])
def test_resume_of_a_run_with_an_irregular_file_is_refused_before_computing(
    tmp_path: Path, create: Callable[[Path], None]
) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "checkpoint").mkdir()
    create(tmp_path / "checkpoint" / "generated.jsonl")
    with pytest.raises(InputError, match=r"generated\.jsonl is no regular file; remove it"):
        prepare_output_folder(tmp_path, resume=True)


@pytest.mark.parametrize("place", ["..", "../outside", "part/../../outside", "link", "link/below", "."])
def test_only_folders_below_the_root_are_deleted(outside: Path, place: str) -> None:
    run = outside.parent / "run"
    (run / "link").symlink_to(outside)
    with pytest.raises(InputError, match=r"leads out of|is not below"):
        remove_folder(run / place, run)
    assert (outside / "thesis.txt").read_text() == "mine"
    assert (run / "part" / "file").read_text() == "ours"


def test_links_in_a_deleted_folder_are_not_followed(outside: Path) -> None:
    run = outside.parent / "run"
    (run / "part" / "link").symlink_to(outside)
    remove_folder(run / "part", run)
    remove_folder(run / "part", run)  # gone already
    assert not (run / "part").exists()
    assert (outside / "thesis.txt").read_text() == "mine"


def test_root_may_be_reached_through_a_link(outside: Path) -> None:
    linked = outside.parent / "linked"
    linked.symlink_to(outside.parent / "run")
    check_inside(linked / "part", linked)
    with pytest.raises(InputError, match=re.escape("leads out of")):
        check_inside(outside / "thesis.txt", linked)
    remove_folder(linked / "part", linked)
    assert not (outside.parent / "run" / "part").exists()

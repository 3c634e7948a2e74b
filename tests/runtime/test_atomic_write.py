"""Atomic writing: the old content or all of the new one, and nothing outside of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.runtime.atomic_write import replacing, temporary_path, write_text_atomically


def test_new_content_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("old", "new, without a file name in UTF-8: \udcff"):
        write_text_atomically(path, text)
    assert path.read_text(encoding="utf-8") == "new, without a file name in UTF-8: \\udcff"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_block_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_link_in_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    path = tmp_path / "a.json"
    temporary_path(path).symlink_to(outside)
    write_text_atomically(path, "new")
    assert (path.read_text(), outside.read_text()) == ("new", "mine")
    assert not path.is_symlink()


def test_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(AlphaCrystalError, match=r"Cannot write .*a\.json"):
        write_text_atomically(tmp_path / "a.json", "new")
    assert not temporary_path(tmp_path / "a.json").exists()

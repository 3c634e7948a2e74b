"""A run folder as a zip file, compressed while it is sent."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

from alphacrystal.report import CHECKPOINT_FOLDER
from alphacrystal.web._files import open_folder, open_in

BLOCK = 1 << 16  # bytes read at once
MAX_DEPTH = 8  # folders in folders; a run has two


class _Outgoing(RawIOBase):
    """Collects the bytes of a zip file; it cannot be sought in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        block = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(block)
        return len(block)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def zipped(root: Path, parts: tuple[str, ...], name: str) -> Iterator[bytes]:
    """The files of the run at ``parts`` below ``root``, below a folder ``name`` of the zip file.

    Its checkpoint, hidden files, links, FIFOs and devices are left out.
    """
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, source in _files(root, parts, ()):
            entry = zipfile.ZipInfo("/".join((name, *map(_text, inside))), time.localtime()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with source, archive.open(entry, "w", force_zip64=True) as target:
                while block := _block(source):
                    target.write(block)
                    yield outgoing.take()
    yield outgoing.take()


def _files(
    root: Path, parts: tuple[str, ...], inside: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], BinaryIO]]:
    """Each open file with its path in the run; deleted files are skipped."""
    try:
        with open_folder(root, *parts, *inside) as folder, os.scandir(folder) as entries:
            folders = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    except OSError:
        return
    for name in sorted(folders):
        if name.startswith(".") or name == CHECKPOINT_FOLDER:
            continue
        if folders[name]:
            if len(inside) < MAX_DEPTH:
                yield from _files(root, parts, (*inside, name))
            continue
        try:
            with open_folder(root, *parts, *inside) as folder:
                source = open_in(folder, name)
        except OSError:
            continue
        yield (*inside, name), source


def _block(source: BinaryIO) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError:
        return b""


def _text(name: str) -> str:
    """A file name as text: bytes that are no UTF-8 are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")

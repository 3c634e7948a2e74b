"""A run folder as a zip file, made while it is sent."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

from alphacrystal.checkpoint import FOLDER as CHECKPOINT_FOLDER

BLOCK = 1 << 16  # bytes read at once


class _Outgoing(RawIOBase):
    """Collects what a zip file writes; it cannot be sought in."""

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


def zipped(folder: Path, name: str) -> Iterator[bytes]:
    """The files of a run below a folder ``name``, without its checkpoint, hidden files and links."""
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            inside = f"{name}/{path.relative_to(folder).as_posix()}"
            try:
                with path.open("rb") as source, archive.open(inside, "w") as target:
                    while block := source.read(BLOCK):
                        target.write(block)
                        yield outgoing.take()
            except OSError:  # gone meanwhile: a resumed run renews its list
                continue
    yield outgoing.take()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink() or path.name == CHECKPOINT_FOLDER:
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path

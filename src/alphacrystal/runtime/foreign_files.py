"""Files from users: size limit, compression, character encoding."""

from __future__ import annotations

import codecs
import zlib
from pathlib import Path

from alphacrystal.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, kind: str, max_bytes: int) -> str:
    """The characters of a file with Unix line ends, in any common encoding.

    Gzip-compressed files are decompressed.

    Args:
        path: Of the file.
        kind: For messages, e.g. "structure file".
        max_bytes: Of the largest file, decompressed too.

    Raises:
        InputError: The file cannot be read, is larger than ``max_bytes``, or is not text.
    """
    return decode_text(read_bytes(path, kind, max_bytes), path, kind)


def decode_text(content: bytes, path: Path, kind: str) -> str:
    """The characters of the content of a file with Unix line ends, in any common encoding.

    UTF-8, UTF-16 and UTF-32 are recognised by their byte order marks; without one, text that is no UTF-8
    counts as Windows-1252.

    Raises:
        InputError: It is not text.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), None)
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise InputError(
                f"{path} is not valid {encoding.upper()} text, as its byte order mark says: save it as UTF-8."
            ) from error
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise InputError(f"{path} is not a text file (it contains NUL characters): give a {kind}.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_bytes(path: Path, kind: str, max_bytes: int) -> bytes:
    """The bytes of a regular file, decompressed where it is compressed with gzip.

    Raises:
        InputError: It is no regular file, cannot be read, or is larger than ``max_bytes``.
    """
    check_size(path, kind, max_bytes)
    try:
        with path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or 'input error').lower()}.") from error
    return plain_bytes(content, path, kind, max_bytes)


def plain_bytes(content: bytes, path: Path, kind: str, max_bytes: int) -> bytes:
    """The content of a file, decompressed where it is compressed with gzip.

    Args:
        content: The bytes of the file.
        path: Its name, for messages.
        kind: For messages, e.g. "structure file".
        max_bytes: Of the largest file, decompressed too.

    Raises:
        InputError: It is larger than ``max_bytes``, or a damaged gzip file.
    """
    if content.startswith(_GZIP_MAGIC):
        inflater = zlib.decompressobj(wbits=31)
        try:
            content = inflater.decompress(content, max_bytes + 1)
        except zlib.error as error:
            raise InputError(f"{path} is compressed with gzip and damaged: {error}.") from error
        if not inflater.eof and len(content) <= max_bytes:
            raise InputError(f"{path} is compressed with gzip and cut short: copy it again.")
    if len(content) > max_bytes:
        raise InputError(too_large(path, kind, max_bytes))
    return content


def check_size(path: Path, kind: str, max_bytes: int) -> None:
    """Refuse irregular files, and files larger than ``max_bytes``.

    Raises:
        InputError: The file is missing, is not a regular file, or is too large.
    """
    try:
        if not path.is_file():  # a folder, a device or a pipe could be read for ever
            raise InputError(f"There is no {kind} {path}.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise InputError(f"There is no {kind} {path}.") from error
    if size > max_bytes:
        raise InputError(too_large(path, kind, max_bytes))


def too_large(path: Path, kind: str, max_bytes: int) -> str:
    """The sentence on a file that is too large."""
    return f"{path} is larger than {max_bytes // 2**20} MB, the limit for a {kind}: give a smaller one."

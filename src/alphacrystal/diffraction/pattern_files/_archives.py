"""Members of zip files and XML documents of strangers, within bounds."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET  # declarations of entities are refused

from alphacrystal.errors import InputError, one_line
from alphacrystal.runtime.foreign_files import decode_text

MAX_MEMBERS = 5000
MAX_TOTAL_BYTES = 128 * 2**20  # of all members, decompressed
_CHUNK = 2**20
_READABLE = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class PatternArchive:
    """A zip file whose members are read into memory, never written.

    Raises:
        InputError: It is damaged, encrypted, or its members are together larger than 128 MB.
    """

    def __init__(self, content: bytes, path: Path) -> None:
        self._path = path
        self._members: dict[str, bytes] = {}
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                self._read(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{path} is a damaged zip archive ({one_line(str(error))}): copy it again."
            ) from error

    def _read(self, archive: zipfile.ZipFile) -> None:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise InputError(f"{self._path} has more than {MAX_MEMBERS} members: export one scan.")
        left = MAX_TOTAL_BYTES
        for member in members:
            if member.flag_bits & 1 or member.compress_type not in _READABLE:
                raise InputError(f"{self._path} is an encrypted or unusual zip archive: export it again.")
            with archive.open(member) as stream:
                parts = []
                while part := stream.read(_CHUNK):
                    left -= len(part)
                    if left < 0:
                        raise InputError(
                            f"{self._path} is larger than {MAX_TOTAL_BYTES // 2**20} MB when decompressed: "
                            "export one scan."
                        )
                    parts.append(part)
            self._members[member.filename] = b"".join(parts)

    def names(self) -> list[str]:
        """Names of the members, in the order of the archive."""
        return list(self._members)

    def text(self, name: str) -> str:
        """The characters of a member."""
        return decode_text(self._members[name], self._path, "pattern file")


def parse_xml(text: str, path: Path, kind: str) -> ET.Element:
    """The root of an XML document without a document type declaration.

    Raises:
        InputError: It is not well-formed, or declares a document type (which can define entities).
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(
            f"{path} declares an XML document type, which {kind} files do not have: export it again."
        )
    try:
        return ET.fromstring(text.lstrip("\ufeff \n\t"))  # noqa: S314  # no entities, see above
    except ET.ParseError as error:
        raise InputError(f"{path} is not valid XML ({error}): copy or export it again.") from error


def local_name(element: ET.Element) -> str:
    """The tag of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def first_text(root: ET.Element, *names: str) -> str | None:
    """The text, or the attribute Value, of the first element with one of the names."""
    for element in root.iter():
        if local_name(element) in names:
            value = element.get("Value") or (element.text or "").strip()
            if value:
                return value
    return None


def number_of(text: str | None) -> float:
    """A text as a number; 0 where it is none."""
    try:
        value = float((text or "0").replace(",", "."))
    except ValueError:
        return 0.0
    return value if abs(value) < 1e12 else 0.0

"""The one way from a file of any format to a checked pattern."""

from __future__ import annotations

from pathlib import Path

from alphacrystal.diffraction._pattern import PeakList, PowderPattern, Radiation
from alphacrystal.diffraction._radiation import agree
from alphacrystal.diffraction.pattern_files._archives import PatternArchive
from alphacrystal.diffraction.pattern_files._checks import checked_pattern
from alphacrystal.diffraction.pattern_files._gsas import is_gsas, read_gsas
from alphacrystal.diffraction.pattern_files._pdcif import is_cif, read_pdcif
from alphacrystal.diffraction.pattern_files._rigaku import is_ras, is_rasx, read_ras, read_rasx
from alphacrystal.diffraction.pattern_files._scans import Axis, PatternFile
from alphacrystal.diffraction.pattern_files._tables import read_table
from alphacrystal.diffraction.pattern_files._vendor import (
    is_bruker_raw,
    is_uxd,
    is_xrdml,
    read_brml,
    read_bruker_raw,
    read_uxd,
    read_xrdml,
)
from alphacrystal.errors import InputError
from alphacrystal.runtime.foreign_files import decode_text, plain_bytes, read_bytes

#: Bytes of the largest pattern file, decompressed too.
MAX_BYTES = 64 * 2**20
_KIND = "pattern file"
_ZIP_MAGIC = b"PK\x03\x04"
_WITH_DEVIATIONS = (".xye", ".xys", ".fxye")


def read_pattern(
    path: Path, *, wavelength: Radiation | None = None, axis: Axis | None = None
) -> PowderPattern | PeakList:
    """Read a measured powder pattern, or a list of its peaks.

    The content decides on the format, not the name. Files compressed with gzip are decompressed. The notes
    of the result state the assumptions.

    Args:
        path: Of the file.
        wavelength: Radiation of the measurement; needed where the file names none, and used in place of the
            file's.
        axis: Quantity of the first column of a text file: 2θ in degrees, d in Å or Q in 1/Å. By default the
            header names it, or it is 2θ.

    Raises:
        InputError: The file cannot be read, is no powder pattern, or names no wavelength where none is given.
    """
    content = read_bytes(path, _KIND, MAX_BYTES)
    return _pattern_of(content, path, wavelength, axis)


def parse_pattern(
    content: bytes, name: str, *, wavelength: Radiation | None = None, axis: Axis | None = None
) -> PowderPattern | PeakList:
    """Read the content of a pattern file as `read_pattern` does, for content that comes from elsewhere.

    Args:
        content: The bytes of the file.
        name: Its name, for messages; nothing of this name is opened.
        wavelength: See `read_pattern`.
        axis: See `read_pattern`.

    Raises:
        InputError: As `read_pattern`.
    """
    path = Path(name)
    return _pattern_of(plain_bytes(content, path, _KIND, MAX_BYTES), path, wavelength, axis)


def _pattern_of(
    content: bytes, path: Path, wavelength: Radiation | None, axis: Axis | None
) -> PowderPattern | PeakList:
    name = str(path)
    try:
        file = _parse_file(content, path, axis)
        radiation = _chosen_radiation(file, wavelength, name)
        return checked_pattern(file, radiation, name)
    except InputError as error:
        if name in str(error):
            raise
        raise InputError(f"{name}: {error}") from error


def _parse_file(content: bytes, path: Path, axis: Axis | None) -> PatternFile:
    if not content.strip():
        raise InputError(f"{path} is empty: give a pattern file.")
    if is_bruker_raw(content):
        return read_bruker_raw(content, path)
    if content.startswith(_ZIP_MAGIC):
        archive = PatternArchive(content, path)
        if is_rasx(archive):
            return read_rasx(archive, path)
        if any("RawData" in name for name in archive.names()):
            return read_brml(archive, content, path)
        raise InputError(f"{path} is a zip archive, but no rasx or brml file: give the pattern inside it.")
    return _read_text(decode_text(content, path, _KIND), path, axis)


def _read_text(text: str, path: Path, axis: Axis | None) -> PatternFile:
    name = str(path)
    if not text.strip():
        raise InputError(f"{name} is empty: give a pattern file.")
    if is_xrdml(text):
        return read_xrdml(text, path)
    if is_ras(text):
        return read_ras(text, name)
    if is_uxd(text):
        return read_uxd(text, path)
    if is_cif(text):
        return read_pdcif(text, name)
    if is_gsas(text):
        return read_gsas(text, name)
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    return read_table(text, name, axis=axis, deviations=suffix in _WITH_DEVIATIONS)


def _chosen_radiation(file: PatternFile, wanted: Radiation | None, name: str) -> Radiation:
    """The radiation of the option or else of the file; a note says where they differ."""
    if wanted is None:
        if file.radiation is None:
            raise InputError(
                f"{name} names no wavelength: give it with --wavelength, in Å as in 1.5406 or as CuKa."
            )
        return file.radiation
    if file.radiation is not None and not agree(wanted, file.radiation):
        file.notes.append(
            f"The file names {file.radiation.name} ({file.radiation.mean_wavelength:.5g} Å); {wanted.name} "
            f"({wanted.mean_wavelength:.5g} Å) is used, as given."
        )
    return wanted

"""Uploaded powder patterns: the name of their file in a run folder, and the check before a job is queued."""

from __future__ import annotations

from pathlib import PurePosixPath

from alphacrystal.errors import TooLargeError
from alphacrystal.report import MEASURED_STEM
from alphacrystal.web._settings import Limits

#: Endings of pattern files that the stored file keeps; the content alone decides on the format.
ENDINGS = frozenset(
    (
        *(".xy", ".xye", ".csv", ".txt", ".dat", ".chi", ".xrdml", ".ras", ".rasx", ".raw", ".brml", ".uxd"),
        *(".gsa", ".gsas", ".gda", ".fxye", ".cif"),
    )
)
#: Imported before the first pattern is read, so that no time limit counts it.
PRELOAD = ("alphacrystal.web._pattern", "alphacrystal.pipeline.pattern", "alphacrystal.diffraction")


def stored_name(name: str) -> str:
    """File name of an uploaded pattern in its run folder, e.g. "measured.xy" or "measured.dat.gz".

    Args:
        name: Name that the client gave; only an ending of the list above remains of it.
    """
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    packed = suffixes.pop() if suffixes[-1:] == [".gz"] else ""
    ending = suffixes[-1] if suffixes and suffixes[-1] in ENDINGS else ".dat"
    return f"{MEASURED_STEM}{ending}{packed}"


def check_size(name: str, content: bytes, limits: Limits) -> None:
    """Refuse a pattern that is larger than the limit.

    Raises:
        TooLargeError: It is.
    """
    if len(content) > limits.pattern_bytes:
        raise TooLargeError(
            f"{name} is larger than {limits.pattern_mb:g} MB, the limit of this server for a powder pattern: "
            "give a smaller one."
        )


def check_pattern(name: str, content: bytes, wavelength: str | None) -> None:
    """Refuse a pattern that the prediction would refuse, with the same sentence.

    Args:
        name: Name of its file, for the sentence.
        content: Bytes of the file.
        wavelength: As for `alphacrystal predict --wavelength`.

    Raises:
        InputError: It cannot be read, its radiation is not known, or it has no peak.
    """
    from alphacrystal.diffraction import parse_pattern, parse_radiation
    from alphacrystal.pipeline.pattern import measured_peaks

    radiation = None if wavelength is None else parse_radiation(wavelength)
    measured_peaks(parse_pattern(content, name, wavelength=radiation))

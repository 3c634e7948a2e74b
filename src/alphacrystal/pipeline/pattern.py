"""The measured powder pattern of a run: reading it, and the fits of the structures to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.config import PredictConfig
    from alphacrystal.diffraction import FitSettings, PatternFit, PatternFitter, PeakList, PowderPattern
    from alphacrystal.typing import StageProgress


def read_measurement(config: PredictConfig) -> PowderPattern | PeakList | None:
    """The measured powder pattern of a run, or its list of peaks; None without one.

    Raises:
        InputError: The file cannot be read, its radiation is not known, or there is a radiation without a
            file.
    """
    if config.xrd is None:
        if config.wavelength is not None:
            raise InputError("--wavelength belongs to a powder pattern: give its file with --xrd.")
        return None
    from alphacrystal.diffraction import parse_radiation, read_pattern

    wavelength = None if config.wavelength is None else parse_radiation(config.wavelength)
    return read_pattern(config.xrd, wavelength=wavelength)


def measured_peaks(pattern: PowderPattern | PeakList | None) -> PeakList | None:
    """The peaks of a measurement.

    Raises:
        InputError: It has none.
    """
    from alphacrystal.diffraction import PeakList, find_peaks

    if pattern is None or isinstance(pattern, PeakList):
        return pattern
    peaks = find_peaks(pattern)
    if not len(peaks.spacing):
        raise InputError(f"{pattern.source} shows no peak above its noise: give another pattern with --xrd.")
    return peaks


REFINED = 3  # structures at the head of the list whose coordinates are refined


class PatternFits:
    """Fits of the structures of a run to its pattern, each computed once.

    Args:
        pattern: The measurement.
        on_done: Called with (fits done, 0).
    """

    def __init__(self, pattern: PowderPattern | PeakList, on_done: StageProgress | None = None) -> None:
        self._pattern, self._on_done = pattern, on_done
        self._fitters: dict[FitSettings, PatternFitter] = {}
        self._fits: dict[int, PatternFit | None] = {}
        self._refined: dict[int, PatternFit | None] = {}

    def __call__(self, index: int, structure: Structure) -> PatternFit | None:
        """The fit of the structure of a candidate; None where it has no reflection in the range."""
        if index not in self._fits:
            self._fits[index] = self._fit(structure, coordinates=False)
            if self._on_done:
                self._on_done(len(self._fits), 0)
        return self._fits[index]

    def refined(self, index: int, structure: Structure) -> PatternFit | None:
        """The fit with refined coordinates, where it agrees better; else the fit of the cell alone."""
        plain = self(index, structure)
        if index not in self._refined:
            fit = self._fit(structure, coordinates=True)
            better = fit is not None and plain is not None and fit.misfit < plain.misfit
            self._refined[index] = fit if better else plain
        return self._refined[index]

    def _fit(self, structure: Structure, *, coordinates: bool) -> PatternFit | None:
        from alphacrystal.diffraction import FitSettings, PatternFitter

        settings = FitSettings(coordinates=coordinates)
        try:
            if settings not in self._fitters:
                self._fitters[settings] = PatternFitter(self._pattern, settings)
            return self._fitters[settings].fit(structure)
        except InputError:
            return None

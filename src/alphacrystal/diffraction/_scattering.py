"""X-ray scattering factors of atoms, with anomalous dispersion."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.typing import FloatArray

MOTT_BETHE = 41.78214  # Å⁻²; De Graef & McHenry, Structure of Materials, 2012, eq. 12.13
_PLANCK = 12398.4198  # eV Å, h times c
_DISPERSIVE = range(3, 93)  # Li to U: the elements of Cromer and Liberman's table


def without_scattering_factor(symbols: Iterable[str]) -> list[str]:
    """The elements beyond Cf, which have no tabulated scattering factor."""
    return sorted(set(symbols) - set(_coefficients()))


def scattering_factor(symbol: str, atomic_number: int, square: FloatArray) -> FloatArray:
    """Scattering factor of a neutral atom at rest in electrons, without anomalous dispersion.

    Doyle and Turner's parameters in pymatgen's table with the Mott-Bethe formula; deuterium scatters as
    hydrogen.

    Args:
        symbol: Element, H to Cf.
        atomic_number: Its atomic number.
        square: (sin θ / λ)² in Å⁻², any shape.

    Raises:
        InputError: The element has no tabulated scattering factor.
    """
    table = _coefficients()
    if symbol not in table:
        raise InputError(f"{symbol} has no tabulated X-ray scattering factor: the table ends at Cf.")
    a, b = np.asarray(table[symbol]).T
    factor = atomic_number - MOTT_BETHE * square * (a * np.exp(-b * square[..., None])).sum(axis=-1)
    return np.asarray(factor, dtype=np.float64)


@cache
def anomalous_dispersion(atomic_number: int, wavelength: float) -> complex:
    """Anomalous dispersion f' + i f'' in electrons at a wavelength in Å; zero for elements without table.

    Method of Cromer and Liberman (doi:10.1107/S0567739481000600) in gemmi.
    """
    if atomic_number not in _DISPERSIVE:
        return 0j
    import gemmi

    real, imaginary = gemmi.cromer_liberman(z=atomic_number, energy=_PLANCK / wavelength)
    return complex(real, imaginary)


@cache
def _coefficients() -> dict[str, list[tuple[float, float]]]:
    """Coefficients a and b (Å²) of the scattering factors of each element, from pymatgen's table."""
    table = files("pymatgen.analysis.diffraction").joinpath("atomic_scattering_params.json")
    coefficients: dict[str, list[tuple[float, float]]] = json.loads(table.read_text(encoding="utf-8"))
    return coefficients

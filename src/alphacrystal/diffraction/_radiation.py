"""Wavelengths of X-ray tubes, and radiations from texts and file headers."""

from __future__ import annotations

import re

from alphacrystal.diffraction._pattern import Radiation
from alphacrystal.errors import InputError, one_line

#: Wavelengths of Kα1 and Kα2 in Å: Cr, Fe, Co, Cu from Hölzer et al. 1997 (doi:10.1103/PhysRevA.56.4554),
#: Mo, Ag from Deslattes et al. 2003 (doi:10.1103/RevModPhys.75.35); International Tables C, table 4.2.2.4.
K_ALPHA = {
    "Cr": (2.2897260, 2.2936510),
    "Fe": (1.9360410, 1.9399730),
    "Co": (1.7889960, 1.7928350),
    "Cu": (1.5405929, 1.5444274),
    "Mo": (0.70931715, 0.713607),
    "Ag": (0.55942178, 0.5638131),
}
#: Intensity of Kα2 relative to Kα1 where a file does not state it: the ratio of the numbers of 2p electrons.
K_ALPHA_RATIO = 0.5
MIN_WAVELENGTH, MAX_WAVELENGTH = 0.1, 5.0  # Å
#: Relative difference of mean wavelengths below which two radiations agree: more than that of tables of
#: Kα lines (2e-5), less than that of Kα1 and the mean of Kα (8e-4).
SAME_WAVELENGTH = 2e-4

_NUMBER = re.compile(r"(\d+(?:[.,]\d*)?)\s*(?:Å|\u212b|A|Angstroms?)?", re.IGNORECASE)
_LINE = re.compile(
    r"(?P<anode>Ag|Co|Cr|Cu|Fe|Mo)[\s_-]*(?:K[\s_-]*(?:alpha|α|a)[\s_-]*(?P<line>1|2)?)?", re.IGNORECASE
)


def parse_radiation(text: str) -> Radiation:
    """The radiation that a text names: a wavelength in Å, or the Kα lines of an anode.

    "CuKa" (or "Cu", "Cu Kα") is Kα1 and Kα2 in the ratio 2:1, "CuKa1" is Kα1 alone (monochromator),
    "1.5406" is one line.

    Raises:
        InputError: It is neither, or the wavelength is not between 0.1 and 5 Å.
    """
    words = text.strip().rstrip(".")
    if match := _NUMBER.fullmatch(words):
        return single_line(float(match[1].replace(",", ".")))
    if match := _LINE.fullmatch(words):
        anode = match["anode"].capitalize()
        first, second = K_ALPHA[anode]
        if match["line"] is None:
            return doublet(first, second, name=f"{anode} Kα")
        return Radiation(f"{anode} Kα{match['line']}", (first if match["line"] == "1" else second,), (1.0,))
    raise InputError(
        f"The wavelength {one_line(text)!r} is not known: give Å, as in 1.5406, or one of "
        f"{', '.join(f'{anode}Ka' for anode in K_ALPHA)}, with 1 at the end for Kα1 alone."
    )


def single_line(wavelength: float) -> Radiation:
    """The radiation of one wavelength in Å.

    Raises:
        InputError: It is not between 0.1 and 5 Å.
    """
    if not MIN_WAVELENGTH <= wavelength <= MAX_WAVELENGTH:
        raise InputError(
            f"The wavelength {wavelength:g} Å is not between {MIN_WAVELENGTH:g} and {MAX_WAVELENGTH:g} Å: "
            "give it in Å."
        )
    return Radiation(f"{wavelength:.7g} Å", (wavelength,), (1.0,))


def doublet(
    first: float, second: float, ratio: float = K_ALPHA_RATIO, *, name: str | None = None
) -> Radiation:
    """The radiation of Kα1 and Kα2; of Kα1 alone where the ratio or the second wavelength is 0.

    Args:
        first: Wavelength of Kα1 in Å.
        second: Of Kα2.
        ratio: Intensity of Kα2 relative to Kα1.
        name: For people; by default from the wavelength.

    Raises:
        InputError: A wavelength is not between 0.1 and 5 Å.
    """
    main = single_line(first)
    if not 0 < ratio <= 1 or second <= 0 or abs(second - first) < 1e-6:
        return main if name is None else Radiation(name, main.wavelengths, main.weights)
    single_line(second)
    if name is None:
        anode = anode_of(first)
        name = f"{anode} Kα" if anode else f"{first:.7g} Å and {second:.7g} Å"
    return Radiation(name, (first, second), (1 / (1 + ratio), ratio / (1 + ratio)))


def anode_of(wavelength: float) -> str | None:
    """The anode whose Kα1 line has a wavelength in Å."""
    return next(
        (anode for anode, (first, _) in K_ALPHA.items() if abs(wavelength / first - 1) < SAME_WAVELENGTH),
        None,
    )


def agree(first: Radiation, second: Radiation) -> bool:
    """Whether two radiations have the same mean wavelength."""
    return abs(first.mean_wavelength / second.mean_wavelength - 1) < SAME_WAVELENGTH

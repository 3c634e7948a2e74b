"""Potentials by name: ours, and those other packages offer through entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points

import numpy as np

from alphacrystal.errors import AlphaCrystalError, PotentialError
from alphacrystal.relax._chgnet import CHGNetPotential, supported_symbols
from alphacrystal.relax._potential import Potential, check_known

#: Entry-point group; an entry is a callable without arguments that returns a Potential or an ASE calculator.
ENTRY_POINT_GROUP = "alphacrystal.potentials"


@dataclass(frozen=True, slots=True)
class EnergyRange:
    """Energies per atom in eV a potential must give for rock salt MgO (a = 4.25 Å) and NaCl (a = 5.69 Å)."""

    mgo: tuple[float, float]
    nacl: tuple[float, float]


#: CHGNet 0.3.0 is on the Materials Project's PBE scale with MP2020 corrections (raw PBE: MgO -5.97, NaCl
#: -3.37; corrections: O -0.687, Cl -0.614 per atom). The other is on the Materials Project's r2SCAN scale and
#: its ranges surround what chgnet 0.4.2 itself gives.
_EXPECTED = {
    "chgnet": EnergyRange(mgo=(-6.36, -6.26), nacl=(-3.72, -3.62)),
    "chgnet-r2scan": EnergyRange(mgo=(-8.10, -7.97), nacl=(-6.93, -6.80)),
}


def potential_names() -> list[str]:
    """Names that `load_potential` knows here."""
    return sorted({*_EXPECTED, *(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))})


def check_potential(name: str, elements: Iterable[str] = ()) -> None:
    """Refuse an unknown potential, or elements a shipped one does not know, without loading anything.

    Elements of potentials from other packages are checked when they are loaded.

    Raises:
        PotentialError: Lists the known names.
        InputError: Names the elements and the potential.
    """
    names = potential_names()
    if name not in names:
        raise PotentialError(f"There is no potential named {name!r}; known here: {', '.join(names)}.")
    if name in _EXPECTED:
        check_known(elements, supported_symbols(), name)


def load_potential(name: str = "chgnet") -> Potential:
    """Load a potential by name and check two energies it must reproduce.

    Args:
        name: "chgnet" (CHGNet 0.3.0), "chgnet-r2scan", or an entry point of "alphacrystal.potentials".

    Raises:
        PotentialError: The name is unknown, its package is missing, or MgO or NaCl come out wrong.
    """
    if name in _EXPECTED:
        potential: Potential = CHGNetPotential.load(name)
        check_reference_energies(potential, _EXPECTED[name])
        return potential
    check_potential(name)
    entry = next(iter(entry_points(group=ENTRY_POINT_GROUP, name=name)))
    return _load_entry(name, entry.load)


def _load_entry(name: str, load: Callable[[], object]) -> Potential:
    from ase.calculators.calculator import Calculator

    from alphacrystal.relax._ase import AsePotential

    try:
        factory = load()
        made = factory() if callable(factory) else factory
    except AlphaCrystalError:
        raise
    except Exception as error:
        raise PotentialError(
            f"The potential {name} cannot be loaded: {type(error).__name__}: {error}."
        ) from error
    if isinstance(made, Calculator):
        return AsePotential(name, made)
    if not isinstance(made, Potential):
        raise PotentialError(
            f"The entry point {name} returned a {type(made).__name__}, which is neither a potential "
            "nor an ASE calculator."
        )
    expected = getattr(made, "expected_energies", None)
    if isinstance(expected, EnergyRange):
        check_reference_energies(made, expected)
    return made


def check_reference_energies(potential: Potential, expected: EnergyRange) -> None:
    """Refuse a potential whose MgO or NaCl energy is outside what its training data give.

    Wrongly converted weights load without an error and return plausible numbers for some elements; these two
    ionic crystals show it.

    Raises:
        PotentialError: Says which energy is wrong.
    """
    from pymatgen.core import Lattice, Structure

    cells: dict[str, tuple[float, list[str], tuple[float, float]]] = {
        "MgO": (4.25, ["Mg", "O"], expected.mgo),
        "NaCl": (5.69, ["Na", "Cl"], expected.nacl),
    }
    sites = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
    structures = [
        Structure(Lattice(a / 2 * (np.ones((3, 3)) - np.eye(3))), species, sites)
        for a, species, _ in cells.values()
    ]
    evaluation = potential.evaluate(structures)
    for (formula, (_, _, (low, high))), energy in zip(cells.items(), evaluation.energies / 2, strict=True):
        if not low <= energy <= high:
            raise PotentialError(
                f"The potential {potential.name} gives {energy:.2f} eV/atom for {formula} instead of "
                f"{low:.2f} to {high:.2f}, so its weights or its package version are wrong; reinstall it."
            )

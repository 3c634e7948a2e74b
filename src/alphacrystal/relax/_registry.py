"""Potentials by name: ours, and those other packages offer through entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points

import numpy as np

from alphacrystal.errors import AlphaCrystalError, PotentialError
from alphacrystal.relax._energy_model import EnergyModel, PotentialEnergies
from alphacrystal.relax._energy_scale import EnergyScale
from alphacrystal.relax._potential import Potential, check_known
from alphacrystal.relax.chgnet.potential import CHGNetPotential, supported_symbols

#: Entry-point group; a callable without arguments returns a Potential, an EnergyModel or an ASE calculator.
ENTRY_POINT_GROUP = "alphacrystal.potentials"


@dataclass(frozen=True, slots=True)
class EnergyRange:
    """Energies per atom in eV a potential must give for rock salt MgO (a = 4.25 Å) and NaCl (a = 5.69 Å)."""

    mgo: tuple[float, float]
    nacl: tuple[float, float]


#: Raw PBE of the Materials Project gives MgO -5.97 and NaCl -3.37; the MP2020 corrections are O -0.687 and
#: Cl -0.614 per anion. The r2SCAN ranges surround what chgnet 0.4.2 gives; MatPES shares the functionals but
#: not the pseudopotentials, so its ranges are wider. Formation energies: experiment and PBE agree on both.
_CORRECTED = EnergyRange(mgo=(-6.36, -6.26), nacl=(-3.72, -3.62))
_R2SCAN = EnergyRange(mgo=(-8.10, -7.97), nacl=(-6.93, -6.80))
_RAW = EnergyRange(mgo=(-6.07, -5.87), nacl=(-3.47, -3.27))
_MATPES_PBE = EnergyRange(mgo=(-6.20, -5.75), nacl=(-3.55, -3.20))
_MATPES_R2SCAN = EnergyRange(mgo=(-8.30, -7.80), nacl=(-7.10, -6.65))
_FORMATION = EnergyRange(mgo=(-3.30, -2.70), nacl=(-2.35, -1.85))


@dataclass(frozen=True, slots=True)
class _Known:
    """A potential or energy model we know by name; names that end in a colon go on with a model."""

    scale: EnergyScale
    expected: EnergyRange
    load: Callable[[str, str], Potential | EnergyModel]
    supported: Callable[[], frozenset[str]] | None = None


def _load_chgnet(name: str, model: str) -> Potential:
    return CHGNetPotential.load(name)


def _load_sevennet(name: str, model: str) -> Potential:
    from alphacrystal.relax._foreign import load_sevennet

    return load_sevennet(name)


def _load_m3gnet(name: str, model: str) -> Potential:
    from alphacrystal.relax._foreign import load_m3gnet

    return load_m3gnet(name, model)


def _load_megnet(name: str, model: str) -> EnergyModel:
    from alphacrystal.relax._foreign import MegnetModel

    return MegnetModel(name, model)


_KNOWN = {
    "chgnet": _Known(EnergyScale.MP2020, _CORRECTED, _load_chgnet, supported_symbols),
    "chgnet-r2scan": _Known(EnergyScale.OWN, _R2SCAN, _load_chgnet, supported_symbols),
    "sevennet": _Known(EnergyScale.MP_RAW, _RAW, _load_sevennet),
    "sevennet-l3i5": _Known(EnergyScale.MP_RAW, _RAW, _load_sevennet),
    "m3gnet:": _Known(EnergyScale.MP_RAW, _RAW, _load_m3gnet),
    "megnet:": _Known(EnergyScale.FORMATION, _FORMATION, _load_megnet),
}


def _known(name: str) -> tuple[_Known, str] | None:
    """What stands in the registry under a name, and the model named after its colon."""
    if name in _KNOWN:
        return _KNOWN[name], ""
    family, _, model = name.partition(":")
    found = _KNOWN.get(f"{family}:")
    if found is None:
        return None
    if family == "m3gnet" and "matpes" in model.lower():
        # Plain PBE or r2SCAN on every compound: no correction scheme belongs to it.
        expected = _MATPES_R2SCAN if "r2scan" in model.lower() else _MATPES_PBE
        found = replace(found, scale=EnergyScale.OWN, expected=expected)
    return found, model


def potential_names() -> list[str]:
    """Names that can be loaded here; MODEL stands for a directory or a name on a hub."""
    own = (f"{name}MODEL" if name.endswith(":") else name for name in _KNOWN)
    return sorted({*own, *(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))})


def check_potential(name: str, elements: Iterable[str] = (), *, forces: bool = True) -> None:
    """Refuse an unknown potential, or elements a shipped one does not know, without loading anything.

    Elements of potentials from other packages are checked when they are loaded.

    Args:
        name: See `load_potential`.
        elements: Symbols it must know.
        forces: Whether forces are needed, so that formation-energy models will not do.

    Raises:
        PotentialError: Lists the known names, or says that the model has no forces.
        InputError: Names the elements and the potential.
    """
    known = _known(name)
    if known is None:
        if name not in {entry.name for entry in entry_points(group=ENTRY_POINT_GROUP)}:
            names = ", ".join(potential_names())
            raise PotentialError(f"There is no potential named {name!r}; known here: {names}.")
        return
    if forces and known[0].scale is EnergyScale.FORMATION:
        raise PotentialError(_no_forces(name))
    if known[0].supported is not None:
        check_known(elements, known[0].supported(), name)


def _no_forces(name: str) -> str:
    return (
        f"{name} gives formation energies but no forces, so it cannot relax by gradients: use --relaxation "
        "bayesian, or another potential."
    )


def energy_scale(name: str) -> EnergyScale:
    """The scale that a potential declares; nothing is loaded but the module of a foreign entry point.

    A factory of another package declares it as an attribute ``energy_scale``; else its scale is its own.
    """
    known = _known(name)
    if known is not None:
        return known[0].scale
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=name):
        declared = getattr(entry.load(), "energy_scale", EnergyScale.OWN)
        return EnergyScale(declared)
    return EnergyScale.OWN


def load_potential(name: str = "chgnet") -> Potential:
    """Load a potential by name and check two energies it must reproduce.

    Args:
        name: "chgnet" (CHGNet 0.3.0), "chgnet-r2scan", "sevennet", "sevennet-l3i5", "m3gnet:MODEL" with a
            matgl directory or hub name, or an entry point of "alphacrystal.potentials".

    Raises:
        PotentialError: The name is unknown, its package is missing, MgO or NaCl come out wrong, or the model
            gives no forces.
    """
    loaded = _load(name)
    if not isinstance(loaded, Potential):
        raise PotentialError(_no_forces(name))
    return loaded


def load_energy_model(name: str = "chgnet") -> EnergyModel:
    """Load a potential or a direct formation-energy model ("megnet:MODEL") by name, for energies alone.

    Raises:
        PotentialError: As `load_potential`.
    """
    loaded = _load(name)
    return PotentialEnergies(loaded) if isinstance(loaded, Potential) else loaded


def _load(name: str) -> Potential | EnergyModel:
    known = _known(name)
    if known is not None:
        found, model = known
        loaded = found.load(name, model)
        check_reference_energies(loaded, found.expected)
        return loaded
    check_potential(name)
    entry = next(iter(entry_points(group=ENTRY_POINT_GROUP, name=name)))
    return _load_entry(name, entry.load)


def _load_entry(name: str, load: Callable[[], object]) -> Potential | EnergyModel:
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
    if not isinstance(made, Potential | EnergyModel):
        raise PotentialError(
            f"The entry point {name} returned a {type(made).__name__}, which is neither a potential "
            "nor an ASE calculator."
        )
    expected = getattr(made, "expected_energies", None)
    if isinstance(expected, EnergyRange):
        check_reference_energies(made, expected)
    return made


def check_reference_energies(potential: Potential | EnergyModel, expected: EnergyRange) -> None:
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
    model = PotentialEnergies(potential) if isinstance(potential, Potential) else potential
    energies = model.energies_per_atom(structures)
    for (formula, (_, _, (low, high))), energy in zip(cells.items(), energies, strict=True):
        if not low <= energy <= high:
            raise PotentialError(
                f"The potential {potential.name} gives {energy:.2f} eV/atom for {formula} instead of "
                f"{low:.2f} to {high:.2f}, so its weights or its package version are wrong; reinstall it."
            )

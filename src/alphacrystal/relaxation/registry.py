"""The registry of potentials and energy models, and how they are loaded and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from alphacrystal.errors import AlphaCrystalError, PotentialError
from alphacrystal.relaxation._dispersion import DISPERSION, DispersionPotential
from alphacrystal.relaxation._energy_scale import EnergyScale
from alphacrystal.relaxation._potential import EnergyModel, Potential, PotentialEnergies, check_known
from alphacrystal.relaxation._torch_sim import TorchSimPotential, is_torch_sim_model
from alphacrystal.relaxation.user_potentials import registered_files
from alphacrystal.runtime.registry import Registry, require_package
from alphacrystal.runtime.torch_device import AUTO, takes_device, torch_device

Loader = Callable[..., "Potential | EnergyModel"]


@dataclass(frozen=True, slots=True)
class EnergyRange:
    """Energies per atom in eV a potential must give for rock salt MgO (a = 4.25 Å) and NaCl (a = 5.69 Å)."""

    mgo: tuple[float, float]
    nacl: tuple[float, float]


#: Raw PBE of the Materials Project gives MgO -5.97 and NaCl -3.37; the MP2020 corrections are O -0.687 and
#: Cl -0.614 per anion. The r2SCAN ranges surround what chgnet 0.4.2 gives; MatPES shares the functionals but
#: not the pseudopotentials, so its ranges are wider. Formation energies: experiment and PBE agree on both.
CORRECTED = EnergyRange(mgo=(-6.36, -6.26), nacl=(-3.72, -3.62))
R2SCAN = EnergyRange(mgo=(-8.10, -7.97), nacl=(-6.93, -6.80))
RAW = EnergyRange(mgo=(-6.07, -5.87), nacl=(-3.47, -3.27))
MATPES_PBE = EnergyRange(mgo=(-6.20, -5.75), nacl=(-3.55, -3.20))
MATPES_R2SCAN = EnergyRange(mgo=(-8.30, -7.80), nacl=(-7.10, -6.65))
FORMATION = EnergyRange(mgo=(-3.30, -2.70), nacl=(-2.35, -1.85))


@dataclass(frozen=True, slots=True)
class PotentialSpec:
    """The description of a potential or energy model.

    Attributes:
        name: Name on the command line; a name that ends in a colon is followed by a model.
        label: One line for help and documentation.
        scale: Scale of its energies.
        expected: Energies that it must reproduce, None without a check.
        load: Loads it; called with the full name and the model after the colon.
        supported: Returns the elements that it knows, None where only loading tells.
        of_model: Returns the spec of one model of the family.
        on_page: Whether the web page offers it.
        packages: Python packages that it needs, with the extra that installs each.
        on_device: Whether ``load`` also takes the ``device``, PyTorch's name of it.
    """

    name: str
    label: str
    scale: EnergyScale
    expected: EnergyRange | None
    load: Callable[..., Potential | EnergyModel]
    supported: Callable[[], frozenset[str]] | None = None
    of_model: Callable[[PotentialSpec, str], PotentialSpec] | None = None
    on_page: bool = False
    packages: tuple[tuple[str, str], ...] = ()
    on_device: bool = False


def _wrap(name: str, factory: object) -> PotentialSpec:
    """The spec of the potential of another package or of a registered file.

    Its factory may declare ``energy_scale``, ``supported_elements`` and ``expected_energies``. If it has a
    parameter ``device``, it gets PyTorch's name of the device.
    """
    scale = EnergyScale(getattr(factory, "energy_scale", EnergyScale.OTHER))
    elements = getattr(factory, "supported_elements", None)
    symbols = frozenset(elements) if isinstance(elements, Iterable) else None
    expected = getattr(factory, "expected_energies", None)
    return PotentialSpec(
        name,
        "potential of another package",
        scale,
        expected if isinstance(expected, EnergyRange) else None,
        lambda *_, **options: _made(name, factory, symbols, **options),
        None if symbols is None else lambda: symbols,
        on_device=takes_device(factory),
    )


POTENTIALS: Registry[PotentialSpec] = Registry(
    "potential",
    "alphacrystal.relaxation.potentials",
    "alphacrystal.potentials",
    _wrap,
    PotentialError,
    registered_files,
)


def register(
    name: str,
    label: str,
    scale: EnergyScale,
    expected: EnergyRange | None,
    *,
    supported: Callable[[], frozenset[str]] | None = None,
    of_model: Callable[[PotentialSpec, str], PotentialSpec] | None = None,
    on_page: bool = False,
    packages: tuple[tuple[str, str], ...] = (),
) -> Callable[[Loader], Loader]:
    """Register a function that loads a potential; see `PotentialSpec` for the arguments.

    The function takes the full name and the model after the colon, and may take a ``device``.
    """

    def decorate(load: Loader) -> Loader:
        spec = PotentialSpec(name, label, scale, expected, load, supported, of_model, on_page, packages)
        POTENTIALS.add(replace(spec, on_device=takes_device(load)))
        return load

    return decorate


def _spec_and_model(name: str) -> tuple[PotentialSpec, str]:
    """The spec of a name, and the model after its colon.

    Raises:
        PotentialError: The name is unknown, or its package cannot be imported.
    """
    if name.endswith(DISPERSION):
        return _with_dispersion(name.removesuffix(DISPERSION))
    family, colon, model = name.partition(":")
    if colon and f"{family}:" in POTENTIALS.names():
        spec = POTENTIALS.get(f"{family}:")
        return (spec if spec.of_model is None else spec.of_model(spec, model)), model
    return POTENTIALS.get(name), ""


def _with_dispersion(name: str) -> tuple[PotentialSpec, str]:
    """The spec of a potential with D3(BJ) dispersion; its energies have a scale without references."""
    spec, model = _spec_and_model(name)
    if spec.scale is EnergyScale.FORMATION:
        raise PotentialError(_no_forces(name))

    def load(full_name: str, _: str, **options: str) -> Potential:
        base = spec.load(name, model, **options)
        if not isinstance(base, Potential):
            raise PotentialError(_no_forces(name))
        return DispersionPotential(base)

    label = f"{spec.label} with D3(BJ) dispersion"
    dispersed = replace(
        spec,
        name=name + DISPERSION,
        label=label,
        scale=EnergyScale.OTHER,
        expected=None,
        load=load,
        packages=(*spec.packages, ("dftd3", "dispersion")),
    )
    return dispersed, model


def potential_names() -> list[str]:
    """Names that can be loaded here; MODEL is a directory or a name on a hub."""
    return [f"{name}MODEL" if name.endswith(":") else name for name in POTENTIALS.names()]


def check_potential(
    name: str, elements: Iterable[str] = (), *, forces: bool = True, device: str = AUTO
) -> None:
    """Refuse an unknown potential, a missing package, or elements a shipped one does not know.

    Nothing is loaded.

    Elements of potentials from other packages are checked when they are loaded.

    Args:
        name: See `load_potential`.
        elements: Symbols it must know.
        forces: Whether forces are needed, so that formation-energy models will not do.
        device: See `load_potential`. Whether PyTorch has it here is not checked, see `check_device`.

    Raises:
        PotentialError: Lists the known names, names the extra to install, or says that the model has no
            forces or takes no device.
        InputError: Names the elements and the potential.
    """
    built_in = {spec.name for spec in POTENTIALS.built_in()}  # reading entry points takes 0.1 s
    plain = name.removesuffix(DISPERSION)
    if plain in built_in or ":" in name or plain in potential_names():
        spec, _ = _spec_and_model(name)
    else:
        names = ", ".join(potential_names())
        raise PotentialError(f"There is no potential named {name!r}; known here: {names}.")
    if forces and spec.scale is EnergyScale.FORMATION:
        raise PotentialError(_no_forces(name))
    if device != AUTO and not spec.on_device:
        raise PotentialError(
            f"The potential {name} chooses its device itself: leave out --device {device}, or give the "
            "function that makes it a parameter device."
        )
    for package, extra in spec.packages:
        require_package(package, extra, f"The potential {name}", PotentialError)
    if spec.supported is not None:
        check_known(elements, spec.supported(), name)


def declared_elements(name: str) -> frozenset[str] | None:
    """Symbols that a potential declares to know without being loaded; None if only loading tells."""
    supported = _spec_and_model(name)[0].supported
    return None if supported is None else supported()


def _no_forces(name: str) -> str:
    return (
        f"{name} gives formation energies but no forces, so it cannot relax by gradients: use --relaxation "
        "bayesian, or another potential."
    )


def energy_scale(name: str) -> EnergyScale:
    """The scale that a potential declares; nothing is loaded but the module of a foreign entry point.

    A factory of another package declares it as an attribute ``energy_scale``; else its scale is OTHER.
    """
    return _spec_and_model(name)[0].scale


def load_potential(name: str = "chgnet", device: str = AUTO) -> Potential:
    """Load a potential by name and check two energies it must reproduce.

    Args:
        name: "chgnet" (CHGNet 0.3.0), "chgnet-r2scan", "sevennet", "sevennet-l3i5", "m3gnet:MODEL" with a
            matgl directory or hub name, or an entry point of "alphacrystal.potentials".
        device: "auto" (the GPU if PyTorch has one, else the CPU), "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        PotentialError: The name is unknown, its package is missing, the energy of MgO or NaCl is wrong, the
            model gives no forces, or the device cannot be used.
    """
    loaded = _load(name, device)
    if not isinstance(loaded, Potential):
        raise PotentialError(_no_forces(name))
    return loaded


def load_energy_model(name: str = "chgnet", device: str = AUTO) -> EnergyModel:
    """Load a potential or a direct formation-energy model ("megnet:MODEL") by name, for energies alone.

    Raises:
        PotentialError: As `load_potential`.
    """
    loaded = _load(name, device)
    return PotentialEnergies(loaded) if isinstance(loaded, Potential) else loaded


def _load(name: str, device: str) -> Potential | EnergyModel:
    check_potential(name, forces=False, device=device)
    spec, model = _spec_and_model(name)
    options = {"device": torch_device(device)} if spec.on_device else {}
    loaded = spec.load(name, model, **options)
    expected = spec.expected or getattr(loaded, "expected_energies", None)
    if isinstance(expected, EnergyRange):
        check_reference_energies(loaded, expected)
    return loaded


def _made(
    name: str, factory: object, elements: frozenset[str] | None, **options: str
) -> Potential | EnergyModel:
    """The potential that the factory of another package or of a registered file returns."""
    from ase.calculators.calculator import Calculator

    from alphacrystal.relaxation._ase import AsePotential

    try:
        made = factory(**options) if callable(factory) else factory
    except AlphaCrystalError:
        raise
    except Exception as error:
        raise PotentialError(
            f"The potential {name} cannot be loaded: {type(error).__name__}: {error}."
        ) from error
    if isinstance(made, Calculator):
        return AsePotential(name, made, elements)
    if is_torch_sim_model(made):
        return TorchSimPotential(name, made, elements)
    if not isinstance(made, Potential | EnergyModel):
        raise PotentialError(
            f"The entry point {name} returned a {type(made).__name__}, which is no potential, ASE "
            "calculator or torch-sim model."
        )
    return made


def check_reference_energies(potential: Potential | EnergyModel, expected: EnergyRange) -> None:
    """Refuse a potential whose MgO or NaCl energy is outside the range of its training data.

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

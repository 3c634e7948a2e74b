"""M3GNet potentials and MEGNet formation-energy models of the package matgl."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._ase import AsePotential, first_line, quiet
from alphacrystal.relaxation._energy_scale import EnergyScale
from alphacrystal.relaxation._potential import EnergyModel, Potential, check_known, element_symbols
from alphacrystal.relaxation.registry import (
    FORMATION,
    MATPES_PBE,
    MATPES_R2SCAN,
    RAW,
    PotentialSpec,
    register,
)
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


def load_m3gnet(name: str, model: str, device: str = "cpu") -> AsePotential:
    """An M3GNet (or another matgl potential) from a directory of matgl's, or by its name on the hub.

    Args:
        name: Name on the command line.
        model: Directory or name on the hub.
        device: PyTorch's name of the device; matgl moves its graphs to the device of the model.

    Raises:
        PotentialError: The model cannot be read.
    """
    loaded = _matgl_model(model)
    if not hasattr(loaded, "calc_forces"):
        raise PotentialError(
            f"The model {model} gives no forces (it is a {type(loaded).__name__}): for a formation-energy "
            f"model choose megnet:{model}."
        )
    with quiet():
        from matgl.ext.ase import PESCalculator

        calculator: Any = PESCalculator(potential=loaded.to(device), stress_unit="eV/A3")
    return AsePotential(name, calculator, frozenset(loaded.model.element_types))


class MegnetModel:
    """A matgl model that gives formation energies, as an `EnergyModel`."""

    def __init__(self, name: str, model: str) -> None:
        """Load it from a directory of matgl's, or by its name on the hub.

        Raises:
            PotentialError: The model cannot be read.
        """
        loaded = _matgl_model(model)
        if not hasattr(loaded, "predict_structure"):
            raise PotentialError(
                f"The model {model} is a {type(loaded).__name__}, which predicts no formation energy: choose "
                f"m3gnet:{model} for a potential."
            )
        self.name = name
        inner = getattr(loaded, "model", loaded)
        self.supported_elements = frozenset(inner.element_types)
        self._model = loaded

    def energies_per_atom(self, structures: Sequence[Structure]) -> FloatArray:
        """Formation energies in eV/atom; see `EnergyModel.energies_per_atom`."""
        check_known(element_symbols(structures), self.supported_elements, self.name)
        energies = np.full(len(structures), np.nan)
        for i, structure in enumerate(structures):
            with quiet(), contextlib.suppress(ValueError, RuntimeError, IndexError):
                energies[i] = float(self._model.predict_structure(structure))
        return energies


def _with_model(spec: PotentialSpec, model: str) -> PotentialSpec:
    """The spec itself if there is a model.

    Raises:
        PotentialError: There is none.
    """
    if not model:
        family = spec.name.rstrip(":")
        raise PotentialError(
            f"{family} needs a model: a directory of matgl's or a name on its hub, as in {family}:DIRECTORY."
        )
    return spec


def _matgl_model(model: str) -> Any:
    """A directory of that path first, then the hub (network, or its cache)."""
    try:
        with quiet():
            import matgl

            return matgl.load_model(Path(model) if Path(model).is_dir() else model)
    except Exception as error:
        raise PotentialError(
            f"The model {model} is no directory that matgl can read, and it could not be had from matgl's "
            f"hub ({first_line(error)})."
        ) from error


def _m3gnet_of(spec: PotentialSpec, model: str) -> PotentialSpec:
    """Models trained on MatPES have plain PBE or r2SCAN energies, without a correction scheme."""
    if "matpes" not in model.lower():
        return _with_model(spec, model)
    expected = MATPES_R2SCAN if "r2scan" in model.lower() else MATPES_PBE
    return replace(spec, scale=EnergyScale.OTHER, expected=expected)


@register(
    "m3gnet:",
    "M3GNet model of matgl: a directory or a name on its hub",
    EnergyScale.MP_RAW,
    RAW,
    of_model=_m3gnet_of,
    packages=(("matgl", "matgl"),),
)
def _load_m3gnet(name: str, model: str, device: str) -> Potential:
    return load_m3gnet(name, model, device)


@register(
    "megnet:",
    "MEGNet formation-energy model of matgl, without forces",
    EnergyScale.FORMATION,
    FORMATION,
    of_model=_with_model,
    packages=(("matgl", "matgl"),),
)
def _load_megnet(name: str, model: str) -> EnergyModel:
    return MegnetModel(name, model)

"""Potentials of other packages that we know by name: M3GNet and MEGNet through matgl, SevenNet."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.errors import PotentialError
from alphacrystal.relax._ase import AsePotential
from alphacrystal.relax._potential import check_known, element_symbols
from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


#: Checkpoints inside sevenn's wheel, by our name.
_SEVENNET = {"sevennet": "7net-0", "sevennet-l3i5": "7net-l3i5"}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _require(package: str, name: str, extra: str) -> None:
    if find_spec(package) is None:
        raise PotentialError(
            f"The potential {name} needs the package {package}: pip install 'alphacrystal[{extra}]'."
        )


def load_sevennet(name: str) -> AsePotential:
    """SevenNet-0 or SevenNet-l3i5; weights from sevenn's wheel.

    Raises:
        PotentialError: sevenn is not installed, or its weights cannot be read.
    """
    _require("sevenn", name, "sevennet")
    from ase.data import chemical_symbols

    try:
        with _quiet():
            from sevenn.calculator import SevenNetCalculator

            calculator: Any = SevenNetCalculator(_SEVENNET[name], device="cpu")
        elements = frozenset(chemical_symbols[int(number)] for number in calculator.type_map)
    except Exception as error:
        raise PotentialError(f"The potential {name} cannot be loaded: {_first_line(error)}.") from error
    return AsePotential(name, calculator, elements)


def load_m3gnet(name: str, model: str) -> AsePotential:
    """An M3GNet (or another matgl potential) from a directory of matgl's, or by its name on the hub.

    Raises:
        PotentialError: matgl is not installed, or the model cannot be read.
    """
    loaded = _matgl_model(name, model)
    if not hasattr(loaded, "calc_forces"):
        raise PotentialError(
            f"The model {model} gives no forces (it is a {type(loaded).__name__}): for a formation-energy "
            f"model choose megnet:{model}."
        )
    with _quiet():
        from matgl.ext.ase import PESCalculator

        calculator: Any = PESCalculator(potential=loaded, stress_unit="eV/A3")
    return AsePotential(name, calculator, frozenset(loaded.model.element_types))


class MegnetModel:
    """A matgl model that gives formation energies, as an `EnergyModel`."""

    def __init__(self, name: str, model: str) -> None:
        """Load it from a directory of matgl's, or by its name on the hub.

        Raises:
            PotentialError: matgl is not installed, or the model cannot be read.
        """
        loaded = _matgl_model(name, model)
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
            with _quiet(), contextlib.suppress(ValueError, RuntimeError, IndexError):
                energies[i] = float(self._model.predict_structure(structure))
        return energies


def _matgl_model(name: str, model: str) -> Any:
    """A directory of that path first, then the hub (network, or its cache)."""
    if not model:
        raise PotentialError(
            f"{name.rstrip(':')} needs a model: a directory of matgl's or a name on its hub, as in "
            f"{name.rstrip(':')}:DIRECTORY."
        )
    _require("matgl", name, "matgl")
    try:
        with _quiet():
            import matgl

            return matgl.load_model(Path(model) if Path(model).is_dir() else model)
    except Exception as error:
        raise PotentialError(
            f"The model {model} is no directory that matgl can read, and it could not be had from matgl's "
            f"hub ({_first_line(error)})."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160].rstrip(". ")

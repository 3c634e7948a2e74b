"""SevenNet potentials of the package sevenn."""

from __future__ import annotations

from typing import Any

from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._ase import AsePotential, first_line, quiet
from alphacrystal.relaxation._energy_scale import EnergyScale
from alphacrystal.relaxation._potential import Potential
from alphacrystal.relaxation.potentials.chgnet.potential import supported_symbols
from alphacrystal.relaxation.registry import RAW, register

#: Checkpoints in sevenn's wheel, by our name.
_SEVENNET = {"sevennet": "7net-0", "sevennet-l3i5": "7net-l3i5"}


def load_sevennet(name: str, device: str = "cpu") -> AsePotential:
    """SevenNet-0 or SevenNet-l3i5; weights from sevenn's wheel.

    Args:
        name: "sevennet" or "sevennet-l3i5".
        device: PyTorch's name of the device.

    Raises:
        PotentialError: The weights cannot be read.
    """
    from ase.data import chemical_symbols

    try:
        with quiet():
            from sevenn.calculator import SevenNetCalculator

            calculator: Any = SevenNetCalculator(_SEVENNET[name], device=device)
        elements = frozenset(chemical_symbols[int(number)] for number in calculator.type_map)
    except Exception as error:
        raise PotentialError(f"The potential {name} cannot be loaded: {first_line(error)}.") from error
    return AsePotential(name, calculator, elements)


_FACTS: dict[str, Any] = {
    "supported": supported_symbols,  # trained on the data of CHGNet
    "packages": (("sevenn", "sevennet"),),
    "on_page": True,
}


@register("sevennet", "SevenNet-0", EnergyScale.MP_RAW, RAW, **_FACTS)
@register("sevennet-l3i5", "SevenNet-l3i5", EnergyScale.MP_RAW, RAW, **_FACTS)
def _load(name: str, model: str, device: str) -> Potential:
    return load_sevennet(name, device)

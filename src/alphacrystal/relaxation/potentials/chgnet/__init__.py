"""CHGNet with the weights of the package chgnet."""

from __future__ import annotations

from alphacrystal.relaxation._energy_scale import EnergyScale
from alphacrystal.relaxation._potential import Potential
from alphacrystal.relaxation.potentials.chgnet.potential import CHGNetPotential, supported_symbols
from alphacrystal.relaxation.registry import CORRECTED, R2SCAN, register


@register("chgnet", "CHGNet 0.3.0", EnergyScale.MP2020, CORRECTED, supported=supported_symbols, on_page=True)
@register(
    "chgnet-r2scan", "CHGNet r2SCAN", EnergyScale.OTHER, R2SCAN, supported=supported_symbols, on_page=True
)
def _load(name: str, model: str, device: str) -> Potential:
    return CHGNetPotential.load(name, device)

"""Tolerances of structure matching under the names that published match rates were counted with."""

from __future__ import annotations

from dataclasses import dataclass

from alphacrystal.errors import InputError


@dataclass(frozen=True, slots=True)
class MatchPreset:
    """When two structures count as the same crystal for pymatgen's StructureMatcher.

    Attributes:
        name: How it is called.
        ltol: Fractional tolerance of lengths.
        stol: Tolerance of site distances in units of (volume per atom)^(1/3).
        angle_tol: Tolerance of angles in degrees.
        largest: Whether the largest site distance must stay below ``stol`` (StructureMatcher.fit), or a
            root mean square displacement need only exist (StructureMatcher.get_rms_dist).
    """

    name: str
    ltol: float
    stol: float
    angle_tol: float
    largest: bool


#: CSPBench as its authors count it (doi:10.48550/arXiv.2407.00733, TCSP 2.0: doi:10.48550/arXiv.2503.23183);
#: DiffCSP's match rate (doi:10.48550/arXiv.2309.04475), which later generative models took over.
PRESETS: dict[str, MatchPreset] = {
    "cspbench": MatchPreset("cspbench", ltol=0.2, stol=0.3, angle_tol=5.0, largest=True),
    "diffcsp": MatchPreset("diffcsp", ltol=0.3, stol=0.5, angle_tol=10.0, largest=False),
}


def match_preset(preset: str | MatchPreset) -> MatchPreset:
    """The preset of a name; a `MatchPreset` is returned unchanged.

    Raises:
        InputError: There is no preset of that name.
    """
    if isinstance(preset, MatchPreset):
        return preset
    if preset not in PRESETS:
        raise InputError(f"There is no preset named {preset!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[preset]

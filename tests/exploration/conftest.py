"""Explorations of hand-made phases, with real run folders' CIF files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.exploration import Exploration, Hull, Phase, enumerate_compositions, parse_system
from alphacrystal.report import cif_text


@pytest.fixture(scope="session")
def make_exploration() -> Callable[..., Exploration]:
    """A function that returns an exploration of a system whose 1:1 compounds have the rock salt structure."""

    def make(folder: Path, name: str, pressures: tuple[float, ...] = (0.0,)) -> Exploration:
        system = parse_system(name)
        hulls = {}
        for pressure in pressures:
            phases = [Phase({symbol: 1}, -2.0, "reference") for symbol in system.elements]
            for first, second in zip(system.elements, system.elements[1:], strict=False):
                run = folder / "runs" / "quick" / f"{first}{second}"
                run.mkdir(parents=True, exist_ok=True)
                salt = Structure.from_spacegroup(
                    225, Lattice.cubic(5.6), [first, second], [[0, 0, 0], [0.5, 0.5, 0.5]]
                )
                run.joinpath("1_rock_salt.cif").write_text(cif_text(salt, 225))
                facts = {
                    "space_group_number": 225,
                    "space_group_symbol": "Fm-3m",
                    "n_atoms": 2,
                    "volume_per_atom_a3": salt.volume / 8,
                    "probability": 0.8,
                    "converged": True,
                    "folder": f"runs/quick/{first}{second}",
                    "file": "1_rock_salt.cif",
                }
                phases.append(Phase({first: 1, second: 1}, -3.0, "predicted", known="new", **facts))  # type: ignore[arg-type]
                phases.append(
                    Phase({first: 1, second: 2}, -2.1, "known", space_group_number=194, known="mp-1")
                )
            phases.append(
                Phase({system.elements[0]: 2, system.elements[1]: 1}, -9.0, "predicted", flags="unknown")
            )
            hulls[pressure] = Hull(system, tuple(phases), pressure)
        return Exploration(
            system,
            hulls,
            enumerate_compositions(system, 6),
            predicted=7,
            rounds=1,
            stopped="the budget of 7 formulas is spent",
            failures={},
            folder=folder,
            potential="chgnet",
        )

    return make

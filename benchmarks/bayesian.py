"""Bayesian relaxation beside gradients: energy reached, evaluations, processor time.

Textbook crystals, strained and with their free coordinates moved, are relaxed both ways with CHGNet.
Run: python benchmarks/bayesian.py      (needs the extra bayesian)
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from alphacrystal import AlphaCrystalError
from alphacrystal.relax import BayesianRelaxer, RelaxSettings, load_potential, relax
from alphacrystal.relax._crystal import Crystal
from alphacrystal.relax._symmetry import symmetrise_crystal
from alphacrystal.relax._variables import SymmetricVariables
from alphacrystal_bench.harness.run_facts import run_facts

SEED = 0
#: Largest strain, and displacement of a free mode in Å.
DISTURBANCES = {"near": (0.02, 0.05), "far": (0.04, 0.15)}


def crystals() -> dict[str, Structure]:
    build = Structure.from_spacegroup
    quartz = [[0.47, 0, 2 / 3], [0.413, 0.267, 0.786]]
    return {
        "NaCl": build(225, Lattice.cubic(5.69), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "TiO2, rutile": build(
            136, Lattice.tetragonal(4.6, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
        ),
        "ZnS, wurtzite": build(
            186, Lattice.hexagonal(3.82, 6.26), ["Zn", "S"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.375]]
        ),
        "TiO2, anatase": build(141, Lattice.tetragonal(3.8, 9.6), ["Ti", "O"], [[0, 0, 0], [0, 0, 0.208]]),
        "SiO2, quartz": build(154, Lattice.hexagonal(4.92, 5.41), ["Si", "O"], quartz),
    }


def disturbed(
    structure: Structure, strain: float, shift: float, rng: np.random.Generator
) -> tuple[Structure, int]:
    """Away from its minimum within its space group, and how many parameters are free."""
    crystal = symmetrise_crystal(Crystal.from_structure(structure.get_primitive_structure()), 0.01)
    variables = SymmetricVariables(crystal, RelaxSettings())
    x = rng.uniform(-shift, shift, size=variables.size)
    x[variables.atom_modes :] = rng.uniform(-strain, strain, size=variables.size - variables.atom_modes)
    variables.place(x)
    return variables.crystal.to_structure(), variables.size


def main() -> int:
    torch.set_num_threads(1)
    facts = run_facts(SEED)
    rng = np.random.default_rng(SEED)
    potential = load_potential()
    relax([crystals()["NaCl"]], potential)  # imports are no work
    rows = {}
    print("| crystal | start | parameters | start, search over gradient (meV/atom) | evaluations | CPU s |")
    print("|---|---|---:|---:|---:|---:|")
    cases = [(name, case) for name in crystals() for case in DISTURBANCES]
    for name, case in cases:
        start, free = disturbed(crystals()[name], *DISTURBANCES[case], rng)
        height = float(potential.evaluate([start]).energies[0]) / len(start)
        begin = time.process_time()
        (downhill,) = relax([start], potential, RelaxSettings(fmax=0.05))
        middle = time.process_time()
        try:
            (found,) = BayesianRelaxer(seed=SEED).relax(
                [start], RelaxSettings(max_steps=400, time_limit_s=None)
            )
        except AlphaCrystalError as error:
            print(f"benchmarks/bayesian.py: {error}")
            return 0
        end = time.process_time()
        assert found.energy_per_atom is not None
        assert downhill.energy_per_atom is not None
        gap = 1000 * (found.energy_per_atom - downhill.energy_per_atom)
        rise = 1000 * (height - downhill.energy_per_atom)
        rows[f"{name}, {case}"] = {
            "start_mev_per_atom": round(rise, 1),
            "parameters": free,
            "gap_mev_per_atom": round(gap, 2),
            "evaluations": [downhill.steps + 1, found.steps + 1],
            "cpu_s": [round(middle - begin, 2), round(end - middle, 2)],
        }
        print(
            f"| {name} | {case} | {free} | {rise:.0f}, {gap:.1f} | {downhill.steps + 1} / {found.steps + 1} "
            f"| {middle - begin:.2f} / {end - middle:.1f} |",
            flush=True,
        )
    print(json.dumps({**facts, "crystals": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

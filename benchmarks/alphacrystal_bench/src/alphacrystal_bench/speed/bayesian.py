"""Bayesian relaxation compared with gradients: energy, evaluations, processor time.

Textbook crystals with strain and displaced free coordinates are relaxed by both methods with CHGNet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from alphacrystal.relaxation import BayesianRelaxer, RelaxSettings, load_potential, relax
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table
from alphacrystal_bench.speed.symmetry import symmetric_perturbation

#: Largest strain, and largest displacement in Å.
PERTURBATIONS = {"near": (0.02, 0.05), "far": (0.04, 0.15)}
FMAX = 0.05  # eV/Å


def _crystals() -> dict[str, Structure]:
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


def benchmark_bayesian(
    on_progress: Progress, *, limit: int | None = None, evaluations: int = 400, seed: int = 0
) -> dict[str, Any]:
    """Relax each crystal from a near and a far start by both methods.

    Args:
        on_progress: Called with (stage, done, total).
        limit: Number of crystals; all five if None.
        evaluations: Largest number of energy evaluations of a Bayesian relaxation.
        seed: Random seed.

    Raises:
        AlphaCrystalError: The extra bayesian is not installed.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    potential = load_potential()
    structures = dict(list(_crystals().items())[:limit])
    relax([next(iter(structures.values()))], potential)  # imports do not count
    cases = [(name, start) for name in structures for start in PERTURBATIONS]
    rows = []
    for done, (name, perturbation) in enumerate(cases):
        on_progress("relax", done, len(cases))
        crystal = structures[name].get_primitive_structure()
        start, parameters = symmetric_perturbation(crystal, *PERTURBATIONS[perturbation], rng)
        energy = float(potential.evaluate([start]).energies[0]) / len(start)
        begin = time.process_time()
        (gradient,) = relax([start], potential, RelaxSettings(fmax=FMAX))
        middle = time.process_time()
        settings = RelaxSettings(max_steps=evaluations, time_limit_s=None)
        (bayesian,) = BayesianRelaxer(seed=seed).relax([start], settings)
        end = time.process_time()
        assert bayesian.energy_per_atom is not None
        assert gradient.energy_per_atom is not None
        rows.append(
            {
                "crystal": name,
                "start": perturbation,
                "start_mev_per_atom": round(1000 * (energy - gradient.energy_per_atom), 1),
                "parameters": parameters,
                "gap_mev_per_atom": round(1000 * (bayesian.energy_per_atom - gradient.energy_per_atom), 2),
                "evaluations": [gradient.steps + 1, bayesian.steps + 1],
                "cpu_s": [round(middle - begin, 2), round(end - middle, 2)],
            }
        )
    on_progress("relax", len(cases), len(cases))
    return {"fmax_ev_per_a": FMAX, "rows": rows}


def render(result: Mapping[str, Any]) -> str:
    """Energies and costs of each start."""
    header = [
        "crystal",
        "start",
        "parameters",
        "start above gradients (meV/atom)",
        "Bayesian above gradients (meV/atom)",
        "evaluations: gradients / Bayesian",
        "CPU s: gradients / Bayesian",
    ]
    rows = [
        [
            row["crystal"],
            row["start"],
            row["parameters"],
            f"{row['start_mev_per_atom']:.0f}",
            f"{row['gap_mev_per_atom']:.1f}",
            " / ".join(map(str, row["evaluations"])),
            f"{row['cpu_s'][0]:.2f} / {row['cpu_s'][1]:.1f}",
        ]
        for row in result["rows"]
    ]
    lines = ["# Bayesian relaxation compared with gradients", "", fact_line("bayesian", result), ""]
    return "\n".join([*lines, *markdown_table(header, rows)]) + "\n"

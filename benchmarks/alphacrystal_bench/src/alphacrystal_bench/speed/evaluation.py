"""Energies, forces and stresses of our CHGNet beside chgnet's own: cost and agreement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal_bench.harness.progress import Progress
from alphacrystal_bench.speed.chgnet_baseline import GPA_PER_EV_PER_A3, ChgnetItself
from alphacrystal_bench.speed.structures import random_crystals

if TYPE_CHECKING:
    from pymatgen.core import Structure

ROUNDS = 3  # both sides in turn; the machine's load falls on both
SEED = 7
CHUNK = 10


def evaluation_speed(batches: Sequence[int], chgnet: ChgnetItself, tell: Progress) -> dict[str, Any]:
    """Processor milliseconds per crystal for random Ti4O8, by the size of the batch.

    Ours contain the graphs; theirs are of ``predict_graph`` alone, with the graphs given apart.
    """
    from alphacrystal.relax import load_potential

    potential = load_potential()
    crystals = random_crystals(max(batches), np.random.default_rng(SEED))
    potential.evaluate(crystals[:2])  # imports are no work
    chgnet.predict(crystals[:2], 2)
    table: dict[str, Any] = {}
    for done, batch in enumerate(batches):
        tell("evaluation", done, len(batches))
        spent = np.zeros(3)  # ours, their graphs, their predictions
        for _ in range(ROUNDS):
            begin = time.process_time()
            potential.evaluate(crystals[:batch])
            ours = time.process_time() - begin
            _, graphs, predictions = chgnet.predict(crystals[:batch], batch)
            spent += [ours, graphs, predictions]
        ours, graphs, predictions = 1000 * spent / (ROUNDS * batch)
        table[str(batch)] = {
            "ours_ms": round(ours, 2),
            "predict_graph_ms": round(predictions, 2),
            "their_graphs_ms": round(graphs, 2),
            "ratio": round(predictions / ours, 2),
        }
    return table


def agreement(structures: Sequence[Structure], chgnet: ChgnetItself, tell: Progress) -> dict[str, Any]:
    """Largest and mean differences from chgnet's own answers on real crystals, each shaken by 0.05 Å."""
    from alphacrystal.relax import load_potential

    potential = load_potential()
    rng = np.random.default_rng(SEED)
    known = [s for s in structures if {e.symbol for e in s.composition} <= potential.supported_elements]
    shaken = [_shaken(structure, rng) for structure in known]
    energy, force, stress = [], [], []
    refused = 0
    for begin in range(0, len(shaken), CHUNK):
        tell("agreement", begin, len(shaken))
        chunk = shaken[begin : begin + CHUNK]
        ours = potential.evaluate(chunk)
        theirs, _, _ = chgnet.predict(chunk, CHUNK)
        for i, (structure, other) in enumerate(zip(chunk, theirs, strict=True)):
            if ours.failures[i] is not None:
                refused += 1
                continue
            energy.append(abs(ours.energies[i] / len(structure) - float(other["e"])))
            force.append(float(np.abs(ours.forces[i] - other["f"]).max()))
            stress.append(float(np.abs(ours.stresses[i] * GPA_PER_EV_PER_A3 - other["s"]).max()))
    return {
        "n": len(energy),
        "refused": refused,
        **{
            name: {"largest": float(f"{max(values):.2g}"), "mean": float(f"{np.mean(values):.2g}")}
            for name, values in (
                ("energy_ev_per_atom", energy),
                ("force_ev_per_a", force),
                ("stress_gpa", stress),
            )
        },
    }


def _shaken(structure: Structure, rng: np.random.Generator) -> Structure:
    """Off its minimum, so that forces are not zero by symmetry."""
    from pymatgen.core import Structure

    moved = structure.lattice.get_cartesian_coords(structure.frac_coords)
    moved = moved + rng.normal(scale=0.05, size=moved.shape)
    return Structure(structure.lattice, structure.species, moved, coords_are_cartesian=True)

"""Energies, forces and stresses compared with chgnet: cost and agreement; processes and threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.typing import Progress
from alphacrystal_bench.speed.chgnet_baseline import GPA_PER_EV_PER_A3, ChgnetBaseline
from alphacrystal_bench.speed.structures import random_crystals

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal.relaxation import RelaxSettings

ROUNDS = 3  # both programs in turn, so that the load of the machine affects both
SEED = 7
CHUNK = 10
CORES = 2
PROCESS_STEPS = 25


def evaluation_speed(batches: Sequence[int], chgnet: ChgnetBaseline, on_progress: Progress) -> dict[str, Any]:
    """Processor milliseconds per crystal for random Ti4O8, by the size of the batch.

    Our times include the graphs; those of chgnet are times of ``predict_graph`` and of the graphs.
    """
    from alphacrystal.relaxation import load_potential

    potential = load_potential()
    crystals = random_crystals(max(batches), np.random.default_rng(SEED))
    potential.evaluate(crystals[:2])  # imports do not count
    chgnet.predict(crystals[:2], 2)
    table: dict[str, Any] = {}
    for done, batch in enumerate(batches):
        on_progress("evaluation", done, len(batches))
        seconds = np.zeros(3)  # ours, graphs of chgnet, predictions of chgnet
        for _ in range(ROUNDS):
            begin = time.process_time()
            potential.evaluate(crystals[:batch])
            ours = time.process_time() - begin
            _, graphs, predictions = chgnet.predict(crystals[:batch], batch)
            seconds += [ours, graphs, predictions]
        ours, graphs, predictions = 1000 * seconds / (ROUNDS * batch)
        table[str(batch)] = {
            "ours_ms": round(ours, 2),
            "predict_graph_ms": round(predictions, 2),
            "graphs_ms": round(graphs, 2),
            "ratio": round(predictions / ours, 2),
        }
    return table


def agreement(
    structures: Sequence[Structure], chgnet: ChgnetBaseline, on_progress: Progress
) -> dict[str, Any]:
    """Largest and mean differences from chgnet for real crystals with random displacements of 0.05 Å."""
    from alphacrystal.relaxation import load_potential

    potential = load_potential()
    rng = np.random.default_rng(SEED)
    known = [s for s in structures if {e.symbol for e in s.composition} <= potential.supported_elements]
    displaced = [_displaced(structure, rng) for structure in known]
    energy, force, stress = [], [], []
    refused = 0
    for begin in range(0, len(displaced), CHUNK):
        on_progress("agreement", begin, len(displaced))
        chunk = displaced[begin : begin + CHUNK]
        ours = potential.evaluate(chunk)
        predictions, _, _ = chgnet.predict(chunk, CHUNK)
        for i, (structure, other) in enumerate(zip(chunk, predictions, strict=True)):
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


def _displaced(structure: Structure, rng: np.random.Generator) -> Structure:
    """Random displacements, so that forces are not zero by symmetry."""
    from pymatgen.core import Structure

    moved = structure.lattice.get_cartesian_coords(structure.frac_coords)
    moved = moved + rng.normal(scale=0.05, size=moved.shape)
    return Structure(structure.lattice, structure.species, moved, coords_are_cartesian=True)


def process_speed(
    structures: Sequence[Structure],
    on_progress: Progress,
    *,
    steps: int = PROCESS_STEPS,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Wall seconds of the same relaxations with processes and threads, without the time of loading.

    The fastest of several rounds counts, because other work on the machine only slows a round.
    """
    import torch

    from alphacrystal.relaxation import RelaxPool, RelaxSettings, load_potential, relax

    settings = RelaxSettings(fmax=1e-6, max_steps=steps, time_limit_s=None)  # all crystals take all steps
    potential = load_potential()

    def with_threads(threads: int) -> Callable[[Sequence[Structure], RelaxSettings], object]:
        def run(items: Sequence[Structure], limits: RelaxSettings) -> object:
            torch.set_num_threads(threads)
            return relax(items, potential, limits)

        return run

    threads = torch.get_num_threads()
    fastest: dict[str, float] = {}
    try:
        with RelaxPool(workers=CORES) as pool:
            variants = {
                "one_process_one_thread": with_threads(1),
                "one_process_two_threads": with_threads(CORES),
                "two_processes_one_thread_each": pool.relax,
            }
            for turn in range(rounds + 1):  # the first loads the potential
                on_progress("processes", turn, rounds + 1)
                for name, run in variants.items():
                    begin = time.perf_counter()
                    run(structures, settings)
                    if turn:
                        seconds = time.perf_counter() - begin
                        fastest[name] = round(min(seconds, fastest.get(name, seconds)), 2)
    finally:
        torch.set_num_threads(threads)
    return {"n": len(structures), "steps": steps, "wall_s": fastest}

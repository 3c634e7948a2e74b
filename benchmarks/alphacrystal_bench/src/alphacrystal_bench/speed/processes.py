"""Two cores: two processes with one thread each, or one process with two threads?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from alphacrystal_bench.harness.progress import Progress
from alphacrystal.relax import RelaxSettings

ROUNDS = 3  # of each way in turn; the fastest counts, for a busy machine only slows
CORES = 2
STEPS = 25


def process_speed(
    structures: Sequence[Structure], tell: Progress, *, steps: int = STEPS, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Wall seconds of the same loose relaxations in each way, without loading the potential."""
    import torch

    from alphacrystal.relax import RelaxPool, RelaxSettings, load_potential, relax

    settings = RelaxSettings(fmax=1e-6, max_steps=steps, time_limit_s=None)  # all take all steps
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
            ways = {
                "one process, one thread": with_threads(1),
                f"one process, {CORES} threads": with_threads(CORES),
                f"{CORES} processes, one thread each": pool.relax,
            }
            for turn in range(rounds + 1):  # the first is for loading
                tell("processes", turn, rounds + 1)
                for name, run in ways.items():
                    begin = time.perf_counter()
                    run(structures, settings)
                    if turn:
                        spent = time.perf_counter() - begin
                        fastest[name] = round(min(spent, fastest.get(name, spent)), 2)
    finally:
        torch.set_num_threads(threads)
    return {"n": len(structures), "steps": steps, "wall_s": fastest}

"""The process that runs CrySPY with CHGNet in the current folder: ``python -m`` with its two limits.

CrySPY's interactive interface relaxes the structures in this process, one after the other, so that the
potential is loaded once. After each structure a line of TIMES_FILE states the processor time so far. A
relaxation that is cut off by the limit has a line without a structure.
"""

from __future__ import annotations

import json
import math
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

TIMES_FILE = "times.jsonl"
FINISHED_FOLDER = Path("work/fin")  # CrySPY moves the folder of each relaxed structure here
OPTIMIZER = "FIRE"
MAX_FORCE = 0.05  # eV/Å
MAX_STEPS = 500


def run(relaxations: int, seconds: float) -> None:
    """Start or continue CrySPY until a number of relaxations or a processor time in s is reached."""
    import torch
    from cryspy.interactive.action import initialize, restart

    torch.set_num_threads(1)
    times = Path(TIMES_FILE)
    lines = times.read_text(encoding="utf-8").splitlines() if times.is_file() else []
    before = float(json.loads(lines[-1])["processor_seconds"]) if lines else 0.0
    calculator = _calculator(seconds - before)
    Path("lock_cryspy").unlink(missing_ok=True)  # of a killed process
    if not Path("cryspy.stat").is_file():
        initialize()
    finished = _finished()
    while len(finished) < relaxations and before + time.process_time() < seconds:
        # Each call relaxes the next structure; between two generations it selects and creates instead.
        with suppress(_LimitReached):
            restart(1, calculator, OPTIMIZER, symmetry=True, fmax=MAX_FORCE, steps=MAX_STEPS)
        spent = before + time.process_time()
        new = _finished() - finished
        finished |= new
        with times.open("a", encoding="utf-8") as stream:
            for number in [*sorted(new), *([None] if spent >= seconds else [])]:
                stream.write(json.dumps({"structure": number, "processor_seconds": round(spent, 2)}) + "\n")


def _finished() -> set[int]:
    return {int(path.name) for path in FINISHED_FOLDER.iterdir()} if FINISHED_FOLDER.is_dir() else set()


class _LimitReached(BaseException):
    """Ends a relaxation; CrySPY does not catch it."""


def _calculator(seconds: float) -> Any:
    """CHGNet's calculator, with which a structure that it refuses has no energy and no forces.

    It ends the relaxation when the process has used so many seconds of processor time.
    """
    from chgnet.model.dynamics import CHGNetCalculator

    class Calculator(CHGNetCalculator):
        def calculate(self, atoms: Any = None, *arguments: Any, **options: Any) -> None:
            if time.process_time() >= seconds:
                raise _LimitReached
            try:
                super().calculate(atoms, *arguments, **options)
            except (ValueError, RuntimeError):
                self.results = {
                    "energy": math.nan,
                    "forces": np.zeros((len(atoms), 3)),
                    "stress": np.zeros(6),
                }

    return Calculator(use_device="cpu", on_isolated_atoms="ignore")


if __name__ == "__main__":
    run(int(sys.argv[1]), float(sys.argv[2]))

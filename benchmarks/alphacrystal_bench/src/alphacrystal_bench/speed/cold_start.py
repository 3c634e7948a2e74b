"""Wall and processor seconds of whole commands in new processes, and of `relax` against chgnet's loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.typing import CountProgress, Progress

if TYPE_CHECKING:
    from pymatgen.core import Structure


#: Whole commands that are timed, by name.
COMMANDS = {
    "predict Zr4Al3": ("predict", "Zr4Al3", "--seed", "1"),
    "predict NaCl --no-relax --candidates 4": ("predict", "NaCl", "--no-relax", "--candidates", "4"),
}
ROUNDS = 3  # of each command; the fastest counts, for other work on the machine only slows

#: Shaken crystals: copies of each, standard deviation of the moves (Å), and limits of the relaxations.
COPIES = 3
SHAKE = 0.1
FMAX = 0.1  # eV/Å
STEPS = 500

_CLI = "from alphacrystal.cli import main; main()"
_CHGNET = (
    "from alphacrystal_bench.speed.cold_start import relax_with_chgnet as run; run(__import__('sys').argv[1])"
)


@dataclass(frozen=True, slots=True)
class CommandCost:
    """The cost of a whole process, its children included.

    Attributes:
        wall_s: Wall seconds.
        cpu_s: Processor seconds of user and system.
    """

    wall_s: float
    cpu_s: float


def benchmark_cold_start(tell: Progress, *, rounds: int = ROUNDS, relax: bool = True) -> dict[str, Any]:
    """Time the commands, each in new processes, in turn.

    Args:
        tell: Called with ("cold start", done, total).
        rounds: Times that each command runs.
        relax: Whether `relax` runs against chgnet's loop, too (a minute).
    """
    total = rounds * len(COMMANDS) + 2 * relax
    costs: dict[str, list[CommandCost]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            for place, (name, words) in enumerate(COMMANDS.items()):
                tell("cold start", turn * len(COMMANDS) + place, total)
                costs[name].append(run_command(_CLI, [*words, "--out", f"{folder}/{turn}-{place}"]))
        fastest = {name: asdict(min(runs, key=lambda run: run.wall_s)) for name, runs in costs.items()}
        result: dict[str, Any] = {"rounds": rounds, "commands": fastest}
        if relax:
            result["relax"] = _relax_speed(
                Path(folder), lambda done: tell("cold start", total - 2 + done, total)
            )
    return result


def render(result: dict[str, Any]) -> str:
    """The result as Markdown: a table, and the processor that it was measured on."""
    machine = result["machine"]
    rows = [(f"`{name}`", cost) for name, cost in result["commands"].items()]
    lines = []
    if "relax" in result:
        part = result["relax"]
        rows.append((f"`relax`, {part['n']} shaken crystals, no symmetry", part["alphacrystal"]))
        rows.append(("the same by chgnet's loop", part["chgnet"]))
        loop, ratio = part["chgnet_loop_cpu_s"], part["ratio"]
        lines = ["", f"The loop without imports: {loop} s of processor time, {ratio} times those of `relax`."]
    table = [f"| {name} | {cost['wall_s']:.1f} | {cost['cpu_s']:.1f} |" for name, cost in rows]
    head = ["| command | wall s | processor s |", "|---|---|---|"]
    about = f"{machine['cpu']}, {machine['usable_cores']} cores, commit {result['commit']}, {result['time']}"
    return "\n".join([about, "", *head, *table, *lines])


def run_command(program: str, arguments: Sequence[str]) -> CommandCost:
    """Run a Python program in a new process.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [program, *arguments])
    return CommandCost(round(wall, 2), round(usage.ru_utime + usage.ru_stime, 2))


def shaken_crystals(seed: int = 0) -> list[Structure]:
    """24 crystals of 6 to 12 atoms, three of each of eight structures, all atoms moved at random."""
    from pymatgen.core import Lattice, Structure

    crystals = [
        Structure.from_spacegroup(
            "P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
        ),
        Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.46), ["Ca", "F"], [[0, 0, 0], [0.25, 0.25, 0.25]]),
        Structure.from_spacegroup(
            "P3_221", Lattice.hexagonal(4.91, 5.40), ["Si", "O"], [[0.47, 0, 2 / 3], [0.413, 0.267, 0.786]]
        ),
        Structure.from_spacegroup(
            "R-3c", Lattice.hexagonal(4.76, 12.99), ["Al", "O"], [[0, 0, 0.352], [0.306, 0, 0.25]]
        ).get_primitive_structure(),
        Structure.from_spacegroup(
            "Pm-3m", Lattice.cubic(4.01), ["Ba", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]
        )
        * (2, 1, 1),
        Structure.from_spacegroup("F-43m", Lattice.cubic(5.43), ["Zn", "S"], [[0, 0, 0], [0.25] * 3]),
        Structure.from_spacegroup(
            "P6_3/mmc", Lattice.hexagonal(4.23, 5.2), ["Ni", "As"], [[0, 0, 0], [1 / 3, 2 / 3, 0.25]]
        )
        * (2, 1, 1),
    ]
    rng = np.random.default_rng(seed)
    shaken = []
    for crystal in crystals * COPIES:
        moves = rng.normal(scale=SHAKE, size=(len(crystal), 3))
        positions = crystal.cart_coords + moves
        shaken.append(Structure(crystal.lattice, crystal.species, positions, coords_are_cartesian=True))
    return shaken


def relax_with_chgnet(folder: str) -> None:
    """The loop of chgnet over the crystals of a folder; writes its processor seconds to ``chgnet.json``."""
    from pymatgen.core import Structure

    from alphacrystal_bench.speed.chgnet_baseline import ChgnetBaseline

    crystals = [Structure.from_file(path) for path in sorted(Path(folder).glob("*.cif"))]
    chgnet = ChgnetBaseline()
    ends = [chgnet.relax_with_fire(crystal, FMAX, STEPS) for crystal in crystals]
    cost = {"cpu_s": sum(end.cpu_s for end in ends), "converged": sum(end.converged for end in ends)}
    Path(folder, "chgnet.json").write_text(json.dumps(cost))


def _relax_speed(folder: Path, tell: CountProgress) -> dict[str, Any]:
    """Processor seconds of `alphacrystal relax` on shaken crystals without symmetry, and of chgnet's loop."""
    starts = folder / "starts"
    starts.mkdir()
    crystals = shaken_crystals()
    for number, crystal in enumerate(crystals):
        crystal.to(str(starts / f"{number:02d}.cif"))
    files = [str(path) for path in sorted(starts.glob("*.cif"))]
    tell(0)
    limits = ["--no-symmetry", "--fmax", str(FMAX), "--steps", str(STEPS)]
    here = run_command(_CLI, ["relax", *files, *limits, "--out", str(folder / "relaxed")])
    tell(1)
    chgnet = run_command(_CHGNET, [str(starts)])
    loop = json.loads((starts / "chgnet.json").read_text())
    return {
        "n": len(crystals),
        "alphacrystal": asdict(here),
        "chgnet": asdict(chgnet),
        "chgnet_loop_cpu_s": round(loop["cpu_s"], 2),
        "ratio": round(loop["cpu_s"] / here.cpu_s, 2),
    }

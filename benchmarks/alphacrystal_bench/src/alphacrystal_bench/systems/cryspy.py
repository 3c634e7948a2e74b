"""Searches by CrySPY: its input, its process, and its results as a hull.

CrySPY (https://tomoki-yamashita.github.io/CrySPY_doc, MIT licence) runs its evolutionary algorithm of
variable composition with the settings of its tutorial: 20 structures in each generation, made by crossover,
permutation, strain, addition, elimination, substitution and at random.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.exploration import ChemicalSystem, Hull, Phase
from alphacrystal.ranking import has_unknown_neighbours
from alphacrystal.relaxation import elemental_references
from alphacrystal_bench.systems.comparison import POTENTIAL, Explored
from alphacrystal_bench.systems.cryspy_process import FINISHED_FOLDER, TIMES_FILE

if TYPE_CHECKING:
    from pymatgen.core import Structure

PACKAGES = ("cryspy", "ipywidgets")  # the interactive interface shows its progress with the second
MAX_ATOMS = 12  # of each element in a cell, so that binary cells have as many atoms as those of the tutorial
LOG_FILE = "process.log"
WALL_PER_PROCESSOR_SECOND = 20  # on a shared processor
_ROW = re.compile(
    r"(?P<number>\d+)\s+(?P<generation>\d+)\s.*\s(?P<energy>\S+)\s+\S+\s+\([\d, ]+\)\s+\S+\s+(?P<state>\S+)"
)
_STEP = re.compile(r"^\w+:\s+(\d+)\s", re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class RelaxedStructure:
    """A relaxed structure of CrySPY.

    Attributes:
        number: CrySPY's identifier, in the order of creation.
        generation: From 1.
        energy_per_atom_ev: eV/atom.
        converged: Whether the relaxation converged.
        structure: The structure.
        seconds: Processor time of the process in s at the end of the relaxation.
    """

    number: int
    generation: int
    energy_per_atom_ev: float
    converged: bool
    structure: Structure
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class CryspySearch:
    """The result of a run of CrySPY.

    Attributes:
        relaxations: Number of relaxations, failed ones included.
        steps: Steps of all relaxations.
        processor_seconds: Of the process.
        stopped: "relaxations", "processor time", or the last line of the log of a process that failed.
        structures: Structures with an energy, in the order of their relaxation.
    """

    relaxations: int
    steps: int
    processor_seconds: float
    stopped: str
    structures: tuple[RelaxedStructure, ...]


def require_cryspy() -> None:
    """Check that the packages of the comparison are installed.

    Raises:
        InputError: One is not.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{' and '.join(missing)} cannot be imported: pip install 'alphacrystal-bench[cryspy]'."
        )


def input_text(system: ChemicalSystem, references: Mapping[str, float], seed: int) -> str:
    """CrySPY's input file of a system; ``references`` are the energies of the elements in eV/atom."""
    count = len(system.elements)
    return f"""\
[basic]
algo = EA-vc
calc_code = ASE
nstage = 1
njob = 1
jobcmd = sh
jobfile = job_cryspy

[structure]
atype = {" ".join(system.elements)}
ll_nat = {" ".join(["0"] * count)}
ul_nat = {" ".join([str(MAX_ATOMS)] * count)}

[ASE]
ase_python = ase_in.py

[EA]
n_pop = 20
n_crsov = 5
n_perm = 2
n_strain = 2
n_rand = 2
n_add = 3
n_elim = 3
n_subs = 3
n_elite = 2
n_fittest = 10
slct_func = TNM
t_size = 2
ref_energies = {" ".join(f"{references[symbol]:.6f}" for symbol in system.elements)}
maxgen_ea = 0

[option]
seed = {seed}
backup_interval = 0
energy_output_interval = 0
"""


def search(
    system: ChemicalSystem, folder: Path, *, relaxations: int, seconds: float, seed: int
) -> CryspySearch:
    """Run CrySPY in a folder, or continue it there.

    Args:
        system: The chemical system.
        folder: Folder of the run, created if necessary.
        relaxations: Number of relaxations after which it ends.
        seconds: Processor time in s after which it ends.
        seed: Of its random numbers.

    Raises:
        AlphaCrystalError: It ended without a relaxed structure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = input_text(system, _references(), seed)
    folder.joinpath("cryspy.in").write_text(text, encoding="utf-8")
    module = "alphacrystal_bench.systems.cryspy_process"
    command = [sys.executable, "-m", module, str(relaxations), str(seconds)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    with folder.joinpath(LOG_FILE).open("a", encoding="utf-8") as log:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=WALL_PER_PROCESSOR_SECOND * seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = 0  # the processor was busy; the structures so far are those of the result
    found = read_search(folder, relaxations)
    if not found.structures:
        raise AlphaCrystalError(f"CrySPY has no relaxed structure: see {folder / LOG_FILE}.")
    if code == 0:
        return found
    return replace(found, stopped=f"error: {_lines(folder / LOG_FILE)[-1].strip()}")


def read_search(folder: Path, relaxations: int) -> CryspySearch:
    """Read the files of a run of CrySPY.

    Args:
        folder: Folder of the run.
        relaxations: Number of relaxations after which it had to end.

    Raises:
        AlphaCrystalError: A file has an unknown form.
    """
    lines = _lines(folder / TIMES_FILE)
    ends = {row["structure"]: row["processor_seconds"] for row in map(json.loads, lines)}
    times = {number: seconds for number, seconds in ends.items() if number is not None}
    crystals = _structures(folder / "data" / "opt_POSCARS")
    found = []
    for line in _lines(folder / "data" / "cryspy_rslt")[1:]:
        row = _ROW.fullmatch(line.strip())
        if row is None:
            raise AlphaCrystalError(f"A line of CrySPY's results has an unknown form: {line.strip()!r}.")
        number = int(row["number"])
        if number in crystals and number in times:
            found.append(
                RelaxedStructure(
                    number,
                    int(row["generation"]),
                    float(row["energy"]),
                    row["state"] == "done",
                    crystals[number],
                    times[number],
                )
            )
    return CryspySearch(
        relaxations=len(times),
        steps=sum(_steps(folder / FINISHED_FOLDER / str(number) / "log.out") for number in times),
        processor_seconds=max(ends.values(), default=0.0),
        stopped="relaxations" if len(times) >= relaxations else "processor time",
        structures=tuple(sorted(found, key=lambda item: item.seconds)),
    )


def explored_structures(system: ChemicalSystem, structures: Sequence[RelaxedStructure]) -> Explored:
    """The hull of relaxed structures, with the shipped energies of the elements.

    As for predictions, structures that are not converged count only where their formula has no converged one,
    and those with neighbours that known crystals do not have are not on the hull. Elements are left out.
    """
    converged = {item.structure.composition.reduced_formula for item in structures if item.converged}
    energies = _references()
    phases = [Phase({symbol: 1}, energies[symbol], "reference") for symbol in system.elements]
    crystals: dict[int, Structure] = {}
    seconds: dict[int, float] = {}
    for item in structures:
        composition = item.structure.composition
        is_element = len(composition) == 1
        if is_element or (not item.converged and composition.reduced_formula in converged):
            continue
        index = len(phases)
        crystals[index], seconds[index] = item.structure, item.seconds
        phases.append(
            Phase(
                _reduced(system, item.structure),
                item.energy_per_atom_ev,
                "predicted",
                n_atoms=len(item.structure),
                converged=item.converged,
                flags="unknown" if has_unknown_neighbours(item.structure) else "",
            )
        )
    return Explored(Hull(system, tuple(phases)), crystals, seconds)


def _reduced(system: ChemicalSystem, structure: Structure) -> dict[str, int]:
    amounts, _ = structure.composition.get_reduced_composition_and_factor()
    return {symbol: round(amounts[symbol]) for symbol in system.elements if amounts[symbol]}


def _references() -> Mapping[str, float]:
    references = elemental_references(POTENTIAL)
    if references is None:
        raise AlphaCrystalError(f"There are no energies of the elements with {POTENTIAL}.")
    return references


def _lines(file: Path) -> list[str]:
    """Lines with text; none if there is no file."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return [line for line in text.splitlines() if line.strip()]


def _structures(file: Path) -> dict[int, Structure]:
    """Structures by number, from POSCAR texts one after the other with the titles ID_0, ID_1 and so on."""
    from pymatgen.io.vasp.inputs import Poscar

    texts: dict[int, list[str]] = {}
    for line in _lines(file):
        if line.startswith("ID_"):
            texts[int(line.removeprefix("ID_"))] = current = []
        current.append(line)
    return {number: Poscar.from_str("\n".join(text)).structure for number, text in texts.items()}


def _steps(log: Path) -> int:
    """Steps of a relaxation, from the lines of ASE's optimizer."""
    steps: list[Any] = _STEP.findall(log.read_text(encoding="utf-8")) if log.is_file() else []
    return int(steps[-1]) if steps else 0

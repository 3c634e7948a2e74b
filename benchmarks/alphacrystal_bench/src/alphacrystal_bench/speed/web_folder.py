"""Series of pressures and explorations of chemical systems in the folder of a server, for its benchmark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure

from alphacrystal.exploration import (
    Exploration,
    ExploreLog,
    Hull,
    Phase,
    enumerate_compositions,
    parse_system,
    write_results,
)
from alphacrystal.ranking import PhaseEnthalpies, lowest_phases
from alphacrystal.report import PressurePhase, cif_text, pressure_folder, write_pressure_series

SYSTEM = "Li-P-S"
PRESSURES = (0.0, 10.0, 20.0)
#: Name of the CIF file of an exploration that the benchmark requests.
PHASE_FILE = "Li3P_sg225_quick001.cif"


def write_series(folder: Path, template: Path) -> None:
    """A series of pressures whose lists are copies of a run.

    Args:
        folder: Of the series, new.
        template: A run folder.
    """
    for pressure in PRESSURES:
        run = pressure_folder(folder, pressure)
        run.mkdir(parents=True)
        shutil.copy(template / "summary.csv", run)
        facts = json.loads((template / "run.json").read_text(encoding="utf-8"))
        (run / "run.json").write_text(json.dumps(facts | {"pressure_gpa": pressure}), encoding="utf-8")
    cell = Structure.from_spacegroup(225, Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    structures = (cell.get_primitive_structure(),) * len(PRESSURES)
    points = np.array(PRESSURES)
    phases = []
    for number, slope, start in ((225, 0.14, -3.6), (221, 0.12, -3.4)):
        enthalpies = PhaseEnthalpies(points, start + slope * points, slope * 160.22 - 0.02 * points)
        phases.append(PressurePhase("NaCl", number, "Fm-3m", structures, enthalpies))
    ranges = lowest_phases([phase.enthalpies for phase in phases], PRESSURES[0], PRESSURES[-1])
    write_pressure_series(folder, "NaCl", list(PRESSURES), phases, ranges)


def write_exploration(folder: Path, template: Path) -> None:
    """An exploration of a ternary system with a phase at each of its compositions, and one run folder.

    Args:
        folder: Of the exploration, new.
        template: A run folder, for the run of one phase.
    """
    system = parse_system(SYSTEM)
    compositions = enumerate_compositions(system, 20)
    run = "runs/quick/Li3P"
    shutil.copytree(template, folder / run)
    crystal = Structure.from_spacegroup(225, Lattice.cubic(5.6), ["Li", "P"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    (folder / run / "structures" / "001_Li3P.cif").write_text(cif_text(crystal, 225), encoding="utf-8")
    phases = [Phase({symbol: 1}, -2.0, "reference") for symbol in system.elements]
    phases += _phases(compositions.formulas, run)
    log = ExploreLog(
        elements=list(system.elements), pressures=[0.0], settings={}, models={}, version="benchmark"
    )
    log.stopped = "the budget of 8 formulas is spent"
    log.write(folder)
    write_results(
        Exploration(
            system,
            {0.0: Hull(system, tuple(phases), 0.0)},
            compositions,
            predicted=len(phases),
            rounds=1,
            stopped=log.stopped,
            failures={},
            folder=folder,
            potential="chgnet",
        )
    )


def _phases(formulas: tuple[str, ...], run: str) -> Iterator[Phase]:
    from alphacrystal.composition import parse_formula

    for number, formula in enumerate(formulas):
        counts = dict(parse_formula(formula).counts)
        if len(counts) < 2:
            continue
        found = formula == "Li3P"
        energy = -2.0 - (0.5 if found else 1e-4 * number)
        yield Phase(
            counts,
            energy,
            "predicted",
            225,
            "Fm-3m",
            folder=run if found else "",
            file="structures/001_Li3P.cif" if found else "",
        )

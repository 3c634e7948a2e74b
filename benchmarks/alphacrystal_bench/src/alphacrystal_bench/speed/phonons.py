"""Time of the phonons of crystals with eight atoms in the primitive cell.

Cells and coordinates rounded from R. W. G. Wyckoff, Crystal Structures (Interscience 1963-1971).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alphacrystal.relaxation import harmonic_crystal, load_potential, phonons_of, relax
from alphacrystal.runtime.torch_setup import one_torch_thread
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

if TYPE_CHECKING:
    from pymatgen.core import Structure

GOAL = 20.0  # s
#: Name, space group, cell in Å, sites.
CRYSTALS: tuple[tuple[str, int, tuple[float, float, float], list[tuple[str, float, float, float]]], ...] = (
    (
        "ZnGeP2, chalcopyrite",
        122,
        (5.46, 5.46, 10.76),
        [("Zn", 0, 0, 0), ("Ge", 0, 0, 0.5), ("P", 0.267, 0.25, 0.125)],
    ),
    ("SnS", 62, (11.18, 3.98, 4.33), [("Sn", 0.119, 0.25, 0.118), ("S", 0.856, 0.25, 0.479)]),
)


def benchmark_phonons(on_progress: Progress, *, limit: int | None = None) -> dict[str, Any]:
    """Wall and processor seconds of the phonons of relaxed crystals with one torch thread.

    Args:
        on_progress: Called with (stage, done, total).
        limit: Number of crystals, in the order of the table; all of them if None.
    """
    chosen = CRYSTALS[:limit]
    potential = load_potential()
    rows: list[dict[str, Any]] = []
    for done, (name, group, cell, sites) in enumerate(chosen):
        on_progress("phonons", done, len(chosen))
        (end,) = relax([_primitive(group, cell, sites)], potential)
        with one_torch_thread():
            if not rows:  # imports do not count
                phonons_of(harmonic_crystal(end.structure, potential))
            wall, processor = time.perf_counter(), time.process_time()
            result = phonons_of(harmonic_crystal(end.structure, potential))
        rows.append(
            {
                "name": name,
                "atoms": len(end.structure),
                "displacements": result.displacements,
                "supercell_atoms": result.atoms,
                "wall_s": round(time.perf_counter() - wall, 2),
                "cpu_s": round(time.process_time() - processor, 2),
                "lowest_frequency_thz": result.lowest_frequency_thz,
            }
        )
    on_progress("phonons", len(chosen), len(chosen))
    return {
        "n": len(rows),
        "goal_s": GOAL,
        "largest_wall_s": max(row["wall_s"] for row in rows),
        "rows": rows,
    }


def _primitive(
    group: int, cell: tuple[float, float, float], sites: list[tuple[str, float, float, float]]
) -> Structure:
    from pymatgen.core import Lattice, Structure

    species, coordinates = [site[0] for site in sites], [site[1:] for site in sites]
    crystal = Structure.from_spacegroup(group, Lattice.orthorhombic(*cell), species, coordinates)
    return crystal.get_primitive_structure()


def render(result: Mapping[str, Any]) -> str:
    """Times of each crystal."""
    header = ["", "atoms", "displacements", "atoms of the supercell", "wall s", "processor s"]
    rows = [
        [
            row["name"],
            str(row["atoms"]),
            str(row["displacements"]),
            str(row["supercell_atoms"]),
            f"{row['wall_s']:.1f}",
            f"{row['cpu_s']:.1f}",
        ]
        for row in result["rows"]
    ]
    explanation = (
        "Forces of all displaced supercells, frequencies and free energy with CHGNet, for primitive cells of "
        f"eight atoms. Goal: at most {result['goal_s']:.0f} s."
    )
    lines = [
        "# Time of phonons",
        "",
        fact_line("phonons", result, details=", one process with one thread"),
        "",
        explanation,
        "",
        *markdown_table(header, rows),
    ]
    return "\n".join(lines) + "\n"

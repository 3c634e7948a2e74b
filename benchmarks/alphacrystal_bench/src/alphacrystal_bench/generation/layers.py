"""Layered compounds with and without dispersion: their axes, and the energies that separate their layers.

Cells and coordinates rounded from R. W. G. Wyckoff, Crystal Structures (Interscience 1963-1971).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alphacrystal.crystal import cut_layers, describe_layer
from alphacrystal.relaxation import Potential, Relaxation, RelaxSettings, load_potential, relax
from alphacrystal.typing import Progress
from alphacrystal_bench.generation.textbook_structures import Site, TextbookCompound
from alphacrystal_bench.harness.pages import fact_line, markdown_table, number, page_text

POTENTIALS = ("chgnet", "chgnet+d3")
FMAX, STEPS = 5e-4, 500  # eV/Å; layers are soft, so a usual limit ends before the minimum
VACUUM = 20.0  # Å
_T = 1 / 3


def _molybdenite(formula: str, a: float, c: float, z: float, metal: str, other: str) -> TextbookCompound:
    sites: list[Site] = [(metal, _T, 2 * _T, 0.25), (other, _T, 2 * _T, z)]
    return TextbookCompound(formula, "2H", "P6_3/mmc", (a, c), sites)


def _cadmium_iodide(formula: str, a: float, c: float, z: float, metal: str, other: str) -> TextbookCompound:
    sites: list[Site] = [(metal, 0, 0, 0), (other, _T, 2 * _T, z)]
    return TextbookCompound(formula, "CdI2 type", "P-3m1", (a, c), sites)


def _tetradymite(
    formula: str, a: float, c: float, metal: tuple[str, float], other: tuple[str, float]
) -> TextbookCompound:
    sites: list[Site] = [(metal[0], 0, 0, metal[1]), (other[0], 0, 0, 0), (other[0], 0, 0, other[1])]
    return TextbookCompound(formula, "tetradymite type", "R-3m", (a, c), sites)


def _litharge(formula: str, a: float, c: float, z: float, metal: str) -> TextbookCompound:
    return TextbookCompound(formula, "litharge", "P4/nmm", (a, c), [(metal, 0, 0.5, z), ("O", 0, 0, 0)])


LAYERED = (
    TextbookCompound(
        "C", "graphite", "P6_3/mmc", (2.464, 6.711), [("C", 0, 0, 0.25), ("C", _T, 2 * _T, 0.25)]
    ),
    TextbookCompound(
        "BN", "hexagonal", "P6_3/mmc", (2.504, 6.661), [("B", _T, 2 * _T, 0.25), ("N", 2 * _T, _T, 0.25)]
    ),
    _molybdenite("MoS2", 3.160, 12.295, 0.621, "Mo", "S"),
    _molybdenite("MoSe2", 3.289, 12.927, 0.621, "Mo", "Se"),
    _molybdenite("MoTe2", 3.519, 13.964, 0.621, "Mo", "Te"),
    _molybdenite("WS2", 3.153, 12.323, 0.622, "W", "S"),
    _molybdenite("WSe2", 3.282, 12.961, 0.621, "W", "Se"),
    _cadmium_iodide("TiS2", 3.407, 5.695, 0.25, "Ti", "S"),
    _cadmium_iodide("TiSe2", 3.540, 6.008, 0.255, "Ti", "Se"),
    _cadmium_iodide("ZrS2", 3.662, 5.813, 0.25, "Zr", "S"),
    _cadmium_iodide("HfS2", 3.635, 5.837, 0.25, "Hf", "S"),
    _cadmium_iodide("SnS2", 3.648, 5.899, 0.25, "Sn", "S"),
    _cadmium_iodide("CdI2", 4.240, 6.840, 0.25, "Cd", "I"),
    _cadmium_iodide("PbI2", 4.557, 6.979, 0.265, "Pb", "I"),
    _cadmium_iodide("MgBr2", 3.810, 6.260, 0.25, "Mg", "Br"),
    _tetradymite("Bi2Te3", 4.386, 30.497, ("Bi", 0.400), ("Te", 0.2095)),
    _tetradymite("Bi2Se3", 4.143, 28.636, ("Bi", 0.399), ("Se", 0.206)),
    _tetradymite("Sb2Te3", 4.264, 30.458, ("Sb", 0.399), ("Te", 0.2128)),
    _litharge("SnO", 3.802, 4.836, 0.238, "Sn"),
    _litharge("PbO", 3.976, 5.023, 0.2345, "Pb"),
)


def benchmark_layers(on_progress: Progress, *, limit: int | None = None) -> dict[str, Any]:
    """Relax the experimental structures, compare their axes, and separate their layers.

    Args:
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, in the order of the table; all of them if None.
    """
    compounds = LAYERED[:limit]
    structures = [compound.structure() for compound in compounds]
    rows: list[dict[str, Any]] = [
        {"formula": compound.formula, "name": compound.name, "a": compound.cell[0], "c": compound.cell[1]}
        for compound in compounds
    ]
    for done, name in enumerate(POTENTIALS):
        on_progress("relax", done, len(POTENTIALS))
        potential = load_potential(name)
        ends = relax(structures, potential, RelaxSettings(fmax=FMAX, max_steps=STEPS))
        energies = separation_energies(ends, potential)
        for row, end, energy in zip(rows, ends, energies, strict=True):
            lattice = end.structure.lattice
            row[name] = {
                "a_percent": round(100 * (lattice.a / row["a"] - 1), 2),
                "c_percent": round(100 * (lattice.c / row["c"] - 1), 2),
                "converged": end.converged,
                "separation_mev_per_a2": None if energy is None else round(energy, 2),
            }
    on_progress("relax", len(POTENTIALS), len(POTENTIALS))
    return {"n": len(rows), "mean": {name: _means(rows, name) for name in POTENTIALS}, "rows": rows}


def separation_energies(bulk: Sequence[Relaxation], potential: Potential) -> list[float | None]:
    """Energies of relaxed layers above their relaxed crystals in meV/Å².

    None for crystals whose bonding graph has no layers, or several different ones.
    """
    cut = [cut_layers(end.structure, VACUUM) for end in bulk]
    single = [index for index, slabs in enumerate(cut) if len(slabs) == 1]
    settings = RelaxSettings(fmax=FMAX, max_steps=STEPS, in_plane=True)
    energies: list[float | None] = [None] * len(bulk)
    for index, end in zip(
        single, relax([cut[index][0] for index in single], potential, settings), strict=True
    ):
        crystal = bulk[index].energy_per_atom
        if end.energy_per_atom is not None and crystal is not None:
            difference = (end.energy_per_atom - crystal) * len(end.structure)
            energies[index] = 1000 * difference / describe_layer(end.structure).area
    return energies


def _means(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    return {
        axis: round(float(np.mean([abs(row[name][f"{axis}_percent"]) for row in rows])), 2) for axis in "ac"
    }


def render(result: Mapping[str, Any]) -> str:
    """Errors of both axes of each compound, their means, and energies of separation."""
    header = ["", "a, Å", "c, Å", *(f"{axis}, {name}" for name in POTENTIALS for axis in "ac")]
    header += [f"separation, {name}, meV/Å²" for name in POTENTIALS]
    rows = [
        [
            f"{row['formula']}, {row['name']}",
            f"{row['a']:.3f}",
            f"{row['c']:.3f}",
            *(f"{row[name][f'{axis}_percent']:+.1f} %" for name in POTENTIALS for axis in "ac"),
            *(number(row[name].get("separation_mev_per_a2"), 1) for name in POTENTIALS),
        ]
        for row in result["rows"]
    ]
    means = [
        "mean absolute error",
        "",
        "",
        *(f"{result['mean'][name][axis]:.1f} %" for name in POTENTIALS for axis in "ac"),
        *("" for _ in POTENTIALS),
    ]
    lines = [
        f"# Axes and layers of {result['n']} layered compounds",
        "",
        fact_line("layers", result, details=f", relaxed to {FMAX:g} eV/Å"),
        "",
        page_text("layers_page"),
        "",
        *markdown_table(header, [*rows, means]),
    ]
    return "\n".join(lines) + "\n"

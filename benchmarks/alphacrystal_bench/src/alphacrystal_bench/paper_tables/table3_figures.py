"""Figures 4 and 5 of the paper from the results of Table 3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymatgen.core import Lattice, Structure

from alphacrystal.crystal import standard_structure
from alphacrystal.errors import InputError
from alphacrystal.plots import crystal_panels, formation_energies
from alphacrystal_bench.cost.methods import OURS, RELAXED_TRUTH
from alphacrystal_bench.cost.random_searches import GNOA
from alphacrystal_bench.paper_tables.paper_compounds import structure_of


def _as_drawn(row: Mapping[str, Any]) -> Structure:
    """The conventional cell, so that equal crystals look alike; as it is where no symmetry can be found."""
    try:
        standard, _, _ = standard_structure(structure_of(row))
    except InputError:
        return structure_of(row)
    lattice = Lattice.from_parameters(*standard.lattice.parameters)
    return Structure(lattice, standard.species, standard.frac_coords)


def draw_table3_figures(result: Mapping[str, Any], folder: Path) -> list[tuple[Path, str]]:
    """Draw what there is of both figures; the SVG of each and a caption.

    Raises:
        AlphaCrystalError: The disk refused a figure.
    """
    drawn = []
    lines = [line for line in result["compounds"] if line["by_id"]]
    if lines:
        series = {
            name: [line["methods"][method][which] for line in lines]
            for name, method, which in (
                ("known structure, relaxed", RELAXED_TRUTH, "energy_first"),
                ("ours, first", OURS, "energy_first"),
                ("GNOA, lowest energy", GNOA, "energy_lowest"),
            )
        }
        _, svg = formation_energies([line["formula"] for line in lines], series, folder / "figure4")
        drawn.append((svg, f"The paper's Figure 4: formation energies, all by {result['potential']}."))
    rows = []
    for formula, shown in result["examples"].items():
        panels = (("known", "known"), (GNOA, "GNOA"), (OURS, "ours"))
        rows.append(
            [(f"{formula}, {name}", _as_drawn(shown[key]) if key in shown else None) for key, name in panels]
        )
    if rows:
        _, svg = crystal_panels(rows, folder / "figure5")
        drawn.append((svg, "The paper's Figure 5: the known structure, GNOA's lowest energy, our first."))
    for svg, _ in drawn:
        svg.with_suffix(".png").unlink()  # the page shows the SVG
    return drawn

"""Figures 4 and 5 of the paper from the results of Table 3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphacrystal.benchmark._method_runs import OURS, RELAXED_TRUTH
from alphacrystal.benchmark._paper_compounds import structure_of
from alphacrystal.benchmark._random_searches import GNOA
from alphacrystal.plots import crystal_panels, formation_energies


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
            [
                (f"{formula}, {name}", structure_of(shown[key]) if key in shown else None)
                for key, name in panels
            ]
        )
    if rows:
        _, svg = crystal_panels(rows, folder / "figure5")
        drawn.append((svg, "The paper's Figure 5: the known structure, GNOA's lowest energy, our first."))
    for svg, _ in drawn:
        svg.with_suffix(".png").unlink()  # the page shows the SVG
    return drawn

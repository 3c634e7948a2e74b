"""Crystals side by side, drawn as balls in their cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.plots.figure import new_figure, save_figure

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

_VIEW = "-75x,20y,0z"  # rotation of the cell, degrees
_BALL = 0.55  # of the covalent radius
_EDGE = 1e-3  # fraction; atoms so near a face are drawn on the opposite one too


def crystal_panels(
    rows: Sequence[Sequence[tuple[str, Structure | None]]], out_path: Path
) -> tuple[Path, Path]:
    """Draw a grid of titled crystals; None leaves a panel empty.

    Args:
        rows: For each row its panels, title and structure.
        out_path: Where to write; the suffix is replaced by .png and .svg.

    Returns:
        The two paths written.

    Raises:
        ValueError: There are no panels, or the rows differ in length.
        AlphaCrystalError: The disk refused a figure.
    """
    from ase.data import chemical_symbols, covalent_radii
    from ase.data.colors import jmol_colors
    from ase.visualize.plot import plot_atoms

    if not rows or len({len(row) for row in rows}) != 1:
        raise ValueError("rows of equally many panels are needed")
    figure = new_figure(2.9 * len(rows))
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for row, line in zip(rows, grid, strict=True):
        for (title, structure), axes in zip(row, line, strict=True):
            axes.set_title(title, fontsize=11)
            axes.set_axis_off()
            if structure is None:
                axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
                continue
            atoms = _with_faces(structure)
            radii = _BALL * covalent_radii[atoms.numbers]
            plot_atoms(atoms, axes, radii=radii, rotation=_VIEW, show_unit_cell=2)
            for number in sorted(set(atoms.numbers.tolist())):
                colour = jmol_colors[number]
                axes.scatter([], [], color=[colour], edgecolors="black", label=chemical_symbols[number], s=40)
            spacing = {"columnspacing": 0.8, "handletextpad": 0.1}
            axes.legend(
                fontsize=9, frameon=False, loc="upper center", ncols=4, bbox_to_anchor=(0.5, 0.02), **spacing
            )
            axes.autoscale()
    return save_figure(figure, out_path)


def _with_faces(structure: Structure) -> Atoms:
    """The atoms of the cell, those on its faces, edges and corners drawn on all of them."""
    from ase import Atoms

    fractions, numbers = [], []
    for site in structure:
        position = np.array(site.frac_coords) % 1.0
        position[np.abs(position - 1) < _EDGE] = 0.0
        choices = [(value, value + 1) if value < _EDGE else (value,) for value in position]
        for a in choices[0]:
            for b in choices[1]:
                for c in choices[2]:
                    fractions.append((a, b, c))
                    numbers.append(site.specie.Z)
    cell = np.array(structure.lattice.matrix)
    return Atoms(numbers, positions=np.array(fractions) @ cell, cell=cell, pbc=True)

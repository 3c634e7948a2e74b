"""Predicted and actual distances of large cells, by orbits: on the page, in the files, as a figure."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.errors import InputError
from alphacrystal.report import OrbitDistanceSummary, write_figures, write_run_folder
from alphacrystal.report._distance_pair import orbit_distance_pair


def olivine() -> Structure:
    """Mg2SiO4, 28 atoms (Birle et al., Am. Mineral. 53, 807, 1968, rounded)."""
    return Structure.from_spacegroup(
        62,
        Lattice.orthorhombic(10.20, 5.98, 4.76),
        ["Mg", "Mg", "Si", "O", "O", "O"],
        [
            [0, 0, 0],
            [0.277, 0.25, 0.992],
            [0.094, 0.25, 0.427],
            [0.092, 0.25, 0.766],
            [0.448, 0.25, 0.221],
            [0.163, 0.033, 0.277],
        ],
    )


def test_large_cells_are_compared_by_orbits() -> None:
    species, sizes = ("Mg", "Mg", "Si", "O", "O", "O"), (4, 4, 4, 4, 4, 8)
    labels = ("Mg 4a", "Mg 4c", "Si 4c", "O 4c", "O 4c", "O 8d")
    unknown = OrbitDistanceSummary(0, species, sizes, labels, np.full((6, 6), 3.0))
    pair = orbit_distance_pair(olivine(), unknown)
    assert pair is not None
    assert (pair.by_orbits, pair.species) == (True, labels)
    assert pair.actual == pytest.approx(pair.actual.T)
    assert pair.actual[2, 3:].min() == pytest.approx(1.61, abs=0.03)  # Si-O
    assert pair.rmse == pytest.approx(
        np.sqrt(np.mean((pair.actual[np.triu_indices(6)] - 3.0) ** 2)), abs=1e-6
    )
    # Orbits of one element and size stand in the order that agrees best, whatever their order was.
    exchanged = [1, 0, 2, 4, 3, 5]
    mixed = OrbitDistanceSummary(0, species, sizes, labels, pair.actual[np.ix_(exchanged, exchanged)])
    assert orbit_distance_pair(olivine(), mixed).rmse == pytest.approx(0, abs=1e-9)


def test_changed_orbits_have_no_picture() -> None:
    moved = olivine()
    moved.translate_sites([0], [0.02, 0.01, 0.03])  # no symmetry is left
    summary = OrbitDistanceSummary(
        0, ("Mg", "Mg", "Si", "O", "O", "O"), (4, 4, 4, 4, 4, 8), ("",) * 6, np.zeros((6, 6))
    )
    assert orbit_distance_pair(moved, summary) is None


def test_files_and_figures_have_the_distances_of_the_orbits(tmp_path: Path, make_prediction, run) -> None:
    prediction = make_prediction()
    first = prediction.ranked[0]
    ranked = dataclasses.replace(first, structure=olivine(), primitive=olivine())
    labels = ("Mg 4a", "Mg 4c", "Si 4c", "O 4c", "O 4c", "O 8d")
    summary = OrbitDistanceSummary(
        first.candidate_index,
        ("Mg", "Mg", "Si", "O", "O", "O"),
        (4, 4, 4, 4, 4, 8),
        labels,
        np.full((6, 6), 2.5),
    )
    prediction = dataclasses.replace(
        prediction, ranked=(ranked, *prediction.ranked[1:]), orbit_distances=(summary,)
    )
    write_run_folder(tmp_path, prediction, run)
    stored = json.loads((tmp_path / "results.json").read_text())["orbit_distances"]
    assert stored[0]["labels"] == list(labels)
    assert np.array(stored[0]["shortest_distances"]) == pytest.approx(2.5)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '"by_orbits":true' in page.replace(" ", "")
    assert "Mg 4a" in page
    written = [path.name for path in write_figures(tmp_path, 1)]
    assert any(name.endswith("_distances.png") for name in written)

    results = json.loads((tmp_path / "results.json").read_text())
    for wrong in ([[None] * 6] * 6, [[2.5]], "near"):
        results["orbit_distances"][0]["shortest_distances"] = wrong
        (tmp_path / "results.json").write_text(json.dumps(results))
        with pytest.raises(InputError, match="missing or damaged"):
            write_figures(tmp_path, 1)

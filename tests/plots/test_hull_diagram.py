"""The figures of hulls, chemical potentials and pressures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alphacrystal.plots import HullPoint, chemical_potentials, hull_diagram, stable_pressures


def points(elements: int) -> list[HullPoint]:
    corners = [
        HullPoint(f"E{i}", tuple(np.eye(elements)[i].tolist()), 0.0, 0.0, True, False)
        for i in range(elements)
    ]
    middle = HullPoint("AB", (0.5, 0.5, *[0.0] * (elements - 2)), -0.4, 0.0, True, True)
    return [
        *corners,
        middle,
        HullPoint("A₂B", (2 / 3, 1 / 3, *[0.0] * (elements - 2)), -0.1, 0.17, False, True),
    ]


@pytest.mark.parametrize("elements", [2, 3, 4])
def test_hull_names_stable_phases_alone_and_is_the_same_each_time(tmp_path: Path, elements: int) -> None:
    symbols = ["Na", "Mg", "Al", "Cl"][:elements]
    png, svg = hull_diagram(points(elements), [(0, elements), (1, elements)], symbols, tmp_path / "x")
    text = svg.read_text()
    assert "<!-- AB -->" in text
    assert "<!-- A₂B -->" not in text
    assert ("<!-- above hull (eV/atom) -->" if elements > 2 else "<!-- fraction of Mg -->") in text
    again, _ = hull_diagram(points(elements), [(0, elements), (1, elements)], symbols, tmp_path / "y")
    assert png.read_bytes() == again.read_bytes()


def test_five_elements_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two to four"):
        hull_diagram([], [], list("ABCDE"), tmp_path / "x")


def test_chemical_potentials_have_units_and_names(tmp_path: Path) -> None:
    region = np.array([[0.0, -2.0, -1.0], [-1.0, -1.0, -1.0], [-2.0, 0.0, -1.0]])
    _, svg = chemical_potentials({"NaCl": region}, ["Na", "Mg", "Cl"], tmp_path / "x")
    assert "<!-- NaCl -->" in svg.read_text()
    assert "Δμ(Na) (eV)" in svg.read_text()


def test_pressures_show_space_groups(tmp_path: Path) -> None:
    _, svg = stable_pressures(
        {"NaCl": {0.0: "Fm-3m", 30.0: "Pm-3m"}, "Na₂Cl": {30.0: "P4/mmm"}}, [0.0, 30.0], tmp_path / "x"
    )
    text = svg.read_text()
    for words in ("pressure (GPa)", "Pm-3m", "P4/mmm"):
        assert f"<!-- {words} -->" in text

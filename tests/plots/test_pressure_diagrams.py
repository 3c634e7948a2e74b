"""The figure of enthalpies against pressure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alphacrystal.plots import EnthalpyCurve, enthalpy_pressure


def curve(name: str, slope: float) -> EnthalpyCurve:
    pressures, line = np.array([0.0, 30.0, 60.0]), np.linspace(0, 60, 50)
    return EnthalpyCurve(name, pressures, slope * (pressures - 25), line, slope * (line - 25))


def test_figure_names_phases_units_and_transitions(tmp_path: Path) -> None:
    curves = [curve("Fm-3m", 0.0), *(curve(f"phase {n}", -0.001 * n) for n in range(1, 9))]
    png, svg = enthalpy_pressure(curves, tmp_path / "x", transitions=[25.0], title="NaCl")
    with Image.open(png) as image:
        assert image.size == (800, 500)
    text = svg.read_text()
    for words in (
        "pressure (GPa)",
        "enthalpy relative to the first phase (eV/atom)",
        "25 GPa",
        "phase 5",
        "NaCl",
    ):
        assert f"<!-- {words} -->" in text
    assert "phase 6" not in text  # drawn in grey, without a name
    assert (
        png.read_bytes()
        == enthalpy_pressure(curves, tmp_path / "y", transitions=[25.0], title="NaCl")[0].read_bytes()
    )


def test_figure_without_phases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no phase"):
        enthalpy_pressure([], tmp_path / "x")

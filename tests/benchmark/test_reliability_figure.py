"""Reliability diagrams: complete, distinguished by label, refused where there is nothing to draw."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alphacrystal_bench.figures.reliability import ReliabilityPanel, reliability_diagrams

LEVELS = np.linspace(0.1, 0.9, 9)


def panel(*labels: str) -> ReliabilityPanel:
    curves = dict.fromkeys(labels, (LEVELS, LEVELS**1.2))
    return ReliabilityPanel("Distances", "central interval, probability", "share inside", curves)


def test_every_panel_and_curve_is_named_and_the_file_is_800_pixels_wide(tmp_path: Path) -> None:
    png, svg = reliability_diagrams(
        [panel("given type", "from the content"), panel("volume"), panel("angles")], tmp_path / "figure"
    )
    with Image.open(png) as image:
        assert image.size == (800, 960)
    text = svg.read_text(encoding="utf-8")
    for label in ("given type", "from the content", "volume", "angles", "share inside"):
        assert f"<!-- {label} -->" in text
    assert text.count("<!-- Distances -->") == 3


def test_the_same_curves_give_the_same_files(tmp_path: Path) -> None:
    first, second = (reliability_diagrams([panel("volume")], tmp_path / name) for name in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_nothing_to_draw_and_too_much_are_programming_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one panel"):
        reliability_diagrams([], tmp_path / "figure")
    with pytest.raises(ValueError, match="at most 4 curves"):
        reliability_diagrams([panel(*"abcde")], tmp_path / "figure")

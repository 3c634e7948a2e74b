"""The figure of a fit to a measured pattern."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alphacrystal.plots import pattern_overlay


def test_the_figure_is_written_and_repeats(tmp_path: Path) -> None:
    x = np.linspace(10, 90, 400)
    model = 100 * np.exp(-((x - 40) ** 2) / 2)
    files = pattern_overlay(
        x, model + 1, model, [40.0, 95.0], tmp_path / "fit", unexplained=[60.0], title="1"
    )
    assert [path.suffix for path in files] == [".png", ".svg"]
    text = files[1].read_text()
    assert (
        text
        == pattern_overlay(x, model + 1, model, [40.0, 95.0], tmp_path / "b", unexplained=[60.0], title="1")[
            1
        ].read_text()
    )


def test_lengths_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected 2"):
        pattern_overlay([1, 2], [1, 2], [1], [], tmp_path / "fit")
    with pytest.raises(ValueError, match="expected 0"):
        pattern_overlay([], [], [], [], tmp_path / "fit")

"""The figure of what a record file holds."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from alphacrystal.plots import record_counts


def test_energies_have_a_panel_where_there_are_any(tmp_path: Path) -> None:
    heights = []
    for energies in ([], [0.0, 0.02, 0.3]):
        png, svg = record_counts({2: 5, 8: 1}, {"Na": 4, "Cl": 6}, energies, tmp_path / "counts")
        with Image.open(png) as image:
            assert image.width == 800
            heights.append(image.height)
        text = svg.read_text()  # matplotlib names each text in a comment beside its outline
        assert "<!-- atoms per cell -->" in text
        assert ("<!-- energy above hull (eV/atom) -->" in text) == bool(energies)
    assert heights == [600, 900]

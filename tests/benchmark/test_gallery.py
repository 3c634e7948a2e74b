"""The gallery: known prototypes of all compounds, a page with one picture each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from alphacrystal.crystal import prototype_names, prototype_table
from alphacrystal_bench.generation.gallery import GALLERY, as_drawn
from alphacrystal_bench.generation.textbook_structures import TEXTBOOK


def test_each_compound_has_one_known_prototype() -> None:
    structures = {compound.formula: compound.structure() for compound in TEXTBOOK}
    names = {prototype.name for named in prototype_table().values() for prototype in named}
    assert len(set(GALLERY)) == 20
    assert [formula for formula in GALLERY if prototype_names(structures[formula]) not in names] == []


def test_small_hexagonal_cells_are_drawn_four_times() -> None:
    structures = {compound.formula: compound.structure() for compound in TEXTBOOK}
    assert len(as_drawn(structures["MoS2"], 194)) == 4 * 6
    assert len(as_drawn(structures["Al2O3"], 167)) == 30
    assert len(as_drawn(structures["CaF2"], 225)) == 12


@pytest.mark.slow
def test_page_has_a_row_and_a_picture_of_each_compound(run: Callable[..., Any], tmp_path: Path) -> None:
    arguments = ("benchmark", "gallery", "--limit", "2", "--no-relax", "--out", tmp_path / "out")
    page = tmp_path / "gallery.md"
    outcome = run(*arguments, "--page", page)
    assert outcome.code == 0, outcome.err
    text = page.read_text(encoding="utf-8")
    assert "may be in the training data" in text
    rows = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["rows"]
    assert [row["formula"] for row in rows] == ["Si", "Mg"]
    assert [row["known"] for row in rows] == ["diamond", "magnesium (hcp)"]
    for row in rows:
        assert f"](gallery/{row['formula']}.png)" in text
        with Image.open(tmp_path / "gallery" / f"{row['formula']}.png") as image:
            assert image.width == 320
    assert sorted(path.suffix for path in (tmp_path / "gallery").iterdir()) == [".png", ".png"]

    stored = tmp_path / "stored" / "gallery.md"  # pictures of a stored result, without a new prediction
    assert run("benchmark", "page", "gallery", page.with_suffix(".json"), stored).code == 0
    assert stored.read_text(encoding="utf-8") == text

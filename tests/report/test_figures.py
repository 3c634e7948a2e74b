"""Figures of a run: what is drawn from its results, and of what."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from alphacrystal.errors import InputError
from alphacrystal.report import write_figures, write_run_folder
from alphacrystal.report._figures import _grid


def drawn(folder: Path, rows: int) -> set[str]:
    """The stems of the figures, each there as PNG and SVG."""
    files = write_figures(folder, rows)
    assert sorted(files) == sorted((folder / "figures").iterdir())
    for file in files:
        if file.suffix == ".svg":
            assert ET.parse(file).getroot().tag.endswith("svg")  # noqa: S314 - our own file
        else:
            with Image.open(file) as image:
                assert image.width == 800
    stems = {file.stem for file in files}
    assert len(files) == 2 * len(stems)
    return stems


def comments(folder: Path, name: str) -> str:
    return (folder / "figures" / f"{name}.svg").read_text(encoding="utf-8")


def test_a_relaxed_run_is_drawn(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(), run, page=False)
    assert drawn(tmp_path, 2) == {
        "energy_volume",
        "crystals",
        "001_TiO2_sg136_distances",
        "001_TiO2_sg136_xrd",
        "002_TiO2_sg141_distances",
        "002_TiO2_sg141_xrd",
    }
    energies = comments(tmp_path, "energy_volume")
    assert "<!-- energy (eV/atom) -->" in energies
    assert "<!-- ranked, not converged -->" in energies
    assert "<!-- other candidate -->" not in energies  # the only one exploded: it has no place in the plot
    assert "<!-- In structure 2 -->" in comments(tmp_path, "002_TiO2_sg141_distances")
    assert "<!-- 101 -->" in comments(tmp_path, "002_TiO2_sg141_xrd")  # anatase's strongest line
    assert "<!-- 2: TiO₂, I4₁/amd -->" in comments(tmp_path, "crystals")


def test_a_run_without_relaxation_is_drawn(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(relaxed=False), run)
    stems = drawn(tmp_path, 1)
    assert stems == {
        "probability_volume",
        "crystals",
        "001_TiO2_sg136_distances",
        "001_TiO2_sg136_xrd",
    }
    assert "<!-- log-probability -->" in comments(tmp_path, "probability_volume")


def test_an_empty_list_has_no_structures_to_draw(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(count=0, complete=False), run)
    assert write_figures(tmp_path, 5) == []


def test_results_with_a_candidate_without_atoms_are_damaged(tmp_path, make_prediction, run) -> None:
    write_run_folder(tmp_path, make_prediction(count=1), run, page=False)
    path = tmp_path / "results.json"
    results = json.loads(path.read_text())
    for candidate in results["candidates"]:
        for structure in (
            candidate["structure_before"],
            (candidate["relaxation"] or {}).get("structure_after"),
        ):
            if structure:
                structure["sites"] = []
    path.write_text(json.dumps(results))
    with pytest.raises(InputError, match=r"results\.json is missing or damaged"):
        write_figures(tmp_path, 1)


@pytest.mark.parametrize("damage", ["missing", "torn", "other"])
def test_damaged_results_are_named(tmp_path, make_prediction, run, damage) -> None:
    write_run_folder(tmp_path, make_prediction(count=1), run, page=False)
    path = tmp_path / "results.json"
    text = path.read_text()
    path.unlink()
    if damage != "missing":
        path.write_text(text[: len(text) // 2] if damage == "torn" else json.dumps({"structures": 3}))
    with pytest.raises(InputError, match=r"results\.json is missing or damaged"):
        write_figures(tmp_path, 1)


@pytest.mark.parametrize(
    ("count", "shape"), [(1, [1]), (2, [2]), (3, [3]), (4, [2, 2]), (5, [2, 2]), (6, [3, 3]), (9, [3, 3])]
)
def test_crystals_stand_in_full_rows(count: int, shape: list[int]) -> None:
    assert [len(row) for row in _grid([("", None)] * count)] == shape

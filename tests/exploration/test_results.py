"""Files of an exploration: tables, CIF files, page and pictures."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pymatgen.core import Structure

from alphacrystal.errors import InputError
from alphacrystal.exploration import (
    HULL_COLUMNS,
    Exploration,
    hull_lines,
    hull_table,
    parse_summary,
    read_hull,
    summary_of,
    write_results,
)

Make = Callable[..., Exploration]


@pytest.mark.parametrize("name", ["Na-Cl", "Na-Mg-Cl", "Na-Mg-Al-Cl"])
def test_each_number_of_elements_has_all_files(make_exploration: Make, tmp_path: Path, name: str) -> None:
    exploration = make_exploration(tmp_path, name)
    write_results(exploration)
    with (tmp_path / "hull.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == HULL_COLUMNS
    assert len(rows) == len(exploration.hull.phases)
    files = [row["file"] for row in rows if row["file"]]
    assert len(files) == name.count("-")
    for file in files:
        assert len(Structure.from_file(tmp_path / file)) == 8
    on_hull = json.loads((tmp_path / "hull.json").read_text())["on_hull"]
    assert {row["formula"] for row in rows if float(row["energy_above_hull_per_atom_ev"]) == 0} == set(
        on_hull
    )
    page = (tmp_path / "hull.html").read_text()
    assert "Left out of the hull" in page
    assert re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(?!data:)', page) == []
    with Image.open(tmp_path / "hull.png") as image:
        assert image.size[0] == 800
    assert (tmp_path / "chemical_potentials.png").exists() == (name.count("-") < 3)


def test_files_are_the_same_the_second_time_and_stale_structures_go(
    make_exploration: Make, tmp_path: Path
) -> None:
    exploration = make_exploration(tmp_path, "Na-Cl")
    write_results(exploration)
    first = {path.name: path.read_bytes() for path in tmp_path.glob("hull*")}
    (tmp_path / "structures" / "NaCl3_sg1_quick1.cif").write_text("stale")
    (tmp_path / "structures" / "notes.txt").write_text("of the user")
    write_results(exploration)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("hull*")} == first
    assert sorted(path.name for path in (tmp_path / "structures").iterdir()) == [
        "NaCl_sg225_quick1.cif",
        "notes.txt",
    ]


def test_a_removed_run_folder_leaves_the_row_without_a_file(make_exploration: Make, tmp_path: Path) -> None:
    exploration = make_exploration(tmp_path, "Na-Cl")
    (tmp_path / "runs" / "quick" / "NaCl" / "1_rock_salt.cif").unlink()
    write_results(exploration)
    assert "structures/" not in (tmp_path / "hull.csv").read_text()


def test_each_pressure_has_a_folder_with_enthalpies(make_exploration: Make, tmp_path: Path) -> None:
    exploration = make_exploration(tmp_path, "Na-Cl", (0.0, 20.0))
    write_results(exploration)
    rows = hull_table(exploration, 20.0)
    assert all(row.energy_per_atom_ev is None and row.enthalpy_per_atom_ev is not None for row in rows)
    assert "enthalpy above hull" in (tmp_path / "20GPa" / "hull.html").read_text().lower()
    assert (tmp_path / "0GPa" / "hull.csv").is_file()
    assert "<!-- pressure (GPa) -->" in (tmp_path / "stable_pressures.svg").read_text()


def test_lines_name_the_hull_and_what_was_left_out(make_exploration: Make, tmp_path: Path) -> None:
    text = "\n".join(hull_lines(make_exploration(tmp_path, "Na-Cl"), shown=3))
    assert "1 compound on the hull after 7 predicted formulas; new formulas: NaCl." in text
    assert "NaCl2" in text
    assert "structure not predicted" in text
    assert "Left out of the hull" in text


def test_page_has_the_elements_that_its_scripts_use(make_exploration: Make, tmp_path: Path) -> None:
    write_results(make_exploration(tmp_path, "Na-Cl"))
    page = (tmp_path / "hull.html").read_text()
    used = set(re.findall(r'getElementById\("([\w-]+)"\)', page))
    assert {"viewer", "supercell", "hull"} <= used
    assert used - set(re.findall(r'\bid="([\w-]+)"', page)) == {"polyhedra"}  # the report has it


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Na-Cl", "Na-Mg-Cl", "Na-Mg-Al-Cl"])
def test_page_works_in_a_browser_with_mouse_and_keyboard(
    make_exploration: Make,
    tmp_path: Path,
    name: str,
    visit: Callable[..., Any],
    faults_of: Callable[[Any], list[str]],
) -> None:
    write_results(make_exploration(tmp_path, name))
    page = visit((tmp_path / "hull.html").as_uri())
    page.wait_for_selector('#hull [role="button"]')
    assert faults_of(page) == []
    mark = page.locator(
        '#hull [role="button"][aria-label^="NaCl₂"], #hull [role="button"][aria-label^="NaMg₂"]'
    ).first
    mark.focus()
    page.keyboard.press("Enter")
    assert "₂" in page.inner_text("#structure-rank")
    assert page.locator("#no-structure").is_visible()
    page.locator('#hull [role="button"].ranked:not(.open)').first.click()
    assert "Fm-3m" in page.inner_text("#structure-rank")
    assert page.locator("#viewer").is_visible()
    if name.count("-") == 3:
        before = page.locator("#hull circle").last.get_attribute("cx")
        page.locator("#hull").press("ArrowLeft")
        assert page.locator("#hull circle").last.get_attribute("cx") != before


def test_phases_have_links_to_their_runs(make_exploration: Make, tmp_path: Path) -> None:
    exploration = make_exploration(tmp_path, "Na-Mg-Cl", (0.0, 20.0))
    (tmp_path / "runs" / "quick" / "NaMg" / "report.html").write_text("report")
    write_results(exploration)
    page = (tmp_path / "20GPa" / "hull.html").read_text()
    links = re.findall(r'class="run-link" href="([^"]+)" aria-label="([^"]+)"', page)
    assert links == [
        ("../runs/quick/MgCl/", "Run folder of MgCl · Fm-3m"),
        ("../runs/quick/NaMg/report.html", "Report of NaMg · Fm-3m"),
    ]
    assert all((tmp_path / "20GPa" / address).exists() for address, _ in links)
    row = next(row for row in read_hull(tmp_path / "0GPa").phases if row.formula == "MgCl")
    assert (tmp_path / row.run).is_dir()


def test_the_summary_has_the_head_of_the_hull(make_exploration: Make, tmp_path: Path) -> None:
    exploration = make_exploration(tmp_path, "Na-Mg-Cl")
    write_results(exploration, page=False)
    path = tmp_path / "hull_summary.json"
    summary, hull = parse_summary(path.read_bytes(), path), read_hull(tmp_path)
    assert summary == summary_of(hull)
    assert (summary.all_phases, summary.on_hull) == (len(hull.phases), hull.on_hull)
    long = hull.model_copy(update={"phases": hull.phases * 100})
    assert (len(summary_of(long).phases), summary_of(long).all_phases) == (200, 100 * len(hull.phases))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(InputError, match="written by a newer AlphaCrystal"):
        parse_summary(path.read_bytes(), path)


def test_results_are_read_back(make_exploration: Make, tmp_path: Path) -> None:
    exploration = make_exploration(tmp_path, "Na-Mg-Cl", (0.0, 20.0))
    write_results(exploration, page=False)
    for pressure in (0.0, 20.0):
        hull = read_hull(tmp_path / f"{pressure:g}GPa")
        assert (hull.elements, hull.pressure_gpa) == (("Na", "Mg", "Cl"), pressure)
        assert list(hull.phases) == hull_table(exploration, pressure)
        assert set(hull.on_hull) >= {"Na", "Mg", "Cl"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": 99}, "written by a newer AlphaCrystal"),
        ({"phases": [{"formula": "NaCl"}]}, "is damaged"),
        ({"pressure_gpa": float("nan")}, "is damaged"),
        ({"elements": "Na"}, "is damaged"),
        (None, "has no hull.json"),
    ],
)
def test_results_that_cannot_be_read(
    make_exploration: Make, tmp_path: Path, change: dict[str, Any] | None, sentence: str
) -> None:
    write_results(make_exploration(tmp_path, "Na-Cl"), page=False)
    path = tmp_path / "hull.json"
    if change is None:
        path.unlink()
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=sentence):
        read_hull(tmp_path)

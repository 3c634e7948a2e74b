"""The report in a real browser: read, sorted, filtered, turned and downloaded from disk, also by keyboard."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from pymatgen.io.vasp.inputs import Poscar

from alphacrystal.report import write_run_folder

pytestmark = pytest.mark.slow

FRAME = 12  # pixels at the edge of the view: its border and round corners
KINDS = ("svg", "png")
CARD = {"light": (255, 255, 255), "dark": (27, 33, 42)}
GROUND = {"light": (246, 247, 249), "dark": (18, 22, 28)}


@pytest.fixture
def folder(tmp_path: Path, make_prediction: Callable[..., Any], run: Any) -> Path:
    """A run folder of five structures."""
    write_run_folder(tmp_path, make_prediction(), run)
    return tmp_path


@pytest.fixture
def open_report(visit: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """A function that opens the report from disk."""

    def go(**options: Any) -> Any:
        page = visit((folder / "report.html").as_uri(), **options)
        page.wait_for_selector("#viewer canvas")
        return page

    return go


def ranks(page: Any) -> list[str]:
    """Ranks of the rows that are shown, from top to bottom."""
    rows = page.locator("#ranked tbody tr:visible th").all_inner_texts()
    return [text.strip() for text in rows]


def drawing(page: Any) -> np.ndarray:
    """The 3D view as an array of colours, (rows, columns, 3), without its frame."""
    view = page.locator("#viewer")
    view.scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    box = view.bounding_box()
    inside = {"x": int(box["x"]) + FRAME, "y": int(box["y"]) + FRAME}
    size = {"width": int(box["width"]) - 2 * FRAME, "height": int(box["height"]) - 2 * FRAME}
    with Image.open(io.BytesIO(page.screenshot(clip=inside | size))) as image:
        return np.asarray(image.convert("RGB"), dtype=int)


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")


def reach(page: Any, name: str) -> None:
    """Press Tab until the focus is on what has this id or text; each stop on the way has a ring."""
    for _ in range(80):
        page.keyboard.press("Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 100)")
        if focused(page) == name:
            return
    raise AssertionError(f"Tab does not lead to {name}")


@pytest.mark.parametrize(
    ("width", "scheme", "relaxed"),
    [(400, "light", True), (400, "dark", False), (1300, "light", False), (1300, "dark", True)],
)
def test_report_fits_and_can_be_read(
    open_report, faults_of, folder, make_prediction, run, scheme: str, width: int, relaxed: bool
) -> None:
    if not relaxed:
        write_run_folder(folder, make_prediction(relaxed=False, complete=False), run)
    page = open_report(color_scheme=scheme, viewport={"width": width, "height": 800})
    for summary in page.locator("summary").all():
        summary.click()
    for rank in (3, 5):  # 3 is not converged; 5 has many atoms
        page.click(f"#ranked tbody tr:nth-child({rank}) button")
        assert faults_of(page) == []


def test_sorting_filtering_and_picking_by_keyboard(open_report) -> None:
    page = open_report()
    assert page.get_attribute("#ranked thead th:first-child", "aria-sort") == "ascending"
    reach(page, "filter")
    page.keyboard.type("Pbca")
    assert ranks(page) == ["3"]
    assert page.inner_text("#filter-count") == "1 of 5 structures shown"
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    assert ranks(page) == ["1", "2", "3", "4", "5"]
    reach(page, "Volume (Å³/atom)")
    cells = "rows => rows.map(row => +row.cells[7].dataset.value)"
    volumes = page.locator("#ranked tbody tr").evaluate_all(cells)
    by_volume = [str(1 + place) for place in np.argsort(volumes)]
    page.keyboard.press("Enter")
    assert ranks(page) == by_volume
    page.keyboard.press("Space")
    assert ranks(page) == by_volume[::-1]
    reach(page, "4")
    page.keyboard.press("Enter")
    assert page.inner_text("#structure-title") == "Structure 4: TiO₂ · Pa-3"
    assert page.get_attribute("#ranked tbody tr[data-index='3']", "aria-current") == "true"
    assert "In structure 4" in page.inner_text("#distances")
    order = ranks(page)
    below = order[order.index("4") + 1 :]
    for rank in below or order[-1:]:
        page.keyboard.press("ArrowDown")
        assert focused(page) == rank
    page.keyboard.press("ArrowDown")  # there is none below the last
    page.keyboard.press("ArrowUp")
    assert focused(page) == order[-2]


def test_a_link_leads_past_the_table(open_report) -> None:
    page = open_report()
    reach(page, "To the selected structure")
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "cif-link"


def test_the_crystal_is_turned_and_repeated_by_keyboard(open_report) -> None:
    page = open_report()
    before = drawing(page)
    reach(page, "viewer")
    page.keyboard.press("ArrowLeft")
    turned = drawing(page)
    assert (turned != before).any()
    page.keyboard.press("+")
    assert (drawing(page) != turned).any()
    reach(page, "supercell")
    page.keyboard.press("ArrowDown")
    assert page.input_value("#supercell") == "2"
    repeated = drawing(page)
    assert (repeated != before).any()
    reach(page, "bonds")
    page.keyboard.press("Space")
    assert (drawing(page) != repeated).any()
    reach(page, "a")
    page.keyboard.press("Enter")
    along = drawing(page)
    reach(page, "reset")
    page.keyboard.press("Enter")
    assert (drawing(page) != along).any()


@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (900, "dark")])
def test_every_crystal_fits_its_box_on_the_ground_of_the_page(open_report, scheme: str, width: int) -> None:
    page = open_report(color_scheme=scheme, viewport={"width": width, "height": 800})
    for rank, cells, view in (
        (1, "1", "#reset"),
        (1, "1", "[data-axis='0']"),
        (2, "1", "#reset"),  # the longest
        (3, "2", "#reset"),
        (4, "1", "[data-axis='2']"),
        (5, "1", "#reset"),  # the most oblique
    ):
        page.click(f"#ranked tbody tr:nth-child({rank}) button")
        page.select_option("#supercell", cells)
        page.click(view)
        drawn = np.abs(drawing(page) - GROUND[scheme]).max(axis=2) > 12
        edge = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
        assert not edge.any(), (rank, cells, view)
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        filled = max(np.ptp(rows) / drawn.shape[0], np.ptp(columns) / drawn.shape[1])
        assert filled > 0.6, (rank, cells, view)


def test_files_are_downloaded_from_disk(open_report, folder, make_prediction) -> None:
    page = open_report()
    page.click("#ranked tbody tr:nth-child(2) button")
    saved = {}
    for link in ("#cif-link", "#poscar-link", "#pattern-link"):
        with page.expect_download() as event:
            page.click(link)
        saved[event.value.suggested_filename] = Path(event.value.path()).read_text(encoding="utf-8")
    assert list(saved) == ["002_TiO2_sg141.cif", "002_TiO2_sg141.vasp", "002_TiO2_sg141_xrd.csv"]
    cif, poscar, pattern = saved.values()
    assert cif == (folder / "structures" / "002_TiO2_sg141.cif").read_text(encoding="utf-8")
    assert Poscar.from_str(poscar).structure.matches(make_prediction().structures[1])
    peaks = list(csv.DictReader(io.StringIO(pattern)))
    with (folder / "xrd.csv").open(newline="", encoding="utf-8") as stream:
        known = [row for row in csv.DictReader(stream) if row["rank"] == "2"]
    assert [(float(p["two_theta_deg"]), p["hkl"]) for p in peaks] == [
        (float(row["two_theta_deg"]), row["hkl"]) for row in known
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_are_saved_as_they_stand(open_report, scheme: str) -> None:
    page = open_report(color_scheme=scheme)
    page.click("#ranked tbody tr:nth-child(2) button")
    saved = {}
    for button in [
        f"[data-save='{box} {kind}']" for box in ("distances", "pattern", "energy") for kind in KINDS
    ]:
        with page.expect_download() as event:
            page.click(button)
        saved[event.value.suggested_filename] = Path(event.value.path()).read_bytes()
    with page.expect_download() as event:
        page.click("#picture")
    saved[event.value.suggested_filename] = Path(event.value.path()).read_bytes()
    stems = ("002_TiO2_sg141_distances", "002_TiO2_sg141_xrd", "TiO2_energy_volume")
    assert list(saved) == [f"{stem}.{kind}" for stem in stems for kind in KINDS] + ["002_TiO2_sg141_view.png"]
    for name, content in saved.items():
        if name.endswith(".svg"):
            root = ET.fromstring(content)  # noqa: S314 - our own page
            size = int(root.get("width")), int(root.get("height"))
            texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
            assert any(text in {"distance (Å)", "2θ (°), Cu Kα", "volume (Å³/atom)"} for text in texts)
        else:
            with Image.open(io.BytesIO(content)) as image:
                pixels = np.asarray(image.convert("RGB"), dtype=int)
            if "view" not in name:
                assert pixels.shape[1::-1] == (2 * size[0], 2 * size[1])
                assert tuple(pixels[1, 1]) == CARD[scheme]
            assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20  # something is drawn


def test_what_is_not_drawn_is_not_offered(visit, tmp_path, make_prediction, run) -> None:
    prediction = make_prediction(relaxed=False, distograms=())
    unknown = [dataclasses.replace(c, log_probability=None) for c in prediction.candidates]
    write_run_folder(tmp_path, dataclasses.replace(prediction, candidates=tuple(unknown)), run)
    page = visit((tmp_path / "report.html").as_uri())
    page.wait_for_selector("#viewer canvas")
    assert "No distances were predicted" in page.inner_text("#distances-note")
    assert "There is nothing to plot" in page.inner_text("#energy")
    offered = page.locator("[data-save]:visible").evaluate_all("all => all.map(item => item.dataset.save)")
    assert offered == ["pattern svg", "pattern png"]


def test_without_webgl_the_rest_works(visit, folder, faults_of) -> None:
    page = visit("about:blank")
    page.add_init_script("""const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (name, ...rest) {
      return /webgl/.test(name) ? null : get.call(this, name, ...rest);
    };""")
    page.goto((folder / "report.html").as_uri())
    assert "needs WebGL" in page.inner_text("#viewer")
    assert page.locator(".controls").is_hidden()
    page.click("#ranked tbody tr:nth-child(2) button")
    assert page.inner_text("#structure-rank").startswith("2: ")
    assert page.locator("#pattern .peak").count() > 0
    assert faults_of(page) == []


def test_the_strongest_peaks_are_named_and_all_are_tabled(open_report) -> None:
    page = open_report()
    page.click("#ranked tbody tr:nth-child(2) button")
    names = page.locator("#pattern svg > text").all_text_contents()
    assert {"101", "200", "2θ (°), Cu Kα", "intensity (%)"} <= set(names)  # anatase
    assert page.locator("#pattern .peak").count() == page.locator("#peaks tbody tr").count() > 15
    page.click("#peaks-box summary")
    assert page.locator("#peaks tbody tr").first.inner_text().split()[-3:] == ["1", "0", "1"]

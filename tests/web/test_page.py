"""The page in a real browser: typed, watched, seen, downloaded; by keyboard, on a phone, in the dark."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from alphacrystal.diffraction import simulate_pattern

pytestmark = pytest.mark.slow
TOKEN = "correct-horse-battery"  # noqa: S105

Start = Callable[..., Any]


def choose_quick(page: Any, candidates: int = 4) -> None:
    page.click("summary")
    page.select_option("#relax", "no")
    page.fill("#candidates", str(candidates))


def test_type_wait_see_and_download(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    choose_quick(page)
    page.fill("#formula", "TiO2")
    page.press("#formula", "Enter")
    page.wait_for_selector(".job progress")
    page.wait_for_selector("#run:not([hidden])")
    assert page.inner_text("#run-title") == "TiO₂: 4 structures"
    assert page.locator("#run-table tbody tr").count() == 4
    assert page.locator("#jobs-section").is_hidden()
    assert page.evaluate("document.activeElement.id") == "run"

    with page.expect_download() as event:
        page.click("#run-zip")
    data = Path(event.value.path()).read_bytes()
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert event.value.suggested_filename.startswith("TiO2-")
    assert sum(name.endswith(".cif") for name in names) == 4

    with page.expect_download() as event:
        page.click("#run-table tbody tr:first-child a")
    assert Path(event.value.path()).read_text().startswith(("data_", "#"))

    with page.expect_download() as event:
        page.click("#run-table tbody tr:first-child a:has-text('POSCAR')")
    assert event.value.suggested_filename.endswith(".vasp")
    assert "direct" in Path(event.value.path()).read_text()

    with page.expect_popup() as popup:
        page.click("#run-report")
    report = popup.value
    report.wait_for_selector("#viewer canvas")
    # The drawing is not blank, and the report cannot reach the server.
    colours = report.evaluate(
        """async () => { await new Promise(done => setTimeout(done, 1000));
        const canvas = document.querySelector('#viewer canvas');
        const copy = document.createElement('canvas'); copy.width = canvas.width; copy.height = canvas.height;
        await new Promise(done => requestAnimationFrame(done));
        return [canvas.width, canvas.height, window.origin]; }"""
    )
    assert colours[0] > 100
    assert colours[1] > 100
    assert colours[2] == "null"
    for button in ("[data-save='pattern png']", "[data-save='pattern svg']", "#picture", "#poscar-link"):
        with report.expect_download() as event:
            report.click(button)
        assert Path(event.value.path()).stat().st_size > 300


def test_cancel_resume_and_delete(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.on("dialog", lambda dialog: dialog.accept())
    choose_quick(page, 200)
    page.fill("#cell", "Ca3Al2Si3O12")
    page.fill("#formula", "Ca3Al2Si3O12")
    page.click("#new button.main")
    page.wait_for_selector(".status.running")
    page.click("button:has-text('Cancel')")
    page.wait_for_selector(".status.cancelled")
    page.click("button:has-text('Resume')")
    page.wait_for_selector(".status.running")
    page.reload()  # what goes on is still there
    page.wait_for_selector(".status.running")
    page.click("button:has-text('Cancel')")
    page.wait_for_selector(".status.cancelled")
    page.click(".job button:has-text('Delete')")
    page.wait_for_selector("#jobs-section", state="hidden")


def test_wrong_input_is_explained_and_markup_stays_text(
    start_server: Start, visit: Callable[..., Any], runs: Path
) -> None:
    hostile = "<img src=x onerror=document.title='hacked'>"
    (runs / "earlier").rename(runs / hostile)
    page = visit(start_server().address)
    page.wait_for_selector("#runs tbody tr")
    page.click("#runs tbody tr button:has-text('Show')")
    page.wait_for_selector("#run:not([hidden])")
    assert hostile in page.inner_text("#run-facts")
    for formula in ("", hostile, "Xx2"):
        page.fill("#formula", formula)
        page.press("#formula", "Enter")
        page.wait_for_selector("#new-wrong:not(:empty)")
        assert page.get_attribute("#formula", "aria-invalid") == "true"
    assert page.title() == "AlphaCrystal"
    assert page.locator("img").count() == 0


def test_pattern_is_uploaded_and_its_agreement_shown(
    start_server: Start, visit: Callable[..., Any], tmp_path: Path, runs: Path
) -> None:
    structure = Structure.from_spacegroup(
        225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    pattern = simulate_pattern(structure, np.arange(20, 80, 0.03), rng=np.random.default_rng(0))
    file = tmp_path / "salt.xy"
    np.savetxt(file, np.column_stack([pattern.two_theta, pattern.intensity]))
    large = tmp_path / "large.xy"
    large.write_bytes(file.read_bytes() + b"\n" * 1_000_000)
    page = visit(start_server("--pattern-mb", "0.5").address)
    choose_quick(page)
    page.fill("#formula", "NaCl")
    page.set_input_files("#xrd", large)
    page.click("#new button.main")
    page.wait_for_selector("#new-wrong:has-text('large.xy is larger than 0.5 MB')")
    assert page.get_attribute("#xrd", "aria-invalid") == "true"
    page.click("#xrd-remove")
    assert page.locator("#xrd-remove").is_hidden()
    page.set_input_files("#xrd", file)
    page.click("#new button.main")
    page.wait_for_selector("#new-wrong:has-text('salt.xy names no wavelength')")
    assert page.evaluate("document.activeElement.id") == "wavelength"
    page.fill("#wavelength", "CuKa")
    page.click("#new button.main")
    page.wait_for_selector(".job:has-text('salt.xy')")
    page.wait_for_selector("#run:not([hidden])")
    headings = page.locator("#run-table thead th").all_inner_texts()
    agreement = page.locator("#run-table tbody tr:first-child td").nth(headings.index("R_wp (%)") - 1)
    assert 0 < float(agreement.inner_text()) < 20
    (stored,) = runs.glob("NaCl-*/measured.xy")
    assert stored.read_bytes() == file.read_bytes()
    with page.expect_popup() as popup:
        page.click("#run-report")
    popup.value.wait_for_selector("text=Grey points: measured")


def test_several_pressures_become_a_series(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server("--token", TOKEN).address + f"/#token={TOKEN}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("summary")
    page.fill("#candidates", "4")
    page.fill("#max_atoms", "2")
    page.fill("#formula", "NaCl")
    page.fill("#pressure", "0, high")
    page.click("#new button.main")
    page.wait_for_selector("#new-wrong:has-text('pressure')")
    page.fill("#pressure", "0, 60")
    page.click("#new button.main")
    page.wait_for_selector(".job:has-text('0, 60 GPa')")
    page.wait_for_selector("#series:not([hidden])")
    assert page.inner_text("#series-title") == "NaCl at 2 pressures"
    ranges = page.locator("#series-stable tbody tr").all_inner_texts()
    assert "225" in ranges[0]
    assert "221" in ranges[-1]
    page.evaluate("document.querySelector('#series-figure img').decode()")  # fails if it is no picture
    page.click("#series-lists tbody tr:last-child button")
    page.wait_for_selector("#run-title:has-text('at 60 GPa')")
    page.click("#run-links button")
    page.wait_for_selector("#series:focus")
    with page.expect_popup() as popup:
        page.click("#series-report")
    report = popup.value
    report.click("a[href='60GPa/report.html']")  # the session of the visitor holds for the link
    report.wait_for_selector("#viewer canvas")
    page.click("#series-links button:has-text('Delete')")
    page.wait_for_selector("#series", state="hidden")


def test_compare_side_by_side(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.wait_for_selector("#left option", state="attached")
    page.click("#compare button")
    # The first comparison starts a process that imports pymatgen, which takes longer than the server waits.
    page.wait_for_selector("#comparison .computing")
    page.wait_for_selector(".beside")
    assert page.locator("#comparison .computing").count() == 0
    assert page.locator(".beside table").count() == 2
    headings = page.locator(".beside table").first.locator("thead th").all_inner_texts()
    assert headings == ["Rank", "Space group", "Volume (Å³/atom)", "Same as right rank (rms)"]
    assert page.locator(".beside tr.same").count() >= 6


def test_token_is_asked_for_and_taken_from_the_address(
    start_server: Start, visit: Callable[..., Any]
) -> None:
    server = start_server("--host", "127.0.0.1", "--token", TOKEN)
    page = visit(server.address)
    page.wait_for_selector("#entrance:not([hidden])")
    page.fill("#token", "wrong-wrong-wrong-wrong")
    page.press("#token", "Enter")
    page.wait_for_selector("#token-wrong:not(:empty)")
    page.fill("#token", TOKEN)
    page.press("#token", "Enter")
    page.wait_for_selector("#runs tbody tr")
    other = visit(f"{server.address}/#token={TOKEN}")
    other.wait_for_selector("#runs tbody tr")
    assert TOKEN not in other.url
    other.click("#leave")
    other.wait_for_selector("#entrance:not([hidden])")


def test_keyboard_reaches_everything_in_order(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.wait_for_selector("#runs tbody tr")
    assert page.evaluate("document.activeElement.id") == "formula"
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const at = document.activeElement;
                return [at.id || at.textContent.trim(), getComputedStyle(at).outlineStyle]; }"""
            )
        )
        if reached[-1][0] == "OpenAPI description":
            break
    stops = ["Predict", "Options", "Show", "Report", "Zip", "left", "right"]
    assert [name for name, _ in reached if name in stops] == stops
    assert all(outline != "none" for _, outline in reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1300])
def test_page_fits_and_can_be_read(
    start_server: Start,
    visit: Callable[..., Any],
    faults_of: Callable[[Any], list[str]],
    scheme: str,
    width: int,
) -> None:
    page = visit(start_server().address, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.wait_for_selector("#runs tbody tr")
    page.click("summary")
    page.click("#runs tbody tr button:has-text('Show')")
    page.wait_for_selector("#run:not([hidden])")
    page.click("#compare button")
    page.wait_for_selector(".beside")
    page.fill("#formula", "Xx")
    page.press("#formula", "Enter")
    page.wait_for_selector("#new-wrong:not(:empty)")
    assert faults_of(page) == []

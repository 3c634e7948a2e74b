"""The page in a real browser: typed, watched, seen, downloaded; by keyboard, on a phone, in the dark."""

from __future__ import annotations

import io
import shutil
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


@pytest.fixture
def two_runs(runs: Path) -> Path:
    """The folder of runs with a second run of the same formula, `later`."""
    shutil.copytree(runs / "earlier", runs / "later")
    return runs


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
    page.click("#constraints summary")
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
    page.click("#constraints summary")
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


def test_compare_side_by_side(start_server: Start, visit: Callable[..., Any], two_runs: Path) -> None:
    page = visit(start_server().address)
    page.wait_for_selector("#left option", state="attached")
    chosen = page.evaluate("[left.value, right.value]")
    assert set(chosen) == {"earlier", "later"}
    page.select_option("#left", chosen[1])  # the run of the other side: the two change places
    assert page.evaluate("[left.value, right.value]") == chosen[::-1]
    page.click("#compare button")
    page.wait_for_selector("#comparison .computing")
    page.wait_for_selector(".beside")
    assert page.locator("#comparison .computing").count() == 0
    assert page.locator(".beside table").count() == 2
    headings = page.locator(".beside table").first.locator("thead th").all_inner_texts()
    assert headings == ["Rank", "Space group", "Volume (Å³/atom)", "Same as right rank (rms)"]
    assert page.locator(".beside tr.same").count() >= 6


def test_one_run_has_nothing_to_compare_with(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.wait_for_selector("#compare-hint:has-text('A comparison needs two runs.')")
    assert page.locator("#compare button").is_disabled()


def test_table_has_lattice_density_and_prototype(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.click("#runs tbody tr button:has-text('Show')")
    page.wait_for_selector("#run:not([hidden])")
    headings = page.locator("#run-table thead th").all_inner_texts()
    first = page.locator("#run-table tbody tr").first.locator("th, td").all_inner_texts()
    row = dict(zip(headings, first, strict=True))
    assert row["Prototype"] == "rock salt"
    assert 5 < float(row["a, b, c (Å)"]) < 6.5
    assert row["α, β, γ (°)"] == "90"
    assert 1 < float(row["Density (g/cm³)"]) < 3


def test_answer_to_a_click_comes_at_once_in_words(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.on("dialog", lambda dialog: dialog.accept())
    choose_quick(page, 200)
    for name in ("Ca3Al2Si3O12", "NaCl", "KCl"):
        page.fill("#formula", name)
        page.press("#formula", "Enter")
        words = page.inner_text("#new-said")  # before the server answers: it loads the networks first
        assert words.startswith(("Checking the request for", "Ca₃Al₂Si₃O₁₂", "NaCl", "KCl"))
        page.wait_for_selector(f".job[aria-label='Job {name}']")
    page.wait_for_selector(".job[aria-label='Job KCl']:has-text('queued, 1 before it')")
    page.wait_for_selector(".job[aria-label='Job NaCl']:has-text('next in the queue')")
    page.wait_for_selector(".job[aria-label='Job Ca3Al2Si3O12']:has-text('generating candidates')")
    for name in ("KCl", "NaCl", "Ca3Al2Si3O12"):
        page.click(f".job[aria-label='Job {name}'] button:has-text('Cancel')")


def test_constraints_and_seeds(
    start_server: Start, visit: Callable[..., Any], tmp_path: Path, textbook: Callable[[str], Structure]
) -> None:
    seed, wrong = tmp_path / "anatase.cif", tmp_path / "salt.cif"
    seed.write_text(textbook("anatase").to(fmt="cif"))
    wrong.write_text(textbook("halite").to(fmt="cif"))
    page = visit(start_server("--structures-mb", "0.5").address)
    choose_quick(page)
    page.click("#constraints summary")
    page.fill("#formula", "TiO2")
    fields = {
        "#space_group": ("Pm-3q", "136"),
        "#lattice_tolerance": ("5 parts", ""),
        "#min_distance": ("O-O", "O-O=2.2, Ti-O=1.7"),
    }
    for field, (bad, good) in fields.items():
        page.fill(field, bad)
        page.click("#new button.main")
        page.wait_for_selector("#new-wrong:not(:empty)")
        assert f"#{page.evaluate('document.activeElement.id')}" == field, page.inner_text("#new-wrong")
        page.fill(field, good)
    page.set_input_files("#seed_structures", [seed, wrong])
    page.click("#new button.main")
    page.wait_for_selector("#new-wrong:has-text('salt.cif is NaCl, not TiO2')")
    assert page.evaluate("document.activeElement.id") == "seed_structures"
    large = tmp_path / "large.cif"
    large.write_bytes(seed.read_bytes() + b"\n" * 600_000)
    page.set_input_files("#seed_structures", [seed, large])
    page.click("#new button.main")
    page.wait_for_selector("#new-wrong:has-text('are together larger than 0.5 MB')")
    page.click("#files-remove")
    page.set_input_files("#seed_structures", seed)
    page.click("#new button.main")
    page.wait_for_selector(".job:has-text('anatase.cif')")
    page.wait_for_selector("#run:not([hidden])")
    assert "The seed structure anatase.cif is row" in page.inner_text("#run-notes")
    groups = page.locator("#run-table tbody tr td:nth-child(2)").all_inner_texts()
    assert any("(141)" in group for group in groups)


def test_chemical_system_by_keyboard_alone(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.on("dialog", lambda dialog: dialog.accept())
    page.focus("#explore-system")
    page.keyboard.press("Enter")
    page.wait_for_selector("#explore-wrong:has-text('Name the elements')")
    page.keyboard.type("Li-Xx")
    page.keyboard.press("Enter")
    page.wait_for_selector("#explore-wrong:has-text('no element symbol')")
    assert page.evaluate("document.activeElement.id") == "explore-system"
    page.keyboard.press("Control+A")
    page.keyboard.type("Li-F")
    page.keyboard.press("Tab")  # the button
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("9")  # formulas
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("6")  # atoms
    page.keyboard.press("Enter")
    page.wait_for_selector("#explore-said:not(:empty)")
    page.wait_for_selector(".job .words:has-text('of 9 formulas')")
    page.wait_for_selector(".job .words:has-text('per minute')")
    page.wait_for_selector(".job .words:has-text('On the hull:')")
    page.focus(".job button:has-text('Show hull')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#exploration:focus")
    page.wait_for_selector("#exploration-lead:has-text('It ended because the budget of 9 formulas is spent')")
    assert "on the hull" in page.inner_text("#exploration-title")
    page.evaluate("document.querySelector('#exploration-figures img').decode()")  # fails if it is no picture
    row = page.locator("#exploration-table tbody tr:has-text('(225)')").first
    assert row.locator("th").inner_text() == "LiF"
    with page.expect_download() as event:
        row.locator("a").press("Enter")
    assert "LiF" in event.value.suggested_filename
    with page.expect_download() as event:
        page.click("#exploration-links a:has-text('hull.csv')")
    assert Path(event.value.path()).read_text().startswith("formula,")
    with page.expect_popup() as popup:
        page.click("#exploration-links a:has-text('Hull in 3D')")
    popup.value.wait_for_selector("#viewer canvas")
    assert popup.value.inner_text("#structure-rank") != ""
    assert popup.value.evaluate("window.origin") == "null"
    page.reload()
    page.wait_for_selector("#explorations tbody tr")
    page.click("#explorations tbody button:has-text('Delete')")
    page.wait_for_selector("#explorations-section", state="hidden")


def test_exploration_is_stopped_and_keeps_its_hull(start_server: Start, visit: Callable[..., Any]) -> None:
    page = visit(start_server().address)
    page.fill("#explore-system", "Na-Cl")
    page.fill("#explore-amount", "30")
    page.select_option("#explore-unit", "min")
    page.fill("#explore-atoms", "10")
    page.press("#explore-system", "Enter")
    page.wait_for_selector(".job .words:has-text('min left')")
    page.wait_for_selector(".job .words:has-text('per minute')")
    page.click(".job button:has-text('Stop')")
    page.wait_for_selector(".status.cancelled")
    page.click(".job button:has-text('Show hull')")
    page.wait_for_selector("#exploration-lead:has-text('It has not ended.')")
    page.wait_for_selector("#explorations td:has-text('not finished')")


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


def test_keyboard_reaches_everything_in_order(
    start_server: Start, visit: Callable[..., Any], two_runs: Path
) -> None:
    page = visit(start_server().address)
    page.wait_for_selector("#runs tbody tr")
    assert page.evaluate("document.activeElement.id") == "formula"
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const at = document.activeElement;
                return [at.id || at.textContent.trim(), getComputedStyle(at).outlineStyle]; }"""
            )
        )
        if reached[-1][0] == "OpenAPI description":
            break
    runs = ["Show", "Report", "Zip"]
    stops = ["Predict", "Options", "Constraints and seeds", "Explore", "Options", *runs, *runs]
    stops += ["left", "right", "Compare"]
    assert [name for name, _ in reached if name in stops] == stops
    assert all(outline != "none" for _, outline in reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1300])
def test_page_fits_and_can_be_read(
    start_server: Start,
    visit: Callable[..., Any],
    faults_of: Callable[[Any], list[str]],
    two_runs: Path,
    scheme: str,
    width: int,
) -> None:
    page = visit(start_server().address, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.wait_for_selector("#runs tbody tr")
    page.evaluate("document.querySelectorAll('details').forEach((item) => (item.open = true))")
    page.click("#runs tbody tr button:has-text('Show')")
    page.wait_for_selector("#run:not([hidden])")
    page.click("#compare button")
    page.wait_for_selector(".beside")
    page.fill("#formula", "Xx")
    page.press("#formula", "Enter")
    page.wait_for_selector("#new-wrong:not(:empty)")
    assert faults_of(page) == []

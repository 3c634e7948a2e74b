"""report.html: self-contained, safe against what users and generators write, alive in a browser."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.io.vasp.inputs import Poscar

from alphacrystal.crystal import min_image_distances
from alphacrystal.generate import Candidate
from alphacrystal.report import write_run_folder
from alphacrystal.report._distance_pair import best_order, distance_pair

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!--"


class Page(HTMLParser):
    """Elements, scripts and text of a page as a browser's parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "script":
            self.scripts.append((attributes, ""))

    def handle_data(self, data: str) -> None:
        if self.elements and self.cdata_elem == "script":
            attributes, content = self.scripts[-1]
            self.scripts[-1] = (attributes, content + data)
        else:
            self.text += data

    @property
    def data(self) -> dict:
        return next(
            json.loads(text) for attributes, text in self.scripts if attributes.get("id") == "report-data"
        )


def page_of(folder: Path, prediction, run) -> Page:
    write_run_folder(folder, prediction, run)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_loads_nothing_from_elsewhere(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(), run)
    addresses = [
        attributes[name] for _, attributes in page.elements for name in ("src", "href") if name in attributes
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)


def test_only_the_scripts_of_the_page_may_run(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(), run)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    running = [text for attributes, text in page.scripts if "type" not in attributes]
    assert len(running) == 2
    for text in running:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_hostile_text_stays_text(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction()
    first = prediction.ranked[0]
    candidate = Candidate(first.candidate.structure, HOSTILE, -1.0, provenance={HOSTILE: HOSTILE})
    page = page_of(
        tmp_path,
        dataclasses.replace(
            prediction,
            formula_text=HOSTILE,
            notes=(HOSTILE,),
            potential=HOSTILE,
            hull_reference=HOSTILE,
            timings={HOSTILE: 1.0},
            ranked=(dataclasses.replace(first, candidate=candidate), *prediction.ranked[1:]),
        ),
        dataclasses.replace(run, configuration={"formula": HOSTILE}, model_hashes={HOSTILE: HOSTILE}),
    )
    assert len(page.scripts) == 3
    assert "img" not in {tag for tag, _ in page.elements}
    assert page.text.count("alert(1)") >= 6
    assert [HOSTILE.capitalize(), HOSTILE] in page.data["structures"][0]["provenance"]


def links_of(page: Page, kind: str) -> list[dict[str, str]]:
    return [attributes for tag, attributes in page.elements if tag == "a" and attributes.get("class") == kind]


def test_the_table_offers_each_cif_for_download(tmp_path, make_prediction, run) -> None:
    links = links_of(page_of(tmp_path, make_prediction(), run), "cif")
    assert [link["download"] for link in links] == sorted(p.name for p in (tmp_path / "structures").iterdir())
    for link in links:
        kind, _, text = link["href"].partition(",")
        assert kind == "data:chemical/x-cif;charset=utf-8"
        assert unquote(text) == (tmp_path / "structures" / link["download"]).read_text(encoding="utf-8")


def test_the_table_offers_each_poscar_for_download(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction()
    links = links_of(page_of(tmp_path, prediction, run), "poscar")
    assert [link["download"] for link in links[:2]] == ["001_TiO2_sg136.vasp", "002_TiO2_sg141.vasp"]
    for link, structure in zip(links, prediction.structures, strict=True):
        kind, _, text = link["href"].partition(",")
        assert kind == "data:text/plain;charset=utf-8"
        read = Poscar.from_str(unquote(text)).structure
        np.testing.assert_allclose(read.lattice.matrix, structure.lattice.matrix, atol=1e-8)
        assert read.composition == structure.composition


def test_space_groups_are_given_at_two_tolerances(tmp_path, make_prediction, run) -> None:
    prediction = make_prediction()
    pseudo = dataclasses.replace(prediction.ranked[0], tight_space_group=12)
    unknown = dataclasses.replace(prediction.ranked[1], tight_space_group=None)
    page = page_of(
        tmp_path, dataclasses.replace(prediction, ranked=(pseudo, unknown, *prediction.ranked[2:])), run
    )
    told = [dict(structure["facts"]) for structure in page.data["structures"]]
    assert told[0]["Space group at 0.1 Å"] == "P4₂/mnm (no. 136)"
    assert told[0]["Space group at 0.01 Å"] == "C2/m (no. 12)"
    assert told[1]["Space group at 0.01 Å"] == "none"
    assert told[2]["Space group at 0.01 Å"] == "the same, Pbca (no. 61)"
    assert "Next: " in page.text
    assert "At 0.01 Å" in page.text


def test_provenance_names_the_seed_and_the_rank_before_relaxation(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(), run)
    told = [dict(structure["provenance"]) for structure in page.data["structures"]]
    assert [lines["Seed of the run"] for lines in told] == ["7"] * 5
    places = [lines.get("Rank before relaxation") for lines in told]
    assert places[:4] == [f"{n} of 4, by log-probability" for n in (1, 2, 3)] + [None]  # the fourth has none
    assert places[4] == "4 of 4, by log-probability"


def test_patterns_stand_on_the_page_and_beside_it(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(), run)
    with (tmp_path / "xrd.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for structure in page.data["structures"]:
        peaks = [row for row in rows if int(row["rank"]) == structure["rank"]]
        assert (tmp_path / peaks[0]["file"]).is_file()
        assert [[float(row["two_theta_deg"]), float(row["intensity"])] for row in peaks] == [
            peak[:2] for peak in structure["pattern"]
        ]
        assert max(peak[1] for peak in structure["pattern"]) == 100
    rutile = page.data["structures"][0]["pattern"]
    assert rutile[0] == [pytest.approx(27.44, abs=0.03), 100, pytest.approx(3.248, abs=0.001), "1 1 0"]
    assert "Cu Kα, wavelength 1.54184 Å" in page.text


def test_an_interrupted_run_says_so(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(complete=False, notes=("Read as TiO2.",)), run)
    assert "This run was interrupted" in page.text
    assert "Read as TiO2." in page.text
    assert "1 structure is not fully relaxed" in page.text


def test_a_run_without_relaxation_plots_probabilities(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(relaxed=False), run)
    assert "not relaxed: no energies were calculated" in page.text
    assert "Energy (eV/atom)" not in page.text
    heights = [point["height"] for point in page.data["points"]]
    assert heights == pytest.approx([-2.0, -2.7, -3.4, -4.8])  # the two without a probability are left out


def test_an_empty_list_is_still_a_page(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(count=0, complete=False), run)
    assert "The list is empty" in page.text
    assert "0 structures from 1 candidate" in page.text


def test_exploded_relaxations_are_not_plotted(tmp_path, make_prediction, run) -> None:
    page = page_of(tmp_path, make_prediction(), run)
    assert [point["candidate"] for point in page.data["points"]] == [0, 1, 2, 3, 4]
    assert [point["converged"] for point in page.data["points"]] == [True, True, False, True, True]


def test_licences_of_the_viewer_are_on_the_page(tmp_path, make_prediction, run) -> None:
    text = page_of(tmp_path, make_prediction(), run).text
    for holder in ("University of Pittsburgh", "Three.js", "Michaël Zasso", "Jean-loup Gailly", "Photopea"):
        assert holder in text


def test_distances_stand_in_the_order_of_the_network(make_prediction) -> None:
    prediction = make_prediction()
    for distogram in prediction.distograms:
        cell = next(
            candidate.structure
            for candidate in reversed(prediction.candidates)
            if sorted(site.specie.symbol for site in candidate.structure) == sorted(distogram.species)
        )
        pair = distance_pair(cell, [distogram])
        assert pair.species == distogram.species
        own = min_image_distances(cell.lattice.matrix, cell.frac_coords)
        np.testing.assert_allclose(np.sort(pair.actual, axis=None), np.sort(own, axis=None))
    assert distance_pair(prediction.candidates[0].structure, []) is None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), counts=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_reordering_within_elements_never_makes_the_agreement_worse(seed: int, counts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    species = [
        element for element, count in zip(("Ti", "O", "H"), counts, strict=False) for _ in range(count)
    ]
    points = rng.uniform(0, 5, (len(species), 3))
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    other = points + rng.normal(0, 0.3, points.shape)
    predicted = np.linalg.norm(other[:, None] - other[None], axis=-1)
    start = np.concatenate(
        [rng.permutation(np.flatnonzero(np.array(species) == element)) for element in dict.fromkeys(species)]
    )

    def error(order) -> float:
        return float(np.sum((predicted - distances[np.ix_(order, order)]) ** 2))

    order = best_order(predicted, distances, species, start)
    assert [species[index] for index in order] == species
    assert error(order) <= error(start) + 1e-9
    for i in range(len(order)):  # a swap more would not help
        for j in range(i):
            swapped = order.copy()
            swapped[[i, j]] = swapped[[j, i]]
            if species[i] == species[j]:
                assert error(swapped) >= error(order) - 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("relaxed", [True, False])
def test_a_browser_draws_the_page_without_complaint(tmp_path, make_prediction, run, relaxed) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    write_run_folder(tmp_path / "run", make_prediction(relaxed=relaxed), run)
    done = subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--use-gl=angle",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            "--dump-dom",
            (tmp_path / "run" / "report.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    drawn = Page(done.stdout)
    tags = [tag for tag, _ in drawn.elements]
    assert "canvas" in tags  # the 3D view
    assert tags.count("svg") == 5  # two heat maps, their scale, the pattern, the plot
    assert tags.count("rect") > 2 * 6 * 6
    assert "root mean square difference" in drawn.text
    assert "P4₂/mnm" in drawn.text

"""Figures: right size, same bytes for the same data, labelled, no global state."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.plots import distance_matrices, energy_volume, loss_curve, powder_lines
from alphacrystal.plots.figure import text_on

LOG = "epoch,train_loss,val_loss,seconds\n" + "".join(
    f"{epoch},{2.0 / epoch:.4f},{1.0 / epoch + 0.02 * epoch:.4f},12.5\n" for epoch in range(1, 13)
)
PLANES = ["111", "200", "0 0 12", "220"]
KINDS = ["loss", "distances", "energy", "powder"]


def draw(kind: str, folder):
    if kind == "loss":
        (folder / "log.csv").write_text(LOG)
        return loss_curve(folder / "log.csv", folder / "loss", title="distance network")
    if kind == "distances":
        matrix = np.array([[0.0, 2.1, 3.0], [2.1, 0.0, 2.4], [3.0, 2.4, 0.0]])
        return distance_matrices(matrix, matrix * 1.02, ["Ti", "O", "O"], folder / "distances.png")
    if kind == "powder":
        return powder_lines([27.4, 31.7, 33.0, 45.5], [9.0, 100.0, 60.0, 55.0], PLANES, folder / "powder")
    return energy_volume(
        [10.1, 11.0, 9.7, 12.5],
        [-8.90, -8.85, -8.70, -8.10],
        folder / "energy",
        ranks=[1, 2, 3, None],
        converged=[True, True, False, True],
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The PNG and SVG of each kind of figure."""
    return {kind: draw(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_a_png_of_800_pixels_and_an_svg(drawn, kind) -> None:
    png, svg = drawn[kind]
    assert (png.suffix, svg.suffix) == (".png", ".svg")
    with Image.open(png) as image:
        assert image.width == 800
        assert len(image.convert("L").getcolors()) > 10  # something is drawn
    assert ET.parse(svg).getroot().tag.endswith("svg")  # noqa: S314 - our own file


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_give_the_same_files(drawn, tmp_path, kind) -> None:
    for first, second in zip(drawn[kind], draw(kind, tmp_path), strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_axes_carry_units(tmp_path) -> None:
    texts = {kind: draw(kind, tmp_path)[1].read_text(encoding="utf-8") for kind in KINDS}
    assert "<!-- epoch -->" in texts["loss"]
    assert "<!-- distance (Å) -->" in texts["distances"]
    assert "<!-- 2θ (°), Cu Kα -->" in texts["powder"]
    assert "<!-- energy (eV/atom) -->" in texts["energy"]
    assert "<!-- volume (Å³/atom) -->" in texts["energy"]


def test_strong_peaks_with_room_bear_their_planes(drawn) -> None:
    text = drawn["powder"][1].read_text(encoding="utf-8")
    # 111 is too weak, 0 0 12 stands beside a stronger one.
    assert [name for name in PLANES if f"<!-- {name} -->" in text] == ["200", "220"]


@pytest.mark.parametrize("fraction", np.linspace(0, 1, 41))
def test_numbers_on_the_distance_colours_can_be_read(fraction: float) -> None:
    def luminance(colour) -> float:
        parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
        return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))

    pair = sorted([luminance(text_on(fraction)), luminance(colormaps["viridis"](fraction))])
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def test_the_best_epoch_is_named(drawn) -> None:
    _, svg = drawn["loss"]
    assert "<!-- best: 0.2829 at epoch 7 -->" in svg.read_text(encoding="utf-8")


def test_a_torn_log_of_a_running_training_is_drawn(tmp_path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,train_loss,val_loss\n1,2.0,\n2,1.5,1.7\n3,nan,1.6\n4,1.")
    png, _ = loss_curve(path, tmp_path / "loss")
    assert png.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read"),
        ("step,loss\n1,2\n", "has no column epoch"),
        ("epoch,train_loss\n", "holds no finite loss"),
        ("epoch,train_loss\n1,nan\n", "holds no finite loss"),
    ],
)
def test_a_log_that_cannot_be_drawn_is_refused(tmp_path, text, sentence) -> None:
    path = tmp_path / "log.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        loss_curve(path, tmp_path / "loss")


def test_wrong_shapes_are_a_programming_error(tmp_path) -> None:
    with pytest.raises(ValueError, match="expected two"):
        distance_matrices(np.zeros((2, 2)), np.zeros((3, 3)), ["Ti", "O"], tmp_path / "x")
    with pytest.raises(ValueError, match="expected 2"):
        powder_lines([30.0, 40.0], [1.0], ["100"], tmp_path / "x")
    with pytest.raises(ValueError, match="expected 2"):
        energy_volume([1.0, 2.0], [1.0], tmp_path / "x")


def test_a_path_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AlphaCrystalError, match=r"Cannot write the figure .*energy\.png"):
        energy_volume([1.0], [1.0], tmp_path / "file" / "energy")


def test_drawing_leaves_pyplot_alone(tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from alphacrystal.plots import energy_volume; "
        f"energy_volume([1.0, 2.0], [-1.0, -2.0], Path({str(tmp_path / 'e')!r})); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Figures of the paper's tables: shares of distances, loss panels, matrices with the right cells coloured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from alphacrystal.errors import InputError
from alphacrystal.plots import loss_panels
from alphacrystal_bench.figures.distance_shares import distance_shares
from alphacrystal_bench.figures.formation_energies import formation_energies
from alphacrystal_bench.figures.matching_distances import matching_distances

LOG = "epoch,train_loss,val_loss\n1,0.5,0.6\n2,0.3,0.4\n3,0.2,0.45\n"
TRUE = np.array([[0, 2.1, 3.14], [2.1, 0, 2.4], [3.14, 2.4, 0]])
RIGHT = np.array([[True, True, False], [True, True, True], [False, True, True]])


def shares(folder: Path) -> tuple[Path, Path]:
    return distance_shares(
        np.arange(4) * 2.0,
        np.array([0.001, 0.2, 0.04]),
        np.array([0.00004, 0.8, 0.2]),
        folder / "shares",
        title="three classes",
    )


def losses(folder: Path) -> tuple[Path, Path]:
    (folder / "log.csv").write_text(LOG)
    return loss_panels(
        [("1,000 crystals", folder / "log.csv"), ("10,000 crystals", folder / "log.csv")], folder / "x"
    )


def matrices(folder: Path) -> tuple[Path, Path]:
    return matching_distances(TRUE, TRUE + 0.43, RIGHT, ["Eu", "Si", "Si"], folder / "pair", title="EuSi2")


FIGURES = pytest.mark.parametrize("draw", [shares, losses, matrices])


@FIGURES
def test_figure_is_a_png_of_800_pixels_and_an_svg(
    draw: Callable[[Path], tuple[Path, Path]], tmp_path: Path
) -> None:
    png, svg = draw(tmp_path)
    with Image.open(png) as image:
        assert image.width == 800
        assert len(image.convert("L").getcolors()) > 10  # something is drawn
    assert ET.parse(svg).getroot().tag.endswith("svg")  # noqa: S314 - our own file


@FIGURES
def test_same_data_give_the_same_files(draw: Callable[[Path], tuple[Path, Path]], tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first, second = (draw(folder) for folder in folders)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_shares_are_written_in_percent_over_their_bars(tmp_path: Path) -> None:
    text = shares(tmp_path)[1].read_text(encoding="utf-8")
    assert "<!-- 80.0 -->" in text
    assert "<!-- 0.10 -->" in text
    assert "<!-- &lt; 0.01 -->" in text
    assert "<!-- share (%) -->" in text


def test_each_panel_names_its_best_epoch(tmp_path: Path) -> None:
    text = losses(tmp_path)[1].read_text(encoding="utf-8")
    assert text.count("<!-- best: 0.4 at epoch 2 -->") == 2
    assert "<!-- 10,000 crystals -->" in text


def test_matrices_show_both_distances_of_each_pair_and_none_on_the_diagonal(tmp_path: Path) -> None:
    text = matrices(tmp_path)[1].read_text(encoding="utf-8")
    assert text.count("<!-- 3.1 -->") == 2
    assert text.count("<!-- 3.6 -->") == 2  # 3.14 + 0.43
    assert "<!-- 0.4 -->" not in text  # the diagonal: 0 + 0.43
    assert "<!-- Si2 -->" in text


def test_right_cells_are_coloured_and_the_others_are_not(tmp_path: Path) -> None:
    def colours(right: np.ndarray, name: str) -> int:
        path = matching_distances(TRUE, TRUE, right, ["Eu", "Si", "Si"], tmp_path / name)[0]
        with Image.open(path) as image:
            half = image.convert("RGB").crop((400, 100, 800, 450))
            return sum(count for count, colour in half.getcolors(1 << 20) if max(colour) - min(colour) > 60)

    none = colours(np.zeros((3, 3), dtype=bool), "none")
    assert none == 0
    assert colours(RIGHT, "some") > 10_000


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        distance_shares(np.arange(4.0), np.ones(3), np.ones(2), tmp_path / "x")
    with pytest.raises(ValueError, match=r"expected \(2, 2\)"):
        matching_distances(TRUE, TRUE, RIGHT, ["Eu", "Si"], tmp_path / "x")


def test_missing_log_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        loss_panels([("none", tmp_path / "none.csv")], tmp_path / "x")


def test_formation_energies_need_a_value_or_none_per_compound(tmp_path: Path) -> None:
    png, svg = formation_energies(
        ["NaCl", "CsCl"], {"known": [-2.1, -2.2], "ours": [-2.0, None]}, tmp_path / "energies"
    )
    assert png.stat().st_size > 5000
    text = svg.read_text(encoding="utf-8")
    assert "formation energy (eV/atom)" in text
    assert all(word in text for word in ("NaCl", "CsCl", "known", "ours"))
    with pytest.raises(ValueError, match="2 energies"):
        formation_energies(["NaCl", "CsCl"], {"known": [-2.1]}, tmp_path / "energies")

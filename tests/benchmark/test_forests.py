"""Random forests: predictions, cache and missing packages."""

import sys
from pathlib import Path

import numpy as np
import pytest

from alphacrystal.data import PreparedStructures
from alphacrystal.errors import InputError
from alphacrystal_bench.models.baselines import crystal_systems, forest_predictions
from alphacrystal_bench.models.forests import ForestRuns
from alphacrystal_bench.models.lattice_forest import PUBLISHED_R2, length_forests, symmetry_features
from alphacrystal_bench.models.lattice_forest import SETTINGS as LENGTH_SETTINGS
from alphacrystal_bench.models.symmetry_forest import (
    PUBLISHED_ACCURACY,
    group_forest,
    group_forests_by_system,
)

ROOM = np.random.default_rng(0)
POINTS = ROOM.random((300, 90)).astype(np.float32)
CLASSES = (POINTS[:, 0] * 3).astype(np.int64) + 220
SYSTEMS = np.where(POINTS[:, 1] > 0.5, "cubic", "tetragonal")
TRAIN, ROWS = np.arange(250), np.arange(250, 300)


def test_length_forests_learn_each_axis_and_repeat_those_that_symmetry_makes_equal() -> None:
    lengths = np.stack([4 + POINTS[:, 0], 4 + POINTS[:, 0], 6 + 2 * POINTS[:, 2]], axis=1).astype(float)
    lengths[SYSTEMS == "cubic"] = lengths[SYSTEMS == "cubic", :1]
    found = length_forests(POINTS, lengths, SYSTEMS, TRAIN, ROWS, ForestRuns(trees=10))
    cubic = SYSTEMS[ROWS] == "cubic"
    assert (found[cubic] == found[cubic, :1]).all()
    assert (found[:, 0] == found[:, 1]).all()
    assert (found[~cubic, 2] > found[~cubic, 0]).all()
    for axis in (0, 2):
        assert np.corrcoef(found[~cubic, axis], lengths[ROWS][~cubic, axis])[0, 1] > 0.8


def test_a_crystal_system_never_trained_has_no_lengths() -> None:
    systems = SYSTEMS.copy()
    systems[ROWS[:3]] = "triclinic"
    found = length_forests(POINTS, np.ones((300, 3)), systems, TRAIN, ROWS, ForestRuns(trees=1))
    assert np.isnan(found[:3]).all()
    assert np.isfinite(found[3:]).all()


def test_group_probabilities_are_of_groups_that_were_trained() -> None:
    found = group_forest(POINTS, CLASSES, TRAIN, ROWS, ForestRuns(trees=10))
    assert found.shape == (50, 231)
    assert found.sum(1) == pytest.approx(np.ones(50))
    assert set(np.flatnonzero(found.any(0))) <= {220, 221, 222}
    assert (found.argmax(1) == CLASSES[ROWS]).mean() > 0.8


def test_a_given_crystal_system_leaves_only_its_groups() -> None:
    groups = np.where(SYSTEMS == "cubic", CLASSES, CLASSES - 100)
    found = group_forests_by_system(POINTS, groups, SYSTEMS, TRAIN, ROWS, ForestRuns(trees=3))
    cubic = SYSTEMS[ROWS] == "cubic"
    assert found[cubic, 220:].sum(1) == pytest.approx(np.ones(cubic.sum()))
    assert found[~cubic, :220].sum(1) == pytest.approx(np.ones((~cubic).sum()))


def test_a_forest_is_the_same_whether_grown_remembered_or_grown_on(tmp_path: Path) -> None:
    def predict(trees: int, counted: list[int], seed: int = 0, folder: str = "cache") -> np.ndarray:
        runs = ForestRuns(trees, seed, tmp_path / folder, counted.append)
        return runs.predict(
            "RandomForestRegressor", LENGTH_SETTINGS, POINTS[TRAIN], POINTS[TRAIN, 0], POINTS[ROWS]
        )

    first, again, more = [], [], []
    grown = predict(10, first)
    assert (predict(10, again) == grown).all()
    assert (first, again) == ([5, 5], [10])
    assert (predict(12, more) == predict(12, [], folder="other")).all()
    assert more == [10, 2]
    assert (predict(15, []) == predict(15, [], folder="other")).all()
    assert (predict(10, again) == grown).all()  # still there beside the larger one
    assert again == [10, 10]
    assert not (predict(10, [], seed=1) == grown).all()
    stored = sorted((tmp_path / "cache").iterdir())
    assert len(stored) == 4
    for path in stored:
        path.write_bytes(b"damaged")
    assert (predict(10, []) == grown).all()


def test_a_missing_scikit_learn_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    with pytest.raises(InputError, match=r"pip install 'alphacrystal-bench\[forests\]'"):
        group_forest(POINTS, CLASSES, TRAIN, ROWS, ForestRuns(trees=1))


def test_symmetry_features_count_orbits_by_letter(prepared: PreparedStructures) -> None:
    features = symmetry_features(prepared)
    assert features.shape == (len(prepared), 30)
    for row in range(len(prepared)):
        letters = "".join(prepared.occupation(row).values())
        assert features[row, 0] == prepared.space_groups[row]
        assert features[row, 2] == len(letters)
        for place in range(26):
            assert features[row, 3 + place] == letters.count(chr(ord("a") + place))


def test_all_forests_predict_every_row(prepared: PreparedStructures) -> None:
    train, rows = np.flatnonzero(~prepared.validation), np.flatnonzero(prepared.validation)
    counted: list[tuple[int, int]] = []
    found = forest_predictions(
        prepared, train, rows, trees=2, on_progress=lambda done, total: counted.append((done, total))
    )
    assert counted[-1][0] == counted[-1][1]
    halite = prepared.space_groups[rows] == 225
    for lengths in (found.lengths, found.lengths_given_symmetry):
        assert np.isfinite(lengths).all()
        assert np.abs(lengths[halite] / prepared.lattices[rows][halite, :3] - 1).max() < 0.3
    for groups in (found.groups, found.groups_given_cell, found.groups_given_system):
        assert groups.sum(1) == pytest.approx(np.ones(len(rows)))


def test_published_figures_name_the_seven_crystal_systems(prepared: PreparedStructures) -> None:
    assert set(PUBLISHED_R2) == set(PUBLISHED_ACCURACY)
    assert set(crystal_systems(prepared)) <= set(PUBLISHED_R2)
    assert sum(map(len, PUBLISHED_R2.values())) == 16

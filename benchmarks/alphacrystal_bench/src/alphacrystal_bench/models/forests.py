"""Random forests of scikit-learn, grown in parts, with cached predictions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from alphacrystal.errors import InputError
from alphacrystal.runtime.atomic_write import replacing
from alphacrystal.typing import CountProgress, Float32Array, FloatArray

TREES = 100
TREES_AT_ONCE = 5  # deep trees over 230 classes take 50 MB each; the seed is that of the first tree
FORMAT_VERSION = 1  # raise it if equal settings give other forests


@dataclass(frozen=True, slots=True)
class ForestRuns:
    """Settings of the forests.

    Attributes:
        trees: Trees per forest.
        seed: Random seed.
        cache: Folder of the predictions of each forest, so that an interrupted run continues and more trees
            can be added later; created if necessary; None keeps nothing.
        on_trees: Called with the number of trees fitted, or read from the cache, since the last call.
    """

    trees: int = TREES
    seed: int = 0
    cache: Path | None = None
    on_trees: CountProgress = lambda _: None

    def predict(
        self,
        name: str,
        settings: dict[str, Any],
        features: Float32Array,
        targets: NDArray[Any],
        wanted: Float32Array,
    ) -> FloatArray:
        """Prediction of a random forest: the mean over its trees.

        Args:
            name: "RandomForestRegressor" or "RandomForestClassifier".
            settings: Parameters of the class of scikit-learn.
            features: Features of the training rows, shape (n, k).
            targets: Values or classes, shape (n,).
            wanted: Features of the rows to predict, shape (m, k).

        Returns:
            Values, shape (m,), or probabilities of the sorted distinct classes, shape (m, classes).

        Raises:
            InputError: scikit-learn is not installed.
        """
        stem = None
        if self.cache is not None:
            digest = hashlib.sha256(json.dumps([name, settings, self.seed, FORMAT_VERSION]).encode())
            for array in (features, targets, wanted):
                digest.update(np.ascontiguousarray(array).tobytes())
            stem = self.cache / f"forest-{digest.hexdigest()[:16]}"
        total, done = (np.zeros(()), 0) if stem is None else _load(stem, self.trees)
        if done:
            self.on_trees(done)
        begun = done
        while done < self.trees:
            count = min(TREES_AT_ONCE, self.trees - done)
            forest = _class(name)(n_estimators=count, random_state=self.seed + done, n_jobs=1, **settings)
            forest.fit(features, targets)
            answer = forest.predict_proba(wanted) if name.endswith("Classifier") else forest.predict(wanted)
            total, done = total + answer * count, done + count
            if stem is not None:
                _save(stem, total, done)
                if done - count > begun:  # keep the file that this call started from
                    _file(stem, done - count).unlink(missing_ok=True)
            self.on_trees(count)
        return np.asarray(total / self.trees, dtype=np.float64)


def require_forests() -> None:
    """Check, without importing it, that scikit-learn is installed.

    Raises:
        InputError: It is not installed.
    """
    if find_spec("sklearn") is None:
        raise InputError(
            "The random forests need scikit-learn: pip install 'alphacrystal-bench[forests]', or pass "
            "--no-forests."
        )


def _class(name: str) -> Any:
    require_forests()
    return getattr(import_module("sklearn.ensemble"), name)


def _file(stem: Path, trees: int) -> Path:
    return stem.with_name(f"{stem.name}-{trees}.npz")


def _save(stem: Path, total: FloatArray, trees: int) -> None:
    """Write the sum over a number of trees."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with replacing(_file(stem, trees)) as unfinished, unfinished.open("xb") as stream:
        np.savez_compressed(stream, total=total)


def _load(stem: Path, trees: int) -> tuple[FloatArray, int]:
    """Sum over the trees of the largest cached forest of at most ``trees``, and their number."""
    for count in (
        trees,
        *range(trees - trees % TREES_AT_ONCE, 0, -TREES_AT_ONCE),
    ):  # the other numbers have other seeds
        if (path := _file(stem, count)).is_file():
            try:
                with np.load(path, allow_pickle=False) as stored:
                    return np.asarray(stored["total"], dtype=np.float64), count
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
                continue  # damaged: compute it again
    return np.zeros(()), 0

"""Random forests of scikit-learn, grown a few trees at a time and remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
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
from alphacrystal.typing import Float32Array, FloatArray

TREES = 100
TREES_AT_ONCE = 5  # deep trees over 230 classes take 50 MB each; their seed is that of the first of them
FORMAT_VERSION = 1  # to be raised when equal settings give other forests


@dataclass(frozen=True, slots=True)
class ForestRuns:
    """How forests are fitted.

    Attributes:
        trees: In each forest.
        seed: Of their random numbers.
        cache: Folder that keeps what each forest predicts, so that an interrupted run goes on and more trees
            can be added later; made if need be, None keeps nothing.
        on_trees: Called with the number of trees fitted (or found in the cache) since the last call.
    """

    trees: int = TREES
    seed: int = 0
    cache: Path | None = None
    on_trees: Callable[[int], None] = lambda _: None

    def predict(
        self,
        kind: str,
        settings: dict[str, Any],
        features: Float32Array,
        targets: NDArray[Any],
        wanted: Float32Array,
    ) -> FloatArray:
        """What a random forest predicts: the mean over its trees, as one forest would give.

        Args:
            kind: "RandomForestRegressor" or "RandomForestClassifier".
            settings: Of scikit-learn's class.
            features: Of the training rows, shape (n, k).
            targets: Values or classes, shape (n,).
            wanted: Features of the rows to predict, shape (m, k).

        Returns:
            Values, shape (m,), or probabilities of the sorted distinct classes, shape (m, classes).

        Raises:
            InputError: scikit-learn is not installed.
        """
        stem = None
        if self.cache is not None:
            digest = hashlib.sha256(json.dumps([kind, settings, self.seed, FORMAT_VERSION]).encode())
            for array in (features, targets, wanted):
                digest.update(np.ascontiguousarray(array).tobytes())
            stem = self.cache / f"forest-{digest.hexdigest()[:16]}"
        total, done = (np.zeros(()), 0) if stem is None else _load(stem, self.trees)
        if done:
            self.on_trees(done)
        begun = done
        while done < self.trees:
            own = min(TREES_AT_ONCE, self.trees - done)
            forest = _class(kind)(n_estimators=own, random_state=self.seed + done, n_jobs=1, **settings)
            forest.fit(features, targets)
            answer = forest.predict_proba(wanted) if kind.endswith("Classifier") else forest.predict(wanted)
            total, done = total + answer * own, done + own
            if stem is not None:
                _save(stem, total, done)
                if done - own > begun:  # what this call wrote on its way; what it began with stays
                    _file(stem, done - own).unlink(missing_ok=True)
            self.on_trees(own)
        return np.asarray(total / self.trees, dtype=np.float64)


def require_forests() -> None:
    """Check, without importing it, that scikit-learn is there.

    Raises:
        InputError: It is not.
    """
    if find_spec("sklearn") is None:
        raise InputError(
            "The rival forests need scikit-learn: pip install 'alphacrystal[rivals]', or pass --no-forests."
        )


def _class(kind: str) -> Any:
    require_forests()
    return getattr(import_module("sklearn.ensemble"), kind)


def _file(stem: Path, trees: int) -> Path:
    return stem.with_name(f"{stem.name}-{trees}.npz")


def _save(stem: Path, total: FloatArray, trees: int) -> None:
    """Keep the sum over so many trees."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with replacing(_file(stem, trees)) as unfinished, unfinished.open("xb") as stream:
        np.savez_compressed(stream, total=total)


def _load(stem: Path, trees: int) -> tuple[FloatArray, int]:
    """Sum over the trees of the largest cached forest of at most ``trees``, and their number."""
    for count in (trees, *range(trees - trees % TREES_AT_ONCE, 0, -TREES_AT_ONCE)):  # others grow differently
        if (path := _file(stem, count)).is_file():
            try:
                with np.load(path, allow_pickle=False) as stored:
                    return np.asarray(stored["total"], dtype=np.float64), count
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
                continue  # damaged: as if it were not there
    return np.zeros(()), 0
